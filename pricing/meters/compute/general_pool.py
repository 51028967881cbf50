"""What bounds the general pool, which has no GPUs: vCPUs, and dollars compiled to vCPUs at the worst price it can buy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from core.problem import Problem, Refused
from pricing.book.book import PriceBook
from pricing.capacity.gpus import gpu_type, shape
from pricing.capacity.packing import reachable
from pricing.items.cost import HOURS_PER_MONTH, ZERO, CostItem, cents
from pricing.meters.compute.credits import Rate, rate
from pricing.meters.compute.fleet import cpu_credits
from pricing.meters.meters import Meter, ranged


@dataclass(frozen=True, kw_only=True)
class GeneralBound:
    """A compiled limit: `vcpus` at once, the dearest steady month (USD), the room for a replacement, and why.

    Whole nodes can reach `vcpus`, so an alert on it can fire.
    """

    vcpus: int
    architectures: tuple[str, ...]
    steady: Decimal
    overlap: Decimal
    lines: tuple[str, ...]


def general_bound(
    instance_types: list[str], vcpus: int | None, monthly_usd: Decimal | None, overlap_nodes: int, book: PriceBook
) -> GeneralBound:
    """The limit of a pool of types without GPUs; `vcpus` and `monthly_usd` bound it, the stricter one binds.

    Raises Refused when nothing bounds it, when a type or its price is not known, and when not one node would fit.
    """
    problems = [problem for name in instance_types if (problem := _unfit(name, book))]
    if vcpus is None and monthly_usd is None:
        problems.append(Problem(summary="nothing limits this pool", where="limits", fix="add limits: { vcpus: 64 }"))
    if problems:
        raise Refused(problems)
    rates, sizes = _rates(instance_types, book), _sizes(instance_types)
    dearest = _dearest(rates, sizes)
    per_vcpu = rates[dearest].usd / sizes[dearest] * HOURS_PER_MONTH
    credits = ", CPU credits included" if rates[dearest].credit else ""
    lines, bounds = [], []
    if monthly_usd is not None:
        bounds.append(int(monthly_usd / per_vcpu))
        lines.append(
            f"{monthly_usd:f} USD / ({rates[dearest].usd:f} USD/h x {HOURS_PER_MONTH} h / {sizes[dearest]} vCPUs) -> "
            f"{bounds[0]} vCPUs, at the on-demand price of {dearest}, the dearest per vCPU{credits}"
        )
    if vcpus is not None:
        bounds.append(vcpus)
        lines.append(f"limits.vcpus: {vcpus} vCPUs")
    bound, smallest = min(bounds), min(sizes.values())
    if bound < smallest:
        raise Refused(
            Problem(
                summary="the limits of this pool are smaller than one node",
                where="limits",
                found=f"{bound} vCPUs",
                allowed=f"at least {smallest}, the size of {min(sizes, key=lambda name: sizes[name])}",
            )
        )
    within = reachable(sizes.values(), bound)
    if within < bound:
        lines.append(f"whole nodes reach {within} of {bound} vCPUs, so that is the limit")
        bound = within
    steady = per_vcpu * bound
    overlap = max(rate.usd for rate in rates.values()) * HOURS_PER_MONTH * overlap_nodes
    lines.append(f"at most {bound} vCPUs = {cents(steady):f} USD a month, and {cents(overlap):f} USD for replacements")
    known_shapes = [known for name in instance_types if (known := shape(name))]
    return GeneralBound(
        vcpus=bound,
        architectures=tuple(sorted({known.architecture for known in known_shapes})),
        steady=steady,
        overlap=overlap,
        lines=tuple(lines),
    )


def general_items(
    meter: Meter, instance_types: list[str], bound: GeneralBound, overlap_nodes: int
) -> tuple[CostItem, ...]:
    """The bill of a pool that `general_bound` has compiled: its nodes by vCPU, the room for replacements, CPU credits."""
    rates, sizes = _rates(instance_types, meter.book), _sizes(instance_types)
    top, low = _dearest(rates, sizes), min(rates, key=lambda name: rates[name].price.usd / sizes[name])
    spare = max(rates, key=lambda name: rates[name].usd)
    percent, per_vcpu = meter.usage.pool_percent, rates[top].price.usd / sizes[top]
    likely = rates[low].price.usd / sizes[low] * bound.vcpus * HOURS_PER_MONTH * percent / 100
    at_top = replace(rates[top].price, usd=per_vcpu, unit="vCPU-hour", basis=f"{rates[top].price.basis}, {top} by vCPU")
    nodes = ranged(
        meter,
        "on-demand nodes",
        label=f"{bound.vcpus} vCPUs of {', '.join(instance_types)}",
        quantity=bound.vcpus * HOURS_PER_MONTH,
        unit="vCPU-hour",
        price=at_top,
        amounts=(ZERO, likely, per_vcpu * HOURS_PER_MONTH * bound.vcpus),
        assumptions=(
            "minimum: scaled to zero",
            f"expected: poolPercent {percent} % of the limit all month, at the cheapest type by vCPU",
            "maximum: the dearest type by vCPU" + (", CPU credits included" if rates[top].credit else ""),
        ),
    )
    overlap = ranged(
        meter,
        "on-demand replacements",
        label=f"{overlap_nodes} x {spare} while nodes are replaced",
        quantity=overlap_nodes * HOURS_PER_MONTH,
        unit="instance-hour",
        price=rates[spare].price,
        amounts=(ZERO, ZERO, rates[spare].price.usd * HOURS_PER_MONTH * overlap_nodes),
        assumptions=("a node that is being replaced does not count against the limits while it drains",),
    )
    items = [nodes, overlap]
    if rates[top].credit:
        items.append(cpu_credits(meter, top, rates[top], Decimal(bound.vcpus) / sizes[top]))
    if rates[spare].credit and overlap_nodes:
        items.append(cpu_credits(meter, spare, rates[spare], Decimal(overlap_nodes), "CPU credits of replacements"))
    return tuple(items)


def general_node_counts(
    instance_types: list[str], bound: GeneralBound, overlap_nodes: int, percent: int
) -> tuple[Decimal, Decimal, Decimal]:
    """How many nodes run at least, as expected and at most: all of them of the smallest type, replacements included."""
    smallest = min(known.vcpus for name in instance_types if (known := shape(name)))
    most = Decimal(bound.vcpus // smallest)
    return ZERO, most * percent / 100, most + overlap_nodes


def _rates(instance_types: list[str], book: PriceBook) -> dict[str, Rate]:
    return {name: each for name in instance_types if isinstance(each := rate(book, name), Rate)}


def _sizes(instance_types: list[str]) -> dict[str, int]:
    return {name: known.vcpus for name in instance_types if (known := shape(name))}


def _dearest(rates: Mapping[str, Rate], sizes: Mapping[str, int]) -> str:
    """The type that costs most by vCPU, CPU credits included; of equals the first."""
    return max(rates, key=lambda name: rates[name].usd / sizes[name])


def _unfit(name: str, book: PriceBook) -> Problem | None:
    if shape(name) is None or gpu_type(name) is not None:
        return Problem(
            summary=f"{name} is not a type without GPUs that Modelyard has facts about",
            where="instanceTypes",
            found=name,
            fix="take for example m7g.2xlarge; GPU types belong under gpuPools",
        )
    if isinstance(why := rate(book, name), str):
        return Problem(
            summary=why,
            where="instanceTypes",
            found=name,
            fix="take a type whose price is known, or add its price to pricing/book/data with source and date",
        )
    return None
