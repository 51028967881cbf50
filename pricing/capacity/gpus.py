"""What each GPU instance type is, and what other types hold, so that a pool that cannot work is refused by name.

Facts come from `data/gpus.json`, with their sources there. A type that shares one GPU with strangers (g6f, gr6f) counts
no whole GPU: Karpenter gives it no `nvidia.com/gpu`, so no pod that asks for a GPU ever lands on it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import MappingProxyType

from pricing.book import facts

GENERAL_RULE = "vCPUs follow from the size name; memory is 4 GiB a vCPU in m, 2 in c, 8 in r families"
T_MEMORY_GIB = MappingProxyType(
    {"nano": "0.5", "micro": "1", "small": "2", "medium": "4", "large": "8", "xlarge": "16", "2xlarge": "32"}
)
_GENERAL = re.compile(
    r"(?P<kind>[mcr])(?P<generation>\d)(?P<maker>[gia]?)\.(?P<size>medium|large|(?P<times>\d*)xlarge)"
)
_BURST = re.compile(r"t(?P<generation>3|4g)\.(?P<size>[a-z0-9]+)")
_GIB_PER_VCPU = MappingProxyType({"m": 4, "c": 2, "r": 8})


@dataclass(frozen=True, kw_only=True)
class GpuType:
    """One EC2 GPU instance type. Memory in GiB for the machine and MiB for a GPU, NVMe in GB, network in Gbit/s, EBS in Mbit/s.

    `gpus` counts whole GPUs (0 for a fraction); `label_name` and `label_memory` are the values of the node labels
    `karpenter.k8s.aws/instance-gpu-name` and `-memory`, empty and 0 where Karpenter's page lists none, as with
    `cpu_manufacturer` and `ebs_mbps`. `mig` is None
    when no source says whether the GPU can be partitioned; `mig_profiles` maps a profile to how many fit in one GPU.
    """

    name: str
    gpus: int
    gpu_name: str
    gpu_memory_mib: int
    vcpus: int
    memory_gib: Decimal
    nvme_gb: int
    network_gbps: Decimal
    efa_interfaces: int
    ebs_mbps: int
    cpu_manufacturer: str
    architecture: str
    generation: str
    compute_capability: str
    mig: bool | None
    mig_profiles: Mapping[str, int]
    label_name: str
    label_memory: int
    source: str

    @property
    def whole_gpu(self) -> bool:
        """Whether the type has at least one GPU to itself."""
        return self.gpus > 0


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How big a machine is: vCPUs, memory in GiB, CPU architecture, and the rule or source that says so."""

    vcpus: int
    memory_gib: Decimal
    architecture: str
    source: str


@cache
def gpu_types() -> Mapping[str, GpuType]:
    """Every known GPU type, fractions included, by name in the order of the fact file (family, then size)."""
    data = facts.load("gpus")
    sets = {name: entry["profiles"] or {} for name, entry in data["mig_profiles"].items()}
    return MappingProxyType(
        {
            name: GpuType(
                name=name,
                gpus=row["gpus"],
                gpu_name=row["gpu"],
                gpu_memory_mib=row["gpu_memory_mib"],
                vcpus=row["vcpus"],
                memory_gib=Decimal(row["memory_gib"]),
                nvme_gb=row["nvme_gb"],
                network_gbps=Decimal(row["network_gbps"]),
                efa_interfaces=row["efa_interfaces"],
                ebs_mbps=row["ebs_mbps"] or 0,
                cpu_manufacturer=row["cpu_manufacturer"] or "",
                architecture=row["architecture"],
                generation=row["generation"],
                compute_capability=row["compute_capability"],
                mig=row["mig"],
                mig_profiles=MappingProxyType(sets.get(row["mig_set"], {})),
                label_name=row["label_name"] or "",
                label_memory=row["label_memory"] or 0,
                source=data["sources"][row["source"]],
            )
            for name, row in data["types"].items()
        }
    )


def most_pods() -> Mapping[str, int]:
    """How many pods a node of a type may have when nobody says fewer: its network interfaces' addresses bound it."""
    return MappingProxyType(facts.load("pods")["pods"])


def node_pods(types: Iterable[str]) -> int:
    """How many pods each node of a pool may have so that all have the same: what its smallest type bears.

    Karpenter counts nodes against `limits.nodes` only once they are there, so a batch of pods passes that limit (tried; its
    issues 2657 and 2915). It does count pods before: with an equal number a node, `pods` holds what `nodes` promises.
    """
    return min(most_pods()[name] for name in types)


def gpu_type(name: str) -> GpuType | None:
    """The GPU type of that name, or None when it is no GPU type or not known."""
    return gpu_types().get(name)


def is_fraction(name: str) -> bool:
    """Whether the type has a share of a GPU and no whole one; False for types that are not known."""
    known = gpu_type(name)
    return known is not None and not known.whole_gpu


def nearest(name: str) -> tuple[str, ...]:
    """Up to three GPU type names that look like `name`, nearest first, for a did-you-mean."""
    whole = [known.name for known in gpu_types().values() if known.whole_gpu]
    return tuple(difflib.get_close_matches(name, whole, n=3, cutoff=0.6))


def shape(name: str) -> Shape | None:
    """vCPUs, memory and architecture of a GPU, general (m, c, r) or burstable (t3, t4g) type; None when not known.

    For types without facts of their own the size name decides (`GENERAL_RULE`); metal sizes are left unknown.
    """
    known = gpu_type(name)
    if known is not None:
        return Shape(
            vcpus=known.vcpus, memory_gib=known.memory_gib, architecture=known.architecture, source=known.source
        )
    burst = _BURST.fullmatch(name)
    if burst and burst["size"] in T_MEMORY_GIB:
        vcpus = {"xlarge": 4, "2xlarge": 8}.get(burst["size"], 2)
        arm = burst["generation"] == "4g"
        memory = Decimal(T_MEMORY_GIB[burst["size"]])
        return Shape(
            vcpus=vcpus, memory_gib=memory, architecture="arm64" if arm else "amd64", source="sizes of t3 and t4g"
        )
    match = _GENERAL.fullmatch(name)
    if not match or (match["size"] == "medium" and match["maker"] != "g"):
        return None
    vcpus = {"medium": 1, "large": 2}.get(match["size"]) or 4 * int(match["times"] or 1)
    return Shape(
        vcpus=vcpus,
        memory_gib=Decimal(vcpus * _GIB_PER_VCPU[match["kind"]]),
        architecture="arm64" if match["maker"] == "g" else "amd64",
        source=GENERAL_RULE,
    )
