"""The plan of a stack: what each part costs before anything is declared, and whether the guard file and the budget allow it."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from components import catalogue
from components.part import Meters
from core.problem import Problem, Refused
from infra.stack.sent_secrets import sent_secrets
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from policies.guard import ceilings, secret_hosts
from policies.guard.ceilings import Bounds
from policies.guard.deployed import Deployed
from policies.guard.model import Guard
from policies.guard.pools_and_teams import parts as parts_of
from pricing.bill import age
from pricing.bill import breakdown as shares
from pricing.bill.discounts import discounted
from pricing.book.book import PriceBook
from pricing.items.cost import CostItem, Totals, totals

MICRO = Decimal("0.000001")
"""Precision (USD) of the amounts in the registered plan."""

_NOTHING = Deployed()


@dataclass(frozen=True)
class Plan:
    """A stack's bill line by line, and the prices it was made with."""

    stack: Stack
    items: tuple[CostItem, ...]
    book: PriceBook
    guard: Guard
    today: datetime.date

    @cached_property
    def totals(self) -> Totals:
        """The sums, and what could not be priced."""
        return totals(self.items)

    def to_inputs(self) -> dict[str, Any]:
        """The bill as the root component registers it: totals, lines and the version of the price book."""
        return {
            "priceBook": self.book.version,
            **amounts(self.totals),
            "items": [
                {
                    "component": item.component,
                    "role": item.role,
                    "unit": item.unit,
                    "team": self.team(item),
                    **amounts(item),
                }
                for item in self.items
            ],
        }

    def components(self) -> list[str]:
        """Every component that the stack declares under its root, as `Type::name`."""
        return catalogue.components(self.stack)

    def team(self, item: CostItem) -> str:
        """The team that answers for a line."""
        settings = self.stack.settings
        owners = {pool: spec.owner for pool, spec in settings.gpu_pools.items() if spec.owner}
        return shares.team_of(item.component, owners, settings.owner)

    @cached_property
    def maxima(self) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """The maximum of every pool and of every team (USD a month)."""
        lines = ((item.component, self.team(item), item.maximum or Decimal(0)) for item in self.items)
        pools, teams = shares.maxima(lines)
        return {**dict.fromkeys((*self.stack.settings.gpu_pools, "general"), Decimal(0)), **pools}, teams

    def bounds(
        self,
        today: datetime.date,
        *,
        stack: str,
        deployed: Deployed = _NOTHING,
    ) -> Bounds:
        """What the stack of that name may cost."""
        settings, (pools, teams), guard = self.stack.settings, self.maxima, self.guard
        limits = settings.budget
        parts = (("Pool", pools, limits.per_pool, "pools"), ("Team", teams, limits.per_team, "teams"))
        return Bounds(
            stack=stack,
            environment=guard.environment(stack),
            misnamed=tuple(guard.misnamed(stack, settings.environment.value)),
            budget=limits.monthly_usd,
            ceiling=guard.ceiling(stack, today),
            warn_at_percent=limits.warn_at_percent,
            deployed=deployed,
            most_after=guard.most_after(stack, deployed, today),
            parts=tuple(
                part
                for kind, maxima, budgets, key in parts
                for part in parts_of(
                    kind,
                    guard.environment(stack) or "*",
                    maxima,
                    budgets,
                    guard.part_ceilings(kind, stack),
                    deployed.parts.get(key, {}),
                )
            ),
        )


def plan(stack: Stack, guard: Guard, today: datetime.date | None = None) -> Plan:
    """The bill of a stack, part by part (`components.catalogue`).

    Raises Refused when `usage.each` or a budget names what is not there, and for an address that would be sent a secret and is
    not in the guard file.
    """
    day, settings = today or datetime.date.today(), stack.settings
    book = discounted(PriceBook.embedded(stack.region), guard.discounts, day)
    meters = Meters(book=book, usage=settings.usage.amounts(), today=day)
    items = tuple(
        item.assuming(item.unit_price.discount) if item.unit_price and item.unit_price.discount else item
        for item in catalogue.bill(meters, stack)
    )
    _named(settings, items)
    made = Plan(stack=stack, items=items, book=book, guard=guard, today=day)
    told = secret_hosts.problems(sent_secrets(settings), guard.secret_hosts)
    if unknown := [*_budgets_of_nothing(made), *told]:
        raise Refused(unknown)
    return made


def hold(planned: Plan, bounds: Bounds) -> Iterator[Problem]:
    """Refuses a plan that may not be, each problem at its line in the stack file; gives what a reader should be warned of.

    Raises Refused.
    """
    file = planned.stack.file
    placed = [
        refusal.at(file.path.name, file.line(refusal.where)) if file else refusal
        for refusal in ceilings.refusals(planned.items, bounds)
    ]
    if placed:
        raise Refused(placed)
    return itertools.chain(
        ceilings.warnings(planned.items, bounds),
        age.warnings(planned.items, planned.guard.warn_prices_older_than_days, planned.today),
    )


def _budgets_of_nothing(planned: Plan) -> Iterator[Problem]:
    pools, teams = planned.maxima
    limits = planned.stack.settings.budget
    for where, budgets, known in (("perPool", limits.per_pool, pools), ("perTeam", limits.per_team, teams)):
        for name in budgets.keys() - known.keys():
            yield Problem(
                summary="a budget for something that the stack does not have",
                where=f"budget.{where}.{name}",
                found=name,
                allowed=", ".join(sorted(known)),
                fix="correct the name, or take the budget out",
            )


def amounts(of: CostItem | Totals) -> dict[str, str]:
    """The three amounts as decimal strings; those of an unpriced line are left out."""
    found = {"minimumUsd": of.minimum, "expectedUsd": of.expected, "maximumUsd": of.maximum}
    return {key: format(amount.quantize(MICRO), "f") for key, amount in found.items() if amount is not None}


def _named(settings: Settings, items: tuple[CostItem, ...]) -> None:
    names = {item.component for item in items} | {item.role.partition(":")[0] for item in items}
    unknown = [key for key in settings.usage.each if key.rpartition(".")[0] not in names]
    if unknown:
        problem = Problem(
            summary="no item of the bill with this name is paid by use",
            allowed=", ".join(sorted(names)),
            fix="name a resource or a component of the bill: `modelyard cost` lists them",
        )
        raise Refused(replace(problem, where=f"usage.each.{key}", found=key) for key in unknown)
