"""What bounds the general pool, which has no GPUs: vCPUs, and dollars compiled to vCPUs at the worst price it can buy."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pricing.book import PriceBook
from pricing.cost import HOURS_PER_MONTH, cents
from pricing.gpus import shape
from problem import Problem, Refused


@dataclass(frozen=True, kw_only=True)
class GeneralBound:
    """A compiled limit: `vcpus` at once, the dearest steady month (USD), the room for a replacement, and why."""

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
    prices = {name: price.usd for name in instance_types if (price := book.on_demand(name))}
    sizes = {name: known.vcpus for name in instance_types if (known := shape(name))}
    dearest = max(instance_types, key=lambda name: prices[name] / sizes[name])
    per_vcpu = prices[dearest] / sizes[dearest] * HOURS_PER_MONTH
    lines, bounds = [], []
    if monthly_usd is not None:
        bounds.append(int(monthly_usd / per_vcpu))
        lines.append(
            f"{monthly_usd:f} USD / ({prices[dearest]:f} USD/h x {HOURS_PER_MONTH} h / {sizes[dearest]} vCPUs) -> "
            f"{bounds[0]} vCPUs, at the on-demand price of {dearest}, the dearest per vCPU"
        )
    if vcpus is not None:
        bounds.append(vcpus)
        lines.append(f"limits.vcpus: {vcpus} vCPUs")
    bound, smallest = min(bounds), min(sizes.values())
    if bound < smallest:
        raise Refused(
            Problem(
                summary="not one node fits the limits of this pool",
                where="limits",
                found=f"{bound} vCPUs",
                allowed=f"at least {smallest}, the size of {min(sizes, key=lambda name: sizes[name])}",
            )
        )
    steady = per_vcpu * bound
    overlap = max(prices.values()) * HOURS_PER_MONTH * overlap_nodes
    lines.append(f"at most {bound} vCPUs = {cents(steady):f} USD a month, and {cents(overlap):f} USD for replacements")
    known_shapes = [known for name in instance_types if (known := shape(name))]
    return GeneralBound(
        vcpus=bound,
        architectures=tuple(sorted({known.architecture for known in known_shapes})),
        steady=steady,
        overlap=overlap,
        lines=tuple(lines),
    )


def _unfit(name: str, book: PriceBook) -> Problem | None:
    if shape(name) is None:
        return Problem(
            summary=f"{name} is not a type without GPUs that Modelyard has facts about",
            where="instanceTypes",
            found=name,
            fix="take for example m7g.2xlarge; GPU types belong under gpuPools",
        )
    if book.on_demand(name) is None:
        return Problem(
            summary=book.why_unknown("on-demand", name),
            where="instanceTypes",
            found=name,
            fix="run modelyard prices refresh, or take a type whose price is known",
        )
    return None
