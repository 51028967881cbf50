"""Whether a bill may be: its maximum against the budget and the ceiling, with the arithmetic that a reader can check.

The program asks before it registers anything, the budget pack asks again about what the program registered. It fails closed:
a bill with a line that has no price, or without lines, does not fit any budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.problem import Problem
from policies.guard import pools_and_teams
from pricing.bill.cost import ZERO, CostItem, cents, totals

WHERE = "budget.monthlyUsd"
UNDETERMINED = "budget-undetermined"
SHOWN = 5
"""How many of the dearest components, and of the unpriced lines, a message names."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a stack may cost (USD a month): its own budget, and the ceiling of the guard file for its environment.

    `deployed` is the maximum of what is deployed, None when nothing is or nobody knows; `most_after` the most that this run
    may make of it. `parts` are the pools and teams that have bounds of their own.
    """

    environment: str
    budget: Decimal
    ceiling: Decimal
    warn_at_percent: int = 80
    deployed: Decimal | None = None
    most_after: Decimal | None = None
    parts: tuple[pools_and_teams.Part, ...] = ()

    @property
    def effective(self) -> Decimal:
        """The stricter of the two."""
        return min(self.budget, self.ceiling)


def refusals(items: Sequence[CostItem], bounds: Bounds) -> Iterator[Problem]:
    """Everything that keeps a bill from being deployed; empty when it may be."""
    if bounds.budget > bounds.ceiling:
        yield Problem(
            summary="the budget is above the ceiling that the guard file sets for this environment",
            where=WHERE,
            found=f"{usd(bounds.budget)} USD",
            allowed=f"at most {usd(bounds.ceiling)} USD for {bounds.environment}",
            fix=f"lower it, or let a guardian raise maxMonthlyUsd.{bounds.environment} in policies/guard.yaml",
        )
    found = totals(items)
    if not items or found.unpriced:
        yield undetermined(items)
    elif found.maximum > bounds.effective and not _no_dearer(found.maximum, bounds):
        yield _over(items, found.maximum, bounds)
    yield from pools_and_teams.step_refused(found.maximum, bounds.deployed, bounds.most_after)
    for part in bounds.parts:
        yield from pools_and_teams.refusals(part)


def warnings(items: Sequence[CostItem], bounds: Bounds) -> Iterator[Problem]:
    """What a reader should know of a bill that may be deployed: little is left, or it is over but no dearer than before."""
    maximum = totals(items).maximum
    if maximum > bounds.effective:
        if _no_dearer(maximum, bounds):
            yield Problem(
                summary="over the budget, but no dearer than what is deployed, so it may pass",
                where=WHERE,
                found=f"at most {usd(maximum)} USD a month; deployed: {usd(bounds.deployed or ZERO)} USD",
                allowed=f"{usd(bounds.effective)} USD",
                fix=remedy(items, maximum - bounds.effective),
            )
    elif maximum and maximum * 100 >= bounds.effective * bounds.warn_at_percent:
        yield Problem(
            summary=f"{maximum * 100 / bounds.effective:.0f} % of the budget is planned",
            where=WHERE,
            found=f"at most {usd(maximum)} USD a month; {dearest(items)}",
            allowed=f"{usd(bounds.effective)} USD, warned from {bounds.warn_at_percent} %",
        )
    for part in bounds.parts:
        yield from pools_and_teams.warnings(part, bounds.warn_at_percent)


def undetermined(items: Sequence[CostItem]) -> Problem:
    """The refusal of a bill that cannot be added up."""
    unpriced = [item for item in items if not item.priced]
    named = [f"{item.component} {item.role}: {'; '.join(item.assumptions)}" for item in unpriced[:SHOWN]]
    more = [f"and {len(unpriced) - SHOWN} more"] if len(unpriced) > SHOWN else []
    return Problem(
        summary=f"{UNDETERMINED}: what the stack costs cannot be determined, and an unknown cost fits no budget",
        where=WHERE,
        found=" | ".join([*named, *more]) or "a bill without lines",
        allowed="a price for every line",
        fix="take types and regions whose prices are known, give limits, or refresh the price book",
    )


def dearest(items: Sequence[CostItem]) -> str:
    """What costs most, the dearest components first: `gpu-pool-chat 2133.06 + network 100.00`."""
    sums = by_component(items)
    shown = " + ".join(f"{name} {usd(amount)}" for name, amount in sums[:SHOWN])
    rest = sum((amount for _, amount in sums[SHOWN:]), ZERO)
    return shown + (f" + {len(sums) - SHOWN} others {usd(rest)}" if len(sums) > SHOWN else "")


def by_component(items: Sequence[CostItem]) -> list[tuple[str, Decimal]]:
    """Each component with its maximum (USD a month), dearest first; unpriced lines add nothing."""
    sums: dict[str, Decimal] = {}
    for item in items:
        sums[item.component] = sums.get(item.component, ZERO) + (item.maximum or ZERO)
    return sorted(sums.items(), key=lambda each: (-each[1], each[0]))


def remedy(items: Sequence[CostItem], excess: Decimal) -> str:
    """What would bring a bill under: the cheapest cut in the component that costs most, as far as it reaches."""
    pools = [(name, amount) for name, amount in by_component(items) if "-pool" in name]
    name, amount = next(iter(pools), next(iter(by_component(items)), ("", ZERO)))
    key = f"gpuPools.{name.removeprefix('gpu-pool-')}" if name.startswith("gpu-pool-") else name
    if amount <= excess:
        return f"even without {key} ({usd(amount)} USD) it is over: take out or shrink what costs most"
    return f"take {usd(excess)} USD out of what costs most: lower the limits of {key} (now at most {usd(amount)} USD)"


def usd(amount: Decimal) -> str:
    """An amount as a message shows it: cents, no thousands."""
    return f"{cents(amount):f}"


def _no_dearer(maximum: Decimal, bounds: Bounds) -> bool:
    return bounds.deployed is not None and maximum <= bounds.deployed


def _over(items: Sequence[CostItem], maximum: Decimal, bounds: Bounds) -> Problem:
    binds = "the budget" if bounds.budget <= bounds.ceiling else f"the ceiling for {bounds.environment}"
    excess = maximum - bounds.effective
    more = "" if bounds.deployed is None else f" (deployed: {usd(bounds.deployed)} USD)"
    return Problem(
        summary=f"the stack can cost more than its budget: {binds} binds",
        where=WHERE,
        found=f"at most {usd(maximum)} USD a month{more} = {dearest(items)}",
        allowed=f"{usd(bounds.effective)} USD; {usd(excess)} USD too much",
        fix=f"{remedy(items, excess)}, or raise the budget",
    )
