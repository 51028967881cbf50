"""A load as a user writes it, turned into the pods that a cluster would see.

Either real manifests or the short form, a list of `name, pool, replicas, gpus, cpu, memoryGib`. Of a pod what decides where it
goes is kept: a simulated pod runs nothing, so it needs no secret or account. What nobody here knows is a doubt, never a drop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from components.kinds.words import PoolName
from components.nodes.general_pool import POOL as GENERAL
from components.nodes.nodepools import GPU_TAINT, POOL_LABEL
from components.spec import Spec
from core.problem import ExitCode, Problem, Refused
from core.yaml_lines import documents
from infra.stack.explain import problems_of
from ops.simulate.workload.load import Load
from ops.simulate.workload.manifests import Found, surroundings, take
from pricing.meters.compute.nodepools import GPUS

MAX_BYTES, MAX_PODS = 1_000_000, 2000


class LoadSpec(Spec):
    """One load in the short form: so many equal pods on one pool of the stack."""

    name: PoolName
    """What the report calls it."""
    pool: PoolName = GENERAL
    """The pool that it asks for: a GPU pool's name, or `general`."""
    replicas: int = Field(default=1, ge=1, le=MAX_PODS)
    """How many pods."""
    gpus: int = Field(default=0, ge=0, le=64)
    """GPUs of each pod (slices where the pool slices time)."""
    cpu: Decimal = Field(default=Decimal(1), gt=0, le=1024)
    """CPU cores that each pod requests."""
    memory_gib: Decimal = Field(default=Decimal(1), gt=0, le=32768)
    """Memory that each pod requests (GiB)."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a file asks for: loads, objects made before their pods, a line about each object without pods, and doubts."""

    loads: tuple[Load, ...]
    around: tuple[Mapping[str, Any], ...] = ()
    skipped: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def read(path: Path, pools: list[str], storage_class: str = "") -> Asked:
    """What a file asks for; `storage_class` is the platform's own, whose volumes are made where their pod runs.

    Raises Refused with every problem at its line: no file, no YAML, an unknown key or pool, a bad manifest, no load at all; with
    `UNDETERMINED` when all that could make pods is of kinds that nobody here knows.
    """
    nodes = _documents(path)
    manifests = [value for _, value, _ in nodes if isinstance(value, Mapping) and "kind" in value]
    around, found = surroundings(manifests, storage_class), Found()
    problems: list[Problem] = []
    for where, value, line in nodes:
        try:
            if isinstance(value, Mapping) and "kind" in value:
                if not value.get("apiVersion"):
                    raise Refused(
                        Problem(summary="Required value", where="apiVersion", fix="say the kind's apiVersion")
                    )
                take(value, around, found)
            else:
                found.loads.append(_of_short_form(value, pools))
        except Refused as refused:
            inside = [_under(where, problem) for problem in refused.problems]
            problems += [problem.at(path.name, line) for problem in inside]
    total = sum(load.replicas for load in found.loads)
    if problems:
        raise Refused(problems)
    if total == 0 and found.doubts:
        raise Refused([Problem(summary=doubt, file=path.name) for doubt in found.doubts], ExitCode.UNDETERMINED)
    if not 0 < total <= MAX_PODS:
        summary = "the file describes no pod" if total == 0 else "more pods than one simulation takes"
        raise Refused(Problem(summary=summary, file=path.name, found=str(total), allowed=f"1 to {MAX_PODS} pods"))
    return Asked(
        loads=tuple(found.loads),
        around=tuple(found.around),
        skipped=tuple(found.skipped),
        doubts=tuple(found.doubts),
    )


def _under(where: str, problem: Problem) -> Problem:
    path = f"{where}.{problem.where}" if where and problem.where else where or problem.where
    return replace(problem, where=path, fix=problem.fix.replace("to the stack file", "to this load"))


def _documents(path: Path) -> list[tuple[str, Any, int]]:
    """Every object and every item of a list in the file: its path, its value and its line."""
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MAX_BYTES:
            raise Refused(Problem(summary="the file is too large", file=path.name, allowed=f"{MAX_BYTES} characters"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Refused(Problem(summary=f"the file cannot be read: {why}", file=str(path))) from None
    found: list[tuple[str, Any, int]] = []
    for read in documents(text, path.name):
        is_list = isinstance(read.value, Mapping) and read.value.get("kind") == "List"
        inner, at = (read.value.get("items"), "items") if is_list else (read.value, "")
        if isinstance(inner, list):
            found += [(f"[{place}]", each, read.line(f"{at}[{place}]")) for place, each in enumerate(inner)]
        elif inner is not None:
            found.append(("", inner, read.line(at)))
    return found


def _of_short_form(value: Any, pools: list[str]) -> Load:
    try:
        spec = LoadSpec.model_validate(value, by_alias=True, by_name=False)
    except ValidationError as error:
        raise Refused(problems_of(error, LoadSpec)) from None
    if spec.pool not in pools:
        raise Refused(Problem(summary="no such pool", where="pool", found=spec.pool, allowed=", ".join(pools)))
    requests = {"cpu": format(spec.cpu, "f"), "memory": str(int(spec.memory_gib * 1024**3))}
    limits = {GPUS: str(spec.gpus)} if spec.gpus else {}
    tolerations = [] if spec.pool == GENERAL else [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}]
    pod = {
        "nodeSelector": {POOL_LABEL: spec.pool},
        "tolerations": tolerations,
        "containers": [{"name": "work", "image": "simulated", "resources": {"requests": requests, "limits": limits}}],
    }
    return Load(name=spec.name, replicas=spec.replicas, pod={"metadata": {}, "spec": pod})
