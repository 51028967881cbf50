"""A load as a user writes it, turned into the pods that a cluster would see.

Either real manifests (anything with a pod template) or the short form, a list of `name, pool, replicas, gpus, cpu, memoryGib`.
Only what decides where a pod goes is kept: a simulated pod runs nothing, so it needs no volume, secret or account.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from components.general_pool import POOL as GENERAL
from components.pools import GPU_TAINT, POOL_LABEL
from components.spec import Spec
from infra.explain import problems_of
from kube.objects import check_object
from kube.pods import items, mapping, pod_template
from pricing.nodepools import GPUS
from problem import Problem, Refused

MAX_BYTES, MAX_PODS = 1_000_000, 2000
LOAD_LABEL = "modelyard.dev/load"
NAMESPACE = "simulated"
_PLACED_BY = ("nodeSelector", "affinity", "tolerations", "topologySpreadConstraints")
_LEFT_OUT = ("resourceClaims", "priorityClassName", "runtimeClassName", "schedulerName", "hostNetwork", "nodeName")
_TIMES = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController", "Rollout")


class LoadSpec(Spec):
    """One load in the short form: so many equal pods on one pool of the stack."""

    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    """What the report calls it."""
    pool: str = GENERAL
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
class Load:
    """Equal pods: `pod` is the manifest of one, `notes` say what of the user's own manifest was left out."""

    name: str
    replicas: int
    pod: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    def pods(self, number: int) -> Iterator[dict[str, Any]]:
        """Every pod of it, named apart from those of the other loads by `number`."""
        metadata = self.pod["metadata"]
        for index in range(self.replicas):
            named = {
                **metadata,
                "name": f"load{number}-{index}",
                "namespace": NAMESPACE,
                "labels": {**metadata.get("labels", {}), LOAD_LABEL: str(number)},
            }
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": dict(self.pod["spec"])}


def read(path: Path, pools: list[str]) -> tuple[list[Load], list[str]]:
    """The loads of a file, and a line about each object in it that runs no pod.

    Raises Refused with every problem at its line: no file, no YAML, an unknown key or pool, a bad manifest, no load at all.
    """
    nodes = _documents(path)
    loads: list[Load] = []
    skipped: list[str] = []
    problems: list[Problem] = []
    for where, value, line in nodes:
        try:
            if isinstance(value, Mapping) and "kind" in value:
                found = _of_manifest(value)
                loads += [found] if isinstance(found, Load) else []
                skipped += [] if isinstance(found, Load) else [found]
            else:
                loads.append(_of_short_form(value, pools))
        except Refused as refused:
            inside = [_under(where, each) for each in refused.problems]
            problems += [each.at(path.name, line) for each in inside]
    total = sum(load.replicas for load in loads)
    if not problems and not 0 < total <= MAX_PODS:
        summary = "the file describes no pod" if total == 0 else "more pods than one simulation takes"
        problems.append(Problem(summary=summary, file=path.name, found=str(total), allowed=f"1 to {MAX_PODS} pods"))
    if problems:
        raise Refused(problems)
    return loads, skipped


def _under(where: str, problem: Problem) -> Problem:
    path = f"{where}.{problem.where}" if where and problem.where else where or problem.where
    return replace(problem, where=path, fix=problem.fix.replace("to the stack file", "to this load"))


def _documents(path: Path) -> list[tuple[str, Any, int]]:
    """Every object and every item of a list in the file: its path, its value and its line."""
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MAX_BYTES:
            raise Refused(Problem(summary="the file is too large", file=path.name, allowed=f"{MAX_BYTES} characters"))
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        values = list(yaml.safe_load_all(text))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise Refused(Problem(summary=f"the file cannot be read: {why}", file=str(path))) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark, why = getattr(error, "problem_mark", None), getattr(error, "problem", None) or "it cannot be read"
        line = mark.line + 1 if mark else 1
        raise Refused(Problem(summary=f"not valid YAML: {why}", file=path.name, line=line)) from None
    found: list[tuple[str, Any, int]] = []
    for value, root in zip(values, roots, strict=True):
        inner = value.get("items") if isinstance(value, Mapping) and value.get("kind") == "List" else value
        node = next((b for a, b in root.value if a.value == "items"), root) if inner is not value else root
        if isinstance(inner, list):
            lines = [each.start_mark.line + 1 for each in node.value]
            found += [(f"[{place}]", each, lines[place]) for place, each in enumerate(inner)]
        elif inner is not None:
            found.append(("", inner, node.start_mark.line + 1))
    return found


def _of_short_form(value: Any, pools: list[str]) -> Load:
    try:
        spec = LoadSpec.model_validate(value)
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


def _of_manifest(value: Mapping[str, Any]) -> Load | str:
    """The load of a manifest, or a line about one that makes no pods by itself."""
    kind = str(value["kind"])
    metadata = mapping(value.get("metadata"))
    name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    if kind == "DaemonSet":
        return f"{kind} {name}: it follows nodes and brings none, so it is left out"
    found = pod_template(value)
    if found is None:
        return f"{kind} {name}: it makes no pods"
    problems = [each for each in check_object(value) if each.where.startswith(("kind", "apiVersion", "spec"))]
    if problems:
        raise Refused(problems)
    template = found[1]
    spec = mapping(template.get("spec") if kind != "Pod" else value.get("spec"))
    labels = dict(mapping(mapping(template.get("metadata")).get("labels")))
    kept: dict[str, Any] = {key: spec[key] for key in _PLACED_BY if spec.get(key)}
    for group in ("initContainers", "containers"):
        if containers := [_container(each) for each in items(spec.get(group))]:
            kept[group] = containers
    notes = [f"{key} is left out" for key in _LEFT_OUT if spec.get(key)]
    if any("persistentVolumeClaim" in mapping(each) for each in items(spec.get("volumes"))):
        notes.append("volumes are left out, and with them the zone that one may be bound to")
    return Load(
        name=f"{kind} {name}",
        replicas=_replicas(kind, mapping(value.get("spec"))),
        pod={"metadata": {"labels": labels} if labels else {}, "spec": kept},
        notes=tuple(notes),
    )


def _container(value: Any) -> dict[str, Any]:
    resources = {key: mapping(value.get("resources")).get(key) for key in ("requests", "limits")}
    kept = {"name": value.get("name"), "image": value.get("image") or "simulated"}
    kept |= {"resources": {key: amounts for key, amounts in resources.items() if amounts}}
    return kept | ({"restartPolicy": value["restartPolicy"]} if value.get("restartPolicy") else {})


def _replicas(kind: str, spec: Mapping[str, Any]) -> int:
    if kind == "CronJob":
        return _replicas("Job", mapping(mapping(spec.get("jobTemplate")).get("spec")))
    if kind == "Job":
        at_once, runs = spec.get("parallelism", 1), spec.get("completions")
        return int(at_once if runs is None else min(at_once, runs))
    replicas = spec.get("replicas", 1) if kind in _TIMES else 1
    return 1 if replicas is None else int(replicas)
