"""From a pool's limits to its NodePools' limits: which limit binds, how the shares split, and what cannot start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_DOWN, Decimal
from fractions import Fraction

from core.problem import Problem
from pricing.book.book import CAPACITY_BLOCK, ON_DEMAND, PriceBook
from pricing.capacity.gpus import GpuType, node_pods
from pricing.capacity.packing import NodeKind, dearest_per_gpu, reachable
from pricing.capacity.pool import Buying, Capacity, PoolAsk, Share, Where
from pricing.items.cost import HOURS_PER_MONTH


@dataclass(frozen=True, kw_only=True)
class Compiled:
    """The limits of a pool in GPUs and nodes, all within reach of whole nodes, split over its NodePools, and why."""

    shares: tuple[Share, ...]
    gpus: int
    nodes: int | None
    binds: Where
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    where: Where
    gpus: int
    line: str


def on_demand_kinds(types: Sequence[GpuType], book: PriceBook) -> tuple[list[NodeKind], tuple[str, ...]]:
    """The types with their on-demand prices, and one clause for each whose price is unknown."""
    priced = [(known, book.on_demand(known.name)) for known in types]
    kinds = [NodeKind(name=known.name, gpus=known.gpus, usd=price.usd) for known, price in priced if price is not None]
    unknown = tuple(book.why_unknown(ON_DEMAND, known.name) for known, price in priced if price is None)
    return kinds, unknown


def reserved_kinds(ask: PoolAsk, types: Sequence[GpuType], book: PriceBook) -> tuple[list[NodeKind], tuple[str, ...]]:
    """The types at what a reserved node costs: the capacity block's fee, or the on-demand rate of a reservation."""
    if not ask.capacity_block:
        return on_demand_kinds(types, book)
    priced = [(known, book.capacity_block(known.name)) for known in types]
    kinds = [NodeKind(name=known.name, gpus=known.gpus, usd=price.usd) for known, price in priced if price is not None]
    unknown = tuple(book.why_unknown(CAPACITY_BLOCK, known.name) for known, price in priced if price is None)
    return kinds, unknown


def compile_limits(ask: PoolAsk, types: Sequence[GpuType], book: PriceBook) -> Compiled | tuple[Problem, ...]:
    """The compiled limits of an ask without static problems, or everything that keeps the pool from ever starting."""
    if ask.capacity is Capacity.RESERVED:
        return _reserved(ask, types, book)
    kinds, unknown = on_demand_kinds(types, book)
    if ask.monthly_usd is not None and unknown:
        return (_no_price(unknown, Where.USD, Where.GPUS),)
    candidates = _candidates(ask, types, kinds)
    binding = min(candidates, key=lambda candidate: candidate.gpus)
    lines = [candidate.line for candidate in candidates]
    if len(candidates) > 1:
        lines.append(f"{binding.where} binds: {binding.gpus} GPUs")
    too_small = _below_one_node(ask, types, kinds, binding)
    if too_small:
        return too_small
    shares = _split(ask, types, binding)
    if isinstance(shares, Problem):
        return (shares,)
    gpus = sum(share.gpus for share in shares)
    if gpus < binding.gpus:
        lines.append(f"whole nodes reach {gpus} of {binding.gpus} GPUs, so that is the limit")
    if len(shares) > 1:
        spot, fallback = shares
        lines.append(
            f"{gpus} GPUs = {spot.gpus} on spot + {fallback.gpus} on demand ({Where.FALLBACK}), taken out of the limit"
        )
    if ask.shares_gpus:
        lines.append("nodes announce slices of GPUs, so the NodePools are limited by nodes, not by nvidia.com/gpu")
    counts = [share.nodes for share in shares if share.nodes is not None]
    return Compiled(
        shares=shares,
        gpus=gpus,
        nodes=sum(counts) if counts else None,
        binds=binding.where,
        lines=tuple(lines),
    )


