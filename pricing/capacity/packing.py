"""The dearest and cheapest ways to fill a limit with nodes, in closed form, so that a huge limit costs no time.

Karpenter launches a node only when all of it still fits the NodePool's limits, so a steady state is a set of whole
nodes whose GPUs, added up, stay within the limit. GPU counts of the known types (1, 2, 4, 8) divide one another, which
is what makes the dearest such set a greedy one: see `_blocks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class NodeKind:
    """A type as packing sees it: its GPUs (at least 1) and its price in USD an hour."""

    name: str
    gpus: int
    usd: Decimal

    @property
    def per_gpu(self) -> Fraction:
        """USD an hour for one GPU, exact."""
        return Fraction(self.usd) / self.gpus


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How many nodes of each type, what they cost in USD an hour, and how many GPUs they have."""

    nodes: Mapping[str, int]
    usd: Decimal
    gpus: int


def dearest_per_gpu(kinds: Sequence[NodeKind]) -> NodeKind:
    """The type that costs most for one GPU; of equal ones the first by name."""
    return min(kinds, key=lambda kind: (-kind.per_gpu, kind.name))


def cheapest_per_gpu(kinds: Sequence[NodeKind]) -> NodeKind:
    """The type that costs least for one GPU; of equal ones the first by name."""
    return min(kinds, key=lambda kind: (kind.per_gpu, kind.name))


def dearest(kinds: Sequence[NodeKind], gpus: int, nodes: int | None) -> Packing:
    """The dearest nodes that fit a limit of `gpus`, and of `nodes` where given.

    Exact where only GPUs are limited; with both limits, never less than the dearest set that keeps both: the smaller of
    what either limit alone lets run. Raises ValueError when the GPU counts do not divide one another.
    """
    fitting = [kind for kind in kinds if kind.gpus <= gpus]
    by_gpus = _fill(_blocks(fitting), gpus)
    if nodes is None or not fitting:
        return by_gpus
    top = min(fitting, key=lambda kind: (-kind.usd, kind.name))
    by_nodes = Packing(nodes=MappingProxyType({top.name: nodes}), usd=top.usd * nodes, gpus=top.gpus * nodes)
    return min(by_gpus, by_nodes, key=lambda packing: packing.usd)


def reachable(sizes: Iterable[int], limit: int, nodes: int | None = None) -> int:
    """The most that whole nodes of these sizes (GPUs or vCPUs) add up to within `limit`, and within `nodes` where given.

    0 when not one node fits. Raises ValueError when `nodes` is given and the sizes do not divide one another.
    """
    fitting = sorted({size for size in sizes if size <= limit}, reverse=True)
    if not fitting:
        return 0
    if nodes is not None:
        return _greedy(fitting, limit, nodes)
    smallest = fitting[-1]
    if all(size % smallest == 0 for size in fitting):
        return limit // smallest * smallest
    # Bit n stands for a total of n: shifting by a size, twice it, four times it ... adds every number of such nodes.
    sums, within = 1, (1 << (limit + 1)) - 1
    for size in fitting:
        while size <= limit:
            sums |= (sums << size) & within
            size *= 2
    return sums.bit_length() - 1


def _greedy(sizes: Sequence[int], limit: int, nodes: int) -> int:
    """The largest sizes first: where sizes divide one another, several small nodes may always be one larger one."""
    total = 0
    for larger, size in zip([None, *sizes], sizes, strict=False):
        if larger is not None and larger % size:
            raise ValueError(f"sizes {size} and {larger} do not divide one another")
        count = min((limit - total) // size, nodes)
        total, nodes = total + count * size, nodes - count
    return total


def _blocks(kinds: Sequence[NodeKind]) -> list[Packing]:
    """For each GPU count, smallest first, the dearest packing of exactly that many GPUs."""
    blocks: list[Packing] = []
    for gpus in sorted({kind.gpus for kind in kinds}):
        single = min((kind for kind in kinds if kind.gpus == gpus), key=lambda kind: (-kind.usd, kind.name))
        best = Packing(nodes=MappingProxyType({single.name: 1}), usd=single.usd, gpus=gpus)
        if blocks:
            smaller = blocks[-1]
            if gpus % smaller.gpus:
                raise ValueError(f"GPU counts {smaller.gpus} and {gpus} do not divide one another")
            several = _times(smaller, gpus // smaller.gpus)
            best = max(best, several, key=lambda packing: packing.usd)
        blocks.append(best)
    return blocks


def _fill(blocks: Sequence[Packing], gpus: int) -> Packing:
    nodes: dict[str, int] = {}
    usd, used = Decimal(0), 0
    for block in reversed(blocks):
        part = _times(block, (gpus - used) // block.gpus)
        for name, count in part.nodes.items():
            nodes[name] = nodes.get(name, 0) + count
        usd, used = usd + part.usd, used + part.gpus
    return Packing(nodes=MappingProxyType({name: count for name, count in nodes.items() if count}), usd=usd, gpus=used)


def _times(packing: Packing, count: int) -> Packing:
    return Packing(
        nodes=MappingProxyType({name: nodes * count for name, nodes in packing.nodes.items()}),
        usd=packing.usd * count,
        gpus=packing.gpus * count,
    )
