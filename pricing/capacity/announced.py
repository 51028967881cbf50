"""What one node says it has: the one table that planner, outputs contract, alerts and simulation read.

Facts: `data/announced.json` (sources and date there) and, for whole GPUs and EFA interfaces, `data/gpus.json`. What has no
fact is refused: a node that announces something else than the platform promises is a node on which no pod lands.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from core.problem import Problem, Refused
from pricing.book import facts
from pricing.capacity.gpus import GpuType, gpu_type

GPU_RESOURCE = "nvidia.com/gpu"


class AmiFamily(enum.StrEnum):
    """The operating system of a pool's nodes; both have NVIDIA variants that Karpenter picks for GPU types."""

    AL2023 = "AL2023"
    BOTTLEROCKET = "Bottlerocket"


class Sharing(enum.StrEnum):
    """How a GPU is shared: not at all, by time slicing without memory isolation, or by MIG instances with isolation."""

    NONE = "none"
    TIME_SLICING = "timeSlicing"
    MIG = "mig"


class Plugin(enum.StrEnum):
    """Who announces the GPUs of a node: NVIDIA's device plugin from its chart, or the one inside the node's image."""

    CHART = "chart"
    IMAGE = "image"


@dataclass(frozen=True, kw_only=True)
class NodeAsk:
    """A node as far as it decides what it announces; `efa` is whether its pool has EFA, and so the plugin for it."""

    instance_type: str
    family: AmiFamily = AmiFamily.AL2023
    sharing: Sharing = Sharing.NONE
    replicas: int | None = None
    profile: str = ""
    efa: bool = False


@dataclass(frozen=True, kw_only=True)
class Announced:
    """What a node of one kind announces once its plugins run, and what Karpenter takes it for before it is there.

    `gpus` counts the GPUs in the machine, `per_gpu` how many `nvidia.com/gpu` stand for each. `memory_mib` (MiB) is what
    a pod has for one of them; it has that alone when `isolated`, else others use the same memory.
    """

    gpus: int
    per_gpu: int
    memory_mib: int
    isolated: bool
    resources: Mapping[str, int]
    expected: Mapping[str, int]
    sources: tuple[str, ...]


def plugin(family: AmiFamily) -> Plugin:
    """Who announces the GPUs of that family's nodes."""
    return Plugin(_table()["families"][family.value]["plugin"])


def efa_resource() -> str:
    """The name by which a pod asks for an EFA interface."""
    return str(_table()["efa"]["resource"])


def mig_setting(instance_type: str) -> str | None:
    """The name by which Bottlerocket's MIG settings know the GPU of a type; None when they do not."""
    found = _mig(instance_type)
    return str(found["setting"]) if found else None


def mig_profiles(instance_type: str) -> tuple[str, ...]:
    """The MIG profiles of which it is known what a node of that type then announces; empty when there is none."""
    found = _mig(instance_type)
    return tuple(found["profiles"]) if found else ()


def knows(family: AmiFamily, sharing: Sharing) -> bool:
    """Whether there is a fact about a family's nodes when they share GPUs in that way."""
    return (family, sharing) in _rows()


def announced(node: NodeAsk) -> Announced:
    """What such a node announces. Raises Refused, naming what is missing, when no fact says it."""
    problem = unknown(node)
    if problem is not None:
        raise Refused(problem)
    known, row, table = gpu_type(node.instance_type), _rows()[node.family, node.sharing], _table()
    assert known is not None  # noqa: S101 - refused above
    sources = [known.source, table["sources"][row["source"]]]
    per_gpu, memory = 1, known.gpu_memory_mib
    if row["each"] == "replicas":
        per_gpu = node.replicas or 1
    elif row["each"] == "profile":
        cut = _mig(node.instance_type)["profiles"][node.profile]
        per_gpu, memory = cut["instances"], cut["memory_mib"]
        sources += [table["sources"][name] for name in table["mig_source"].values()]
    resources, expected = {GPU_RESOURCE: known.gpus * per_gpu}, {GPU_RESOURCE: known.gpus}
    if known.efa_interfaces:
        # Karpenter reckons with EFA wherever the type has it; only a pool with the plugin announces it.
        expected[efa_resource()] = known.efa_interfaces
        sources.append(table["sources"][table["efa"]["expected_source"]])
    if node.efa:
        resources[efa_resource()] = known.efa_interfaces
        sources.append(table["sources"][table["efa"]["source"]])
    return Announced(
        gpus=known.gpus,
        per_gpu=per_gpu,
        memory_mib=memory,
        isolated=row["isolated"],
        resources=MappingProxyType(resources),
        expected=MappingProxyType(expected),
        sources=tuple(dict.fromkeys(sources)),
    )


def unknown(node: NodeAsk) -> Problem | None:
    """Why nobody can say what such a node announces; None when the table does. `where` is relative to a pool."""
    known = gpu_type(node.instance_type)
    if known is None or not known.whole_gpu:
        return Problem(summary="not a type with a whole GPU", where="instanceTypes", found=node.instance_type)
    if not knows(node.family, node.sharing):
        others = [family.value for family, sharing in _rows() if sharing is node.sharing]
        return Problem(
            summary=f"nothing is known about what {node.family.value} announces with sharing {node.sharing.value}",
            where="sharing.mode",
            found=node.sharing.value,
            allowed=f"amiFamily: {' or '.join(others)}" if others else "",
            fix=f"say amiFamily: {others[0]}, or share in another way" if others else "share in another way",
        )
    if node.efa and not known.efa_interfaces:
        return Problem(summary=f"{known.name} has no EFA", where="efa", found="true")
    return _uncut(node, known) if node.sharing is Sharing.MIG else None


def _uncut(node: NodeAsk, known: GpuType) -> Problem | None:
    profiles = mig_profiles(node.instance_type)
    if node.profile in profiles:
        return None
    if not known.mig_profiles:
        sure = "cannot be partitioned with MIG" if known.mig is False else "is not known to have MIG profiles"
        summary = f"the {known.gpu_name} of {known.name} {sure}"
    elif node.profile not in known.mig_profiles:
        summary = f"the {known.gpu_name} of {known.name} has no MIG profile {node.profile}"
    else:
        summary = f"nothing is known about a node whose {known.gpu_name} ({known.name}) is cut into {node.profile}"
    share = f"remove {known.name} from instanceTypes, or share by timeSlicing"
    return Problem(
        summary=summary,
        where="sharing.profile",
        found=node.profile,
        allowed=", ".join(profiles),
        fix=f"take one of these profiles, or {share}" if profiles else share,
    )


@cache
def _table() -> dict[str, Any]:
    return facts.load("announced")


@cache
def _rows() -> Mapping[tuple[AmiFamily, Sharing], Mapping[str, Any]]:
    rows = _table()["sharing"]
    return MappingProxyType({(AmiFamily(row["family"]), Sharing(row["mode"])): row for row in rows})


def _mig(instance_type: str) -> Mapping[str, Any]:
    known = gpu_type(instance_type)
    found: Mapping[str, Any] = _table()["mig"].get(known.gpu_name, {}) if known else {}
    return found
