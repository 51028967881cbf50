"""The one entry to the pool arithmetic: check an ask, compile its limits, price them, or refuse with every reason.

A pool is priced NodePool by NodePool, and for its bound, for the bill of a Spec and for that of a declared NodePool alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

from core.problem import Refused
from pricing.book.book import Price, PriceBook
from pricing.capacity.announced import announced
from pricing.capacity.gpus import GpuType, gpu_type
from pricing.capacity.offers import hourly
from pricing.capacity.packing import NodeKind, cheapest_per_gpu, dearest, dearest_per_gpu
from pricing.capacity.pool import Buying, PoolAsk, PoolBound, Share, ShareCost
from pricing.capacity.pool_checks import static_problems
from pricing.capacity.pool_limits import Compiled, compile_limits, on_demand_kinds, reserved_kinds
from pricing.items.cost import HOURS_PER_MONTH, ZERO, CostItem, cents


def pool_bound(ask: PoolAsk, book: PriceBook) -> PoolBound:
    """The compiled limits and the cost of a pool that can work; raises Refused with every problem otherwise."""
    types = _types(ask)
    compiled = static_problems(ask) or compile_limits(ask, types, book)
    if not isinstance(compiled, Compiled):
        raise Refused(compiled)
    has = [announced(ask.node(gpu_type.name)) for gpu_type in types]
    priced = [(share, _priced(ask, share, book)) for share in compiled.shares]
    unpriced = tuple(dict.fromkeys(reason for _, found in priced if not isinstance(found, _Priced) for reason in found))
    known = [(share, found) for share, found in priced if isinstance(found, _Priced)]
    lines = [*compiled.lines]
    for share, found in known:
        lines.extend(_cost_lines(ask, share, found))
    lines.extend(f"cost unknown: {reason}" for reason in unpriced)
    return PoolBound(
        shares=compiled.shares,
        gpus=compiled.gpus,
        nodes=compiled.nodes,
        binds=compiled.binds,
        architectures=tuple(sorted({gpu_type.architecture for gpu_type in types})),
        gpu_memories_mib=tuple(sorted({each.memory_mib for each in has})),
        slices_per_gpu=min(each.per_gpu for each in has),
        memory_isolated=all(each.isolated for each in has),
        costs=() if unpriced else tuple(found.cost for _, found in known),
        unpriced=unpriced,
        lines=tuple(lines),
    )


def share_items(component: str, ask: PoolAsk, share: Share, book: PriceBook) -> tuple[CostItem, ...] | tuple[str, ...]:
    """The bill of one NodePool by its compiled limits alone, or why it cannot be priced; at least one node must fit."""
    priced = _priced(ask, share, book)
    return tuple(_items(component, ask, share, priced)) if isinstance(priced, _Priced) else priced


def node_counts(ask: PoolAsk, share: Share) -> tuple[Decimal, Decimal, Decimal]:
    """How many nodes of a NodePool run at least, as expected and at most, replacements included."""
    if share.buying is Buying.RESERVED:
        nodes = Decimal(share.nodes or 0)
        return nodes, nodes, nodes
    smallest = min(known.gpus for known in _types(ask) if known.gpus <= share.gpus)
    most = share.gpus // smallest if share.nodes is None else min(share.gpus // smallest, share.nodes)
    return ZERO, ask.utilisation * most, Decimal(most + ask.overlap_nodes)


def _types(ask: PoolAsk) -> list[GpuType]:
    return [known for name in ask.instance_types if (known := gpu_type(name)) is not None]


@dataclass(frozen=True, kw_only=True)
class _Priced:
    """What one NodePool costs, the kinds of nodes that it may buy, and the book that they are priced by."""

    cost: ShareCost
    kinds: Sequence[NodeKind]
    book: PriceBook


def _priced(ask: PoolAsk, share: Share, book: PriceBook) -> _Priced | tuple[str, ...]:
    """The price of one NodePool, or why it has none. A discount takes nothing off what bounds spot."""
    if share.buying is Buying.SPOT:
        book = book.listed
    reserved = share.buying is Buying.RESERVED
    kinds, unpriced = reserved_kinds(ask, _types(ask), book) if reserved else on_demand_kinds(_types(ask), book)
    return unpriced or _Priced(cost=_cost(ask, share, kinds, book), kinds=kinds, book=book)


def _cost(ask: PoolAsk, share: Share, kinds: Sequence[NodeKind], book: PriceBook) -> ShareCost:
    if share.buying is Buying.RESERVED:
        nodes = share.nodes or 0
        top, low = max(kinds, key=lambda kind: kind.usd), min(kinds, key=lambda kind: kind.usd)
        most = top.usd * nodes * HOURS_PER_MONTH
        least = low.usd * nodes * HOURS_PER_MONTH
        names = MappingProxyType({top.name: nodes})
        return ShareCost(
            minimum=least, expected=most, steady=most, overlap=ZERO, steady_gpus=share.gpus, steady_nodes=names
        )
    packing = dearest(kinds, share.gpus, share.nodes)
    fitting = [kind for kind in kinds if kind.gpus <= share.gpus]
    bought = [_on_spot(kind, book) for kind in fitting] if share.buying is Buying.SPOT else fitting
    smallest, largest = min(kind.gpus for kind in fitting), max(kind.gpus for kind in fitting)
    running = share.gpus // smallest * smallest
    if share.nodes is not None:
        running = min(running, share.nodes * largest)
    likely = cheapest_per_gpu(bought)
    return ShareCost(
        minimum=ZERO,
        expected=ask.utilisation * likely.usd * running / likely.gpus * HOURS_PER_MONTH,
        steady=packing.usd * HOURS_PER_MONTH,
        overlap=max(kind.usd for kind in fitting) * ask.overlap_nodes * HOURS_PER_MONTH,
        steady_gpus=min(packing.gpus, share.gpus),
        steady_nodes=packing.nodes,
    )


def _on_spot(kind: NodeKind, book: PriceBook) -> NodeKind:
    return replace(kind, usd=hourly(kind.name, Buying.SPOT, book) or kind.usd)


def _mix(nodes: Mapping[str, int]) -> str:
    return " + ".join(f"{count} x {name}" for name, count in nodes.items())


def _cost_lines(ask: PoolAsk, share: Share, priced: _Priced) -> list[str]:
    cost, kinds = priced.cost, priced.kinds
    prices = {kind.name: kind.usd for kind in kinds}
    each = " + ".join(f"{count} x {prices[name]:f}" for name, count in cost.steady_nodes.items())
    steady = f"{share.buying}: at most {_mix(cost.steady_nodes)} at once"
    lines = [f"{steady} = ({each}) USD/h x {HOURS_PER_MONTH} h = {cents(cost.steady):f} USD a month"]
    if share.buying is Buying.RESERVED:
        return [lines[0].replace("at most ", "").replace(" at once", "")]
    if cost.steady_gpus < share.gpus:
        lines.append(f"{share.buying}: of {share.gpus} GPUs at most {cost.steady_gpus} run in the dearest case")
    never = [kind.name for kind in kinds if kind.gpus > share.gpus]
    if never:
        lines.append(f"{share.buying}: {', '.join(never)} never fits into {share.gpus} GPUs")
    more = "1 more node" if ask.overlap_nodes == 1 else f"{ask.overlap_nodes} more nodes"
    overlap = f"{share.buying}: {more} while Karpenter replaces as many, at the worst all month"
    lines.append(f"{overlap} = {cents(cost.overlap):f} USD")
    return lines


def _items(component: str, ask: PoolAsk, share: Share, priced: _Priced) -> list[CostItem]:
    cost, book = priced.cost, priced.book
    quote = book.capacity_block if share.buying is Buying.RESERVED and ask.capacity_block else book.on_demand
    types = {known.name: known for known in _types(ask)}
    quotes: dict[str, Price] = {name: price for name in types if (price := quote(name)) is not None}
    kinds = [NodeKind(name=name, gpus=types[name].gpus, usd=price.usd) for name, price in quotes.items()]
    in_steady = [kind for kind in kinds if kind.name in cost.steady_nodes]
    top = dearest_per_gpu(in_steady)
    per_gpu = Fraction(top.usd) / top.gpus
    unit_price = replace(
        quotes[top.name],
        usd=Decimal(per_gpu.numerator) / Decimal(per_gpu.denominator),
        unit="GPU-hour",
        basis=f"{quotes[top.name].basis}, {top.name} by GPU",
    )
    nodes = CostItem(
        component=component,
        role=f"{share.buying} nodes",
        label=f"{_mix(cost.steady_nodes)}, {share.buying}",
        quantity=cost.steady_gpus * HOURS_PER_MONTH,
        unit="GPU-hour",
        unit_price=unit_price,
        minimum=cost.minimum,
        expected=cost.expected,
        maximum=cost.steady,
        assumptions=_assumptions(ask, share, book),
    )
    if not cost.overlap:
        return [nodes]
    fitting = [kind for kind in kinds if kind.gpus <= share.gpus]
    spare = max(fitting, key=lambda kind: kind.usd)
    overlap = CostItem(
        component=component,
        role=f"{share.buying} replacements",
        label=f"{ask.overlap_nodes} x {spare.name} while nodes are replaced",
        quantity=ask.overlap_nodes * HOURS_PER_MONTH,
        unit="instance-hour",
        unit_price=quotes[spare.name],
        minimum=ZERO,
        expected=ZERO,
        maximum=cost.overlap,
        assumptions=("a node that is being replaced does not count against the limits while it drains",),
    )
    return [nodes, overlap]


def _assumptions(ask: PoolAsk, share: Share, book: PriceBook) -> tuple[str, ...]:
    if share.buying is Buying.RESERVED:
        how = "the fee of a capacity block, all month" if ask.capacity_block else "billed at the on-demand rate"
        return (f"reserved nodes cost the same whether used or not: {how}", "no room for a replacement beside them")
    common = (
        "minimum: scaled to zero",
        f"expected: {ask.utilisation * 100:f} % of the limit all month, at the cheapest type per GPU",
        "maximum: the dearest nodes that fit the limits, on demand",
    )
    if share.buying is not Buying.SPOT:
        return common
    known = sorted({f"{price.as_of}: {price.basis}" for name in ask.instance_types if (price := book.spot(name))})
    unknown = [name for name in ask.instance_types if book.spot(name) is None]
    return (
        *common,
        *(f"spot price of {text}" for text in known),
        *(f"no spot price of {name} is known, so its on-demand price is expected" for name in unknown),
    )
