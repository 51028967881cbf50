"""Compares the maximum of each pool and each team with its own budget and ceiling.

`policies.guard.ceilings` does the same for the whole stack. A pool or team that costs no more than what is deployed of it is
warned of and not refused. A bill with an unpriced line is refused there, for the whole stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.problem import Problem
from pricing.items.cost import ZERO, cents


@dataclass(frozen=True, kw_only=True)
class SubBudget:
    """The most that one pool or team costs (USD a month), and what bounds it; None: nothing does.

    `where` is the budget's place in the stack file (`budget.perPool.chat`), `key` the ceiling's in the guard file.
    """

    where: str
    key: str
    maximum: Decimal
    budget: Decimal | None
    ceiling: Decimal | None
    deployed: Decimal | None = None

    @property
    def effective(self) -> Decimal | None:
        """The stricter of the two."""
        return min((amount for amount in (self.budget, self.ceiling) if amount is not None), default=None)

    @property
    def over(self) -> bool:
        """Whether it costs more than it may."""
        return self.effective is not None and self.maximum > self.effective

    @property
    def dearer(self) -> bool:
        """Whether it costs more than what is deployed of it, as far as anybody knows."""
        return self.deployed is None or self.maximum > self.deployed


def parts(
    kind: str,
    environment: str,
    maxima: Mapping[str, Decimal],
    budgets: Mapping[str, Decimal],
    ceilings: Mapping[str, Decimal],
    deployed: Mapping[str, Decimal],
) -> Iterator[SubBudget]:
    """Every part of a `kind` (`Pool`, `Team`) that has a budget or a ceiling, each map by the part's name."""
    for name in sorted({*budgets, *ceilings} & maxima.keys() | budgets.keys()):
        yield SubBudget(
            where=f"budget.per{kind}.{name}",
            key=f"maxPer{kind}Usd.{environment}.{name}",
            maximum=maxima.get(name, ZERO),
            budget=budgets.get(name),
            ceiling=ceilings.get(name),
            deployed=deployed.get(name),
        )


def refusals(found: SubBudget) -> Iterator[Problem]:
    """Why a part may not be deployed; empty when it may."""
    if found.budget is not None and found.ceiling is not None and found.budget > found.ceiling:
        yield Problem(
            summary="this budget is above the ceiling that the guard file sets for it",
            where=found.where,
            found=f"{cents(found.budget):f} USD",
            allowed=f"at most {cents(found.ceiling):f} USD",
            fix=f"lower it, or let a guardian raise {found.key} in guard.yaml",
        )
    if found.over and found.dearer:
        yield _over(found, "this part of the stack can cost more than its budget")


def warnings(found: SubBudget, warn_at_percent: int) -> Iterator[Problem]:
    """What a reader should know of a part that may be deployed."""
    if found.over and not found.dearer:
        yield _over(found, "over its budget, but not more expensive than what is deployed: allowed")
    elif found.effective and not found.over and found.maximum * 100 >= found.effective * warn_at_percent:
        yield Problem(
            summary=f"{found.maximum * 100 / found.effective:.0f} % of this budget is planned",
            where=found.where,
            found=f"at most {cents(found.maximum):f} USD a month",
            allowed=f"{cents(found.effective):f} USD, warned from {warn_at_percent} %",
        )


def _over(found: SubBudget, summary: str) -> Problem:
    effective = found.effective or ZERO
    binds = "the budget" if found.budget == effective else f"the ceiling {found.key}"
    more = "" if found.deployed is None else f" (deployed: {cents(found.deployed):f} USD)"
    return Problem(
        summary=f"{summary} ({binds} is the limit)",
        where=found.where,
        found=f"at most {cents(found.maximum):f} USD a month{more}",
        allowed=f"{cents(effective):f} USD; {cents(found.maximum - effective):f} USD too much",
        fix="lower the limits of the pools that it pays for, or raise its budget as far as its ceiling allows",
    )