def _candidates(ask: PoolAsk, types: Sequence[GpuType], kinds: Sequence[NodeKind]) -> list[_Candidate]:
    candidates: list[_Candidate] = []
    if ask.gpus is not None:
        candidates.append(_Candidate(where=Where.GPUS, gpus=ask.gpus, line=f"{Where.GPUS}: {ask.gpus} GPUs"))
    if ask.nodes is not None:
        most = max(types, key=lambda known: known.gpus)
        gpus = ask.nodes * most.gpus
        line = f"{Where.NODES}: {ask.nodes} nodes x {most.gpus} GPU of {most.name} = {gpus} GPUs"
        candidates.append(_Candidate(where=Where.NODES, gpus=gpus, line=line))
    if ask.monthly_usd is not None:
        top = dearest_per_gpu(kinds)
        exact = Fraction(ask.monthly_usd) / (top.per_gpu * int(HOURS_PER_MONTH))
        gpus = int(exact)
        shown = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"), rounding=ROUND_DOWN)
        line = (
            f"{Where.USD}: {ask.monthly_usd:f} USD / ({top.usd:f} USD/h x {HOURS_PER_MONTH} h / {top.gpus} GPU) "
            f"= {shown} -> {gpus} GPUs at the on-demand price of {top.name}, the dearest per GPU"
        )
        candidates.append(_Candidate(where=Where.USD, gpus=gpus, line=line))
    return candidates


def _needed(ask: PoolAsk, types: Sequence[GpuType]) -> GpuType:
    """The type of which one node must fit: the smallest; with slices the largest, as `nodes` alone then bounds."""
    pick = max if ask.shares_gpus else min
    return pick(types, key=lambda known: known.gpus)


def _below_one_node(
    ask: PoolAsk, types: Sequence[GpuType], kinds: Sequence[NodeKind], binding: _Candidate
) -> tuple[Problem, ...]:
    node = _needed(ask, types)
    if binding.gpus >= node.gpus:
        return ()
    if binding.where is not Where.USD:
        return (
            Problem(
                summary=f"the limit is below one node of {node.name} ({node.gpus} GPUs), so the pool could never start",
                where=binding.where,
                found=f"{binding.gpus} GPUs",
                allowed=f"at least {node.gpus}",
                fix=f"raise it to {node.gpus} or more, or {_smaller(ask)}",
            ),
        )
    top = dearest_per_gpu(kinds)
    least = _usd_for(top.per_gpu * node.gpus)
    holds = "not even one GPU" if binding.gpus == 0 else f"{binding.gpus} GPUs, and {node.name} has {node.gpus}"
    return (
        Problem(
            summary=f"the dollar limit buys {holds}, so the pool could never start",
            where=Where.USD,
            found=binding.line.removeprefix(f"{Where.USD}: "),
            allowed=f"at least {least} USD a month",
            fix=f"raise it to {least}, or drop {top.name} from {Where.TYPES} if others are cheaper per GPU",
        ),
    )


def _smaller(ask: PoolAsk) -> str:
    return "drop the largest types" if ask.shares_gpus else f"add a smaller type to {Where.TYPES}"


def _usd_for(per_hour: Fraction) -> Decimal:
    exact = per_hour * int(HOURS_PER_MONTH)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"), rounding=ROUND_CEILING)


def _split(ask: PoolAsk, types: Sequence[GpuType], binding: _Candidate) -> tuple[Share, ...] | Problem:
    fallback = ask.on_demand_fallback_gpus
    if ask.capacity is not Capacity.SPOT_FIRST or fallback is None:
        buying = Buying.SPOT if ask.capacity is Capacity.SPOT else Buying.ON_DEMAND
        return (_share(ask, types, buying, binding.gpus, ask.nodes),)
    node = _needed(ask, types)
    if not node.gpus <= fallback <= binding.gpus - node.gpus:
        most = binding.gpus - node.gpus
        room = f"{node.gpus} to {most} GPUs" if most >= node.gpus else f"none: {binding.where} holds one node only"
        return Problem(
            summary="the on-demand fall-back must hold one node and leave one to spot, within the pool's limit of "
            f"{binding.gpus} GPUs",
            where=Where.FALLBACK,
            found=f"{fallback} of {binding.gpus} GPUs ({binding.where}), nodes of {node.gpus} ({node.name})",
            allowed=room,
            fix=f"change the fall-back, raise {binding.where} to hold {fallback + node.gpus} GPUs, or set "
            f"capacity: {Capacity.ON_DEMAND if fallback >= binding.gpus else Capacity.SPOT}",
        )
    # Only whole nodes come: what the fall-back cannot use of its part is spot's.
    on_demand = fallback // node.gpus * node.gpus
    spot = binding.gpus // node.gpus * node.gpus - on_demand
    fallback_nodes = None if ask.nodes is None else on_demand // node.gpus
    if ask.nodes is not None and fallback_nodes is not None and fallback_nodes >= ask.nodes:
        return Problem(
            summary=f"the on-demand fall-back can take {fallback_nodes} nodes, which leaves none to spot",
            where=Where.NODES,
            found=str(ask.nodes),
            allowed=f"at least {fallback_nodes + 1}",
            fix=f"raise {Where.NODES}, lower {Where.FALLBACK}, or drop the smallest types",
        )
    spot_nodes = None if ask.nodes is None or fallback_nodes is None else ask.nodes - fallback_nodes
    return (
        _share(ask, types, Buying.SPOT, spot, spot_nodes),
        _share(ask, types, Buying.ON_DEMAND, on_demand, fallback_nodes),
    )


