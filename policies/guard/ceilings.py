"""Whether a stack may cost what it can: its maximum against its budget and its ceiling, with arithmetic that a reader can check.

The program asks before it registers anything, the budget pack asks again of the plan that the program has registered: both ask
here. It fails closed: a bill with a line that has no price, or without lines, fits no budget.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from core.problem import Problem
from policies.guard import pools_and_teams
from policies.guard.deployed import Deployed
from pricing.items.cost import ZERO, cents

WHERE = "budget.monthlyUsd"
UNDETERMINED = "budget-undetermined"
SHOWN = 5
"""How many of the dearest components, and of the unpriced lines, a message names."""


class Line(Protocol):
    """A line of a bill: the component and the role in it, and the most that it may cost (USD a month); None when unpriced."""

    @property
    def component(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def maximum(self) -> Decimal | None: ...
    @property
    def assumptions(self) -> Sequence[str]: ...


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What a stack may cost (USD a month): its own budget, and the ceiling of the guard file for its environment.

    `environment` is what the guard file says that the stack is; None when it lists no such stack. `misnamed` is why the stack
    may not call itself what it does. `most_after` is the most that this run may make of what is `deployed`; None when nothing
    bounds the step. `parts` are the pools and teams that have bounds of their own.
    """

    stack: str
    environment: str | None
    budget: Decimal
    ceiling: Decimal
    warn_at_percent: int = 80
    deployed: Deployed = field(default_factory=Deployed)
    most_after: Decimal | None = None
    parts: tuple[pools_and_teams.SubBudget, ...] = ()
    misnamed: tuple[Problem, ...] = ()

    @property
    def whose(self) -> str:
        """Whose ceiling it is, for a reader."""
        return self.environment or f"stack {self.stack}, which guard.yaml does not list"

    @property
    def key(self) -> str:
        """What a guardian would change in the guard file."""
        return f"raise maxMonthlyUsd.{self.environment}" if self.environment else f"list {self.stack} under `stacks`"

    @property
    def effective(self) -> Decimal:
        """The stricter of the two."""
        return min(self.budget, self.ceiling)


def refusals(items: Sequence[Line], bounds: Bounds) -> Iterator[Problem]:
    """Everything that keeps a bill from being deployed; empty when it may be."""
    yield from bounds.misnamed
    if bounds.budget > bounds.ceiling:
        yield Problem(
            summary="the budget is above the ceiling that the guard file sets for this environment",
            where=WHERE,
            found=f"{usd(bounds.budget)} USD",
            allowed=f"at most {usd(bounds.ceiling)} USD for {bounds.whose}",
            fix=f"lower it, or let a guardian {bounds.key} in guard.yaml",
        )
    maximum = _maximum(items)
    if not items or any(item.maximum is None for item in items):
        yield undetermined(items)
    elif maximum > bounds.effective and not _no_dearer(maximum, bounds):
        yield _over(items, maximum, bounds)
    yield from step_refused(maximum, bounds.deployed, bounds.most_after)
    for part in bounds.parts:
        yield from pools_and_teams.refusals(part)


def step_refused(maximum: Decimal, deployed: Deployed, most: Decimal | None) -> Iterator[Problem]:
    """Why one run may not make the stack that much dearer than what is deployed; empty when it may, or nothing bounds it."""
    if most is None:
        return
    if deployed.unreadable:
        if maximum > most:
            yield Problem(
                summary="nobody knows how much dearer this run makes the stack, and the guard file bounds the step of one run",
                where=WHERE,
                found=deployed.unreadable,
                allowed="a run that is told what is deployed, as `modelyard up` and `modelyard preview` tell it",
                fix="run `modelyard up`, or give the command what `modelyard deployed --format env` prints; a guardian can "
                "enter an exemption under budgetExemptions in guard.yaml",
            )
    elif deployed.maximum is not None and maximum > max(most, deployed.maximum):
        more = maximum - deployed.maximum
        percent = f", {more * 100 / deployed.maximum:.1f} % more" if deployed.maximum else ""
        yield Problem(
            summary="this run raises the cost of the stack by more than the guard file allows for one step",
            where=WHERE,
            found=f"{usd(deployed.maximum)} -> {usd(maximum)} USD a month: {usd(more)} USD{percent}",
            allowed=f"at most {usd(most)} USD in this run",
            fix="take several runs, or let a guardian enter an exemption under budgetExemptions in guard.yaml",
        )


def warnings(items: Sequence[Line], bounds: Bounds) -> Iterator[Problem]:
    """What a reader should know of a bill that may be deployed: little is left, or it is over but no dearer than before."""
    maximum = _maximum(items)
    if maximum > bounds.effective:
        if _no_dearer(maximum, bounds):
            yield Problem(
                summary="over the budget, but not more expensive than what is deployed: allowed",
                where=WHERE,
                found=f"at most {usd(maximum)} USD a month; deployed: {usd(bounds.deployed.maximum or ZERO)} USD",
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


def undetermined(items: Sequence[Line]) -> Problem:
    """The refusal of a bill that cannot be added up."""
    unpriced = [item for item in items if item.maximum is None]
    named = [f"{item.component} {item.role}: {'; '.join(item.assumptions)}" for item in unpriced[:SHOWN]]
    more = [f"and {len(unpriced) - SHOWN} more"] if len(unpriced) > SHOWN else []
    return Problem(
        summary=f"{UNDETERMINED}: the cost of the stack cannot be determined, so it is refused",
        where=WHERE,
        found=" | ".join([*named, *more]) or "a bill without lines",
        allowed="a price for every line",
        fix="take types and regions whose prices are known, give limits, or refresh the price book",
    )


def dearest(items: Sequence[Line]) -> str:
    """What costs most, the dearest components first: `gpu-pool-chat 2133.06 + network 100.00`."""
    sums = by_component(items)
    shown = " + ".join(f"{name} {usd(amount)}" for name, amount in sums[:SHOWN])
    rest = sum((amount for _, amount in sums[SHOWN:]), ZERO)
    return shown + (f" + {len(sums) - SHOWN} others {usd(rest)}" if len(sums) > SHOWN else "")


def by_component(items: Sequence[Line]) -> list[tuple[str, Decimal]]:
    """Each component with its maximum (USD a month), dearest first; unpriced lines add nothing."""
    sums: dict[str, Decimal] = {}
    for item in items:
        sums[item.component] = sums.get(item.component, ZERO) + (item.maximum or ZERO)
    return sorted(sums.items(), key=lambda each: (-each[1], each[0]))


def remedy(items: Sequence[Line], excess: Decimal) -> str:
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
    return bounds.deployed.maximum is not None and maximum <= bounds.deployed.maximum


def _maximum(items: Sequence[Line]) -> Decimal:
    return sum((item.maximum or ZERO for item in items), ZERO)


def _over(items: Sequence[Line], maximum: Decimal, bounds: Bounds) -> Problem:
    binds = "the budget" if bounds.budget <= bounds.ceiling else f"the ceiling for {bounds.whose}"
    excess = maximum - bounds.effective
    there = bounds.deployed.maximum
    more = "" if there is None else f" (deployed: {usd(there)} USD)"
    return Problem(
        summary=f"the stack can cost more than {binds} allows",
        where=WHERE,
        found=f"at most {usd(maximum)} USD a month{more} = {dearest(items)}",
        allowed=f"{usd(bounds.effective)} USD; {usd(excess)} USD too much",
        fix=f"{remedy(items, excess)}, or raise the budget",
    )
