"""What the guard file holds: ceilings, required tags and exemptions that no stack file can loosen.

The program reads the ceilings before it registers anything, the policy packs read all of it: one file, one model.
`policies.guard.file` reads the file. Plain dataclasses, for the process of the packs starts with every preview.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.problem import Problem
from policies.guard.deployed import Deployed
from pricing.bill.discounts import Discount
from pricing.items.cost import ZERO


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One resource that one rule lets pass, with who answers for it, why, and until when.

    `resource` is named as the refusal names it (`aws:ec2/launchTemplate:LaunchTemplate::old-nodes`), without wildcards;
    `expires` is the last day on which it holds.
    """

    rule: str
    resource: str
    environments: tuple[str, ...]
    owner: str
    reason: str
    expires: datetime.date

    def holds(self, rule: str, resource: str, environment: str) -> bool:
        """Whether it is about this rule and resource in this environment, expired or not."""
        return (self.rule, self.resource) == (rule, resource) and environment in self.environments

    def expired(self, today: datetime.date) -> bool:
        """Whether its last day is over."""
        return today > self.expires


@dataclass(frozen=True, kw_only=True)
class BudgetExemption:
    """Room above an environment's ceiling for a while: it ends with its last day, and counts only up to its amount.

    `monthly_usd` is the highest monthly cost in the ceiling's place; what costs more is held to the ceiling again.
    """

    environment: str
    monthly_usd: Decimal
    owner: str
    reason: str
    expires: datetime.date


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What the owners of the code hold every stack to.

    `stacks` says which environment each stack is; a stack says nothing of that itself. One that is not listed is held to the
    strictest of every environment, and has no exemptions. `max_monthly_usd` is the highest monthly cost (USD) of each
    environment; a stack file may only ask for less. Every AWS resource carries the `required_tags`, itself or from its
    provider's default tags. `max_per_pool_usd` and `max_per_team_usd` bound parts of an environment, by the pool's or the
    team's name. `accounts` is the AWS account of an environment, where the guard file names one. `max_increase_usd` and
    `max_increase_percent` bound how much dearer than what is deployed one run may make it. Prices older than
    `warn_prices_older_than_days` are warned of; None: never.
    """

    max_monthly_usd: Mapping[str, Decimal]
    required_tags: tuple[str, ...]
    stacks: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()
    budget_exemptions: tuple[BudgetExemption, ...] = ()
    discounts: tuple[Discount, ...] = ()
    max_per_pool_usd: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    max_per_team_usd: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    max_increase_usd: Mapping[str, Decimal] = field(default_factory=dict)
    max_increase_percent: Mapping[str, Decimal] = field(default_factory=dict)
    warn_prices_older_than_days: int | None = None
    secret_hosts: tuple[str, ...] = ()
    """Hosts that a secret may be sent to (`policies/guard/secret_hosts.py`)."""

    def environment(self, stack: str) -> str | None:
        """The environment that a stack is; None for one that is not listed."""
        return self.stacks.get(stack)

    def account(self, stack: str) -> str | None:
        """The AWS account that a stack has to be in; None when the guard file names none."""
        return self.accounts.get(self.environment(stack) or "")

    def misnamed(self, stack: str, said: str) -> Iterator[Problem]:
        """Why a stack may not call itself what it does; empty when it may."""
        environment = self.environment(stack)
        if environment is not None and said != environment:
            yield Problem(
                summary="the stack says that it is another environment than the guard file says",
                where="environment",
                found=said,
                allowed=f"{environment}, for stack {stack}",
                fix=f"correct it, or let a guardian change stacks.{stack} in guard.yaml",
            )

    def bounds_steps(self, stack: str) -> bool:
        """Whether anything bounds how much dearer one run may make a stack."""
        bounded = self.max_increase_usd.keys() | self.max_increase_percent.keys()
        return bool(bounded & set(self._as(stack)))

    def most_after(self, stack: str, deployed: Deployed, today: datetime.date) -> Decimal | None:
        """Highest maximum (USD a month) that one run may reach from what is deployed; None when nothing bounds the step.

        The stricter of amount and percent holds; a percentage of nothing bounds nothing beside an amount. An exemption that has
        not ended allows the step up to its own amount. When nobody knows what is deployed, only an exemption allows a step.
        """
        steps = [each for each in (self._most_after(name, deployed) for name in self._as(stack)) if each is not None]
        return max([min(steps), *self._room(stack, today)]) if steps else None

    def ceiling(self, stack: str, today: datetime.date) -> Decimal:
        """Highest monthly cost (USD) of a stack on a day, exemptions that have not ended included."""
        lowest = min((self.max_monthly_usd[each] for each in self._as(stack)), default=ZERO)
        return max([lowest, *self._room(stack, today)])

    def part_ceilings(self, kind: str, stack: str) -> Mapping[str, Decimal]:
        """The ceilings (USD a month) of a stack's pools or teams (`kind` is Pool or Team), by name."""
        tables = {"Pool": self.max_per_pool_usd, "Team": self.max_per_team_usd}[kind]
        found: dict[str, Decimal] = {}
        for environment in self._as(stack):
            for name, amount in tables.get(environment, {}).items():
                found[name] = min(amount, found.get(name, amount))
        return found

    def _as(self, stack: str) -> tuple[str, ...]:
        """The environments that a stack is held to: its own, or all of them when it is not listed."""
        environment = self.environment(stack)
        return tuple(self.max_monthly_usd) if environment is None else (environment,)

    def _most_after(self, environment: str, deployed: Deployed) -> Decimal | None:
        amount, percent = self.max_increase_usd.get(environment), self.max_increase_percent.get(environment)
        if amount is None and percent is None:
            return None
        if deployed.unreadable:
            return ZERO
        if deployed.maximum is None:
            return None
        steps = [deployed.maximum + amount] if amount is not None else []
        if percent is not None and (deployed.maximum or amount is None):
            steps.append(deployed.maximum * (100 + percent) / 100)
        return min(steps)

    def _room(self, stack: str, today: datetime.date) -> list[Decimal]:
        """The amounts of a stack's exemptions that hold on a day."""
        environment = self.environment(stack)
        room = (
            exemption
            for exemption in self.budget_exemptions
            if exemption.environment == environment and today <= exemption.expires
        )
        return [exemption.monthly_usd for exemption in room]