def _share(ask: PoolAsk, types: Sequence[GpuType], buying: Buying, gpus: int, nodes: int | None) -> Share:
    """A NodePool with the limits that whole nodes can reach: one that nothing reaches cannot be alerted on."""
    sizes = [known.gpus for known in types]
    if ask.shares_gpus:
        whole = gpus // max(sizes)
        nodes = whole if nodes is None else min(nodes, whole)
        gpus = nodes * max(sizes)
    else:
        gpus = reachable(sizes, gpus, nodes)
        nodes = None if nodes is None else min(nodes, gpus // min(sizes))
    return Share(
        buying=buying,
        gpus=gpus,
        nodes=nodes,
        counts_gpus=not ask.shares_gpus,
        pods_each=node_pods(ask.instance_types),
    )


def _reserved(ask: PoolAsk, types: Sequence[GpuType], book: PriceBook) -> Compiled | tuple[Problem, ...]:
    nodes = ask.reserved_nodes or 0
    most = max(types, key=lambda known: known.gpus)
    gpus = nodes * most.gpus
    sum_line = f"reserved nodes: {nodes} x {most.gpus} GPU of {most.name} = {gpus} GPUs"
    problems: list[Problem] = []
    for where, limit, has, unit in ((Where.GPUS, ask.gpus, gpus, "GPUs"), (Where.NODES, ask.nodes, nodes, "nodes")):
        if limit is not None and has > limit:
            problems.append(
                Problem(
                    summary="the reservation is larger than the limit",
                    where=where,
                    found=f"{limit} {unit}; {sum_line}",
                    allowed=f"at least {has}",
                    fix=f"raise {where}, or reserve fewer `{Where.RESERVED_NODES}`",
                )
            )
    if ask.monthly_usd is not None:
        kinds, unknown = reserved_kinds(ask, types, book)
        if unknown:
            problems.append(_no_price(unknown, Where.USD, Where.NODES))
        elif (cost := max(kind.usd for kind in kinds) * nodes * HOURS_PER_MONTH) > ask.monthly_usd:
            top = max(kinds, key=lambda kind: kind.usd)
            problems.append(
                Problem(
                    summary="the reservation costs more than the dollar limit",
                    where=Where.USD,
                    found=f"{ask.monthly_usd:f} USD; {nodes} x {top.usd:f} USD/h of {top.name} x {HOURS_PER_MONTH} h "
                    f"= {cost:f} USD",
                    allowed=f"at least {cost.quantize(Decimal('0.01'), rounding=ROUND_CEILING):f} USD a month",
                    fix=f"raise {Where.USD}, or reserve fewer `{Where.RESERVED_NODES}`",
                )
            )
    if problems:
        return tuple(problems)
    share = Share(
        buying=Buying.RESERVED,
        gpus=gpus,
        nodes=nodes,
        counts_gpus=not ask.shares_gpus,
        pods_each=node_pods(ask.instance_types),
    )
    return Compiled(shares=(share,), gpus=gpus, nodes=nodes, binds=Where.RESERVED_NODES, lines=(sum_line,))


def _no_price(unknown: Sequence[str], where: Where, instead: Where) -> Problem:
    return Problem(
        summary="a dollar limit needs the price of every type: " + "; ".join(unknown),
        where=where,
        fix=f"remove that type from {Where.TYPES}, limit by {instead} instead of dollars, or refresh the price book",
    )
