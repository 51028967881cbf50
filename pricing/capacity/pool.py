"""Compiles what a GPU pool may cost and hold into the limits of its NodePools, with the arithmetic in words.

`limits` bound the whole pool and the on-demand share is taken out of it. A dollar limit becomes a GPU limit at the
on-demand price of the dearest type per GPU, for spot too: a spot price is no promise, the on-demand price is its cap.
Hence no steady state costs more than the dollar limit. While Karpenter replaces a node, the node that is going no longer
counts against the limit; that overlap is stated apart and is part of the maximum.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from pricing.capacity.announced import GPU_RESOURCE, AmiFamily, NodeAsk, Sharing


class Capacity(enum.StrEnum):
    """How a pool buys its nodes, as the stack file says it."""

    SPOT = "spot"
    ON_DEMAND = "onDemand"
    SPOT_FIRST = "spotFirst"
    RESERVED = "reserved"


class Buying(enum.StrEnum):
    """How one NodePool buys: the value of the label `karpenter.sh/capacity-type`."""

    SPOT = "spot"
    ON_DEMAND = "on-demand"
    RESERVED = "reserved"


class Where(enum.StrEnum):
    """The fields of a pool that a refusal can name, relative to the pool in the stack file."""

    CAPACITY = "capacity"
    TYPES = "instanceTypes"
    ZONES = "zones"
    LIMITS = "limits"
    GPUS = "limits.gpus"
    NODES = "limits.nodes"
    USD = "limits.monthlyUsd"
    FALLBACK = "onDemandFallback.gpus"
    RESERVED_NODES = "nodes"
    EFA = "efa"
    MEMORY = "mixedGpuMemory"


@dataclass(frozen=True, kw_only=True)
class PoolAsk:
    """What a stack file says of a pool, as far as it decides limits and cost.

    `gpus`, `nodes` and `monthly_usd` bound the whole pool; at least one is needed unless it is reserved.
    `overlap_nodes` is how many nodes a NodePool may replace at once: the largest `nodes` of its disruption budgets.
    `ami_family`, `sharing`, `replicas` and `mig_profile` decide what a node announces. `utilisation` (0 to 1) is the share
    of the limit that is expected to run all month. Raises ValueError when it or `overlap_nodes` is out of range.
    """

    capacity: Capacity
    instance_types: tuple[str, ...]
    zones: tuple[str, ...] = ()
    gpus: int | None = None
    nodes: int | None = None
    monthly_usd: Decimal | None = None
    on_demand_fallback_gpus: int | None = None
    reserved_nodes: int | None = None
    capacity_block: bool = False
    efa: bool = False
    ami_family: AmiFamily = AmiFamily.AL2023
    sharing: Sharing = Sharing.NONE
    replicas: int | None = None
    mig_profile: str = ""
    uniform_gpu_memory: bool = False
    overlap_nodes: int = 1
    utilisation: Decimal = Decimal(1)

    def __post_init__(self) -> None:
        if self.overlap_nodes < 0 or not 0 <= self.utilisation <= 1:
            raise ValueError("overlap_nodes is at least 0 and utilisation from 0 to 1")

    @property
    def shares_gpus(self) -> bool:
        """Whether nodes announce slices instead of whole GPUs."""
        return self.sharing is not Sharing.NONE

    def node(self, instance_type: str) -> NodeAsk:
        """A node of the pool, as far as it decides what the node announces."""
        return NodeAsk(
            instance_type=instance_type,
            family=self.ami_family,
            sharing=self.sharing,
            replicas=self.replicas,
            profile=self.mig_profile,
            efa=self.efa,
        )


@dataclass(frozen=True, kw_only=True)
class Share:
    """One NodePool of the pool: how it buys, and its part of the limits; `pods_each` is what a node of it may have of pods.

    `counts_gpus` is False where nodes announce slices: Karpenter adds up what nodes announce, so a limit of
    `nvidia.com/gpu` would count slices (or, with MIG, nothing); then `nodes` alone bounds the NodePool.
    """

    buying: Buying
    gpus: int
    nodes: int | None
    counts_gpus: bool = True
    pods_each: int = 0

    def limits(self) -> Mapping[str, str]:
        """`spec.limits` of the NodePool, as Kubernetes quantities; nodes stand there twice: `capacity.gpus.node_pods`."""
        found = {GPU_RESOURCE: str(self.gpus)} if self.counts_gpus else {}
        if self.nodes is not None:
            found |= {"nodes": str(self.nodes), "pods": str(self.nodes * self.pods_each)}
        return MappingProxyType(found)


@dataclass(frozen=True, kw_only=True)
class ShareCost:
    """USD a month for one NodePool. `steady` is the dearest steady state and `maximum` is `steady` plus `overlap`.

    `steady_gpus` and `steady_nodes` say which nodes that dearest steady state has.
    """

    minimum: Decimal
    expected: Decimal
    steady: Decimal
    overlap: Decimal
    steady_gpus: int
    steady_nodes: Mapping[str, int]

    @property
    def maximum(self) -> Decimal:
        """The most that the NodePool can cost."""
        return self.steady + self.overlap


@dataclass(frozen=True, kw_only=True)
class PoolBound:
    """A pool that can work: its NodePools with their limits, which limit binds, what it costs, and why.

    `shares` come spot first and their `gpus` add up to `gpus`. `costs` has one entry a share, or is empty when a price
    is unknown: then `unpriced` says which. `lines` is the arithmetic for a person. `gpu_memories_mib` (what a pod has for
    one announced GPU) and `architectures` list what the types have, ascending; `slices_per_gpu` is the least of a type.
    Whole nodes can reach `gpus` and, where it is not None, `nodes`.
    """

    shares: tuple[Share, ...]
    gpus: int
    nodes: int | None
    binds: Where
    architectures: tuple[str, ...]
    gpu_memories_mib: tuple[int, ...]
    slices_per_gpu: int
    memory_isolated: bool
    costs: tuple[ShareCost, ...]
    unpriced: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def minimum(self) -> Decimal | None:
        """The least that the pool costs in a month (USD), None when a price is unknown."""
        return sum((cost.minimum for cost in self.costs), Decimal(0)) if self.costs else None

    @property
    def expected(self) -> Decimal | None:
        """What the pool costs in a month (USD) at the stated utilisation, None when a price is unknown."""
        return sum((cost.expected for cost in self.costs), Decimal(0)) if self.costs else None

    @property
    def steady(self) -> Decimal | None:
        """The dearest steady state in a month (USD), never above the dollar limit; None when a price is unknown."""
        return sum((cost.steady for cost in self.costs), Decimal(0)) if self.costs else None

    @property
    def maximum(self) -> Decimal | None:
        """The most that the pool can cost in a month (USD), replacements included; None when a price is unknown."""
        return sum((cost.maximum for cost in self.costs), Decimal(0)) if self.costs else None
