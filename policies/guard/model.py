"""What the guard file holds: ceilings, required tags and exemptions that no stack file can loosen.

The program reads the ceilings before it registers anything, the policy packs read all of it: one file, one model.
`policies.guard.file` reads the file. Plain dataclasses, for the process of the packs starts with every preview.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from core.problem import Problem, Refused
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

    `max_monthly_usd` is the highest monthly cost (USD) of each environment; a stack file may only ask for less. Every AWS
    resource carries the `required_tags`, itself or from its provider's default tags. `max_per_pool_usd` and
    `max_per_team_usd` bound parts of an environment, by the pool's or the team's name; `max_increase_usd` and
    `max_increase_percent` bound how much dearer than what is deployed one run may make it. Prices older than
    `warn_prices_older_than_days` are warned of; None: never.
    """

    max_monthly_usd: Mapping[str, Decimal]
    required_tags: tuple[str, ...]
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

    def most_after(self, environment: str, deployed: Deployed, today: datetime.date) -> Decimal | None:
        """Highest maximum (USD a month) that one run may reach from what is deployed; None when nothing bounds the step.

        The stricter of amount and percent holds; an exemption that has not ended allows the step up to its own amount. When
        nobody knows what is deployed, only an exemption allows a step.
        """
        amount, percent = self.max_increase_usd.get(environment), self.max_increase_percent.get(environment)
        if amount is None and percent is None:
            return None
        room = self._room(environment, today)
        if deployed.unreadable:
            return max(room, default=ZERO)
        if deployed.maximum is None:
            return None
        steps = [deployed.maximum + amount] if amount is not None else []
        if percent is not None:
            steps.append(deployed.maximum * (100 + percent) / 100)
        return max([min(steps), *room])

    def ceiling(self, environment: str, today: datetime.date, stack: str = "") -> Decimal:
        """Highest monthly cost (USD) of an environment on a day, exemptions that have not ended included.

        A stack with the name of an environment is held to that one's ceiling too, whatever it says that it is. Refuses an
        environment that the file does not name, as nothing bounds it.
        """
        if environment not in self.max_monthly_usd:
            raise Refused(
                Problem(
                    summary="the guard file sets no ceiling for this environment",
                    where="maxMonthlyUsd",
                    found=environment,
                    allowed=", ".join(sorted(self.max_monthly_usd)),
                    fix=f"let a guardian add maxMonthlyUsd.{environment}",
                )
            )
        named = {environment, stack} & self.max_monthly_usd.keys()
        return min(self._ceiling(each, today) for each in named)

    def _ceiling(self, environment: str, today: datetime.date) -> Decimal:
        return max([self.max_monthly_usd[environment], *self._room(environment, today)])

    def _room(self, environment: str, today: datetime.date) -> list[Decimal]:
        """The amounts of an environment's exemptions that hold on a day."""
        room = (
            exemption
            for exemption in self.budget_exemptions
            if exemption.environment == environment and today <= exemption.expires
        )
        return [exemption.monthly_usd for exemption in room]
