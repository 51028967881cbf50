"""What a stack, its pools and its teams may cost: one value that the program's gate, the policies and AWS all read."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from components.kinds.addresses import Email
from components.kinds.aws import RoleName, TopicName
from components.kinds.words import PoolName, Team
from components.spec import Invalid, Spec
from core.problem import Problem

Usd = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
Percent = Annotated[int, Field(ge=1, le=1000)]
ALERTS = 10
"""Notifications that one budget in AWS takes; each share needs two, for what was spent and for the forecast."""


class BudgetActionSpec(Spec):
    """What AWS does automatically when the budget has been spent: it forbids roles to start anything new. Nothing that runs is
    stopped."""

    at_percent: Percent = 100
    """Share of the budget (percent, actually spent) at which it acts."""
    automatic: bool = False
    """Whether it acts without approval. Otherwise somebody has to approve it in the console."""
    roles: list[RoleName] = Field(default_factory=list, max_length=20)
    """Further roles to restrict, beside that of the platform's own Karpenter."""


class BudgetWatchSpec(Spec):
    """How AWS itself watches the budget: what is really spent on this platform, by the tag `Platform`."""

    enabled: bool = True
    """Whether there is an AWS Budget and anomaly detection; false outside AWS."""
    emails: list[Email] = Field(default_factory=list, max_length=10)
    """E-mail addresses that get the alerts. Without emails and topic, only the console shows them."""
    topic: TopicName = ""
    """Name of an SNS topic in the stack's region that gets the alerts. Its policy has to let AWS Budgets and Cost Anomaly
    Detection publish."""
    alert_at_percents: list[Percent] = Field(
        default_factory=lambda: [50, 80, 100], min_length=1, max_length=ALERTS // 2
    )
    """Shares of the budget (percent) at which alerts are sent, for what was spent and for the month's forecast."""
    payer_account: bool = False
    """Whether the stack's account pays its own bill: the management account of its organization, or an account in none. Only
    there AWS finds anomalies by tag and lets tags be activated; in a member account it refuses both."""
    anomaly_usd: Usd | None = None
    """Smallest anomaly (USD) that is reported, 100 by default; only with payerAccount."""
    activate_tags: bool = False
    """Whether this stack makes its tags cost-allocation tags, without which no budget can see them. For one stack of the
    account that pays the bill, and not before AWS has seen the tags for a day."""
    action: BudgetActionSpec | None = None
    """What AWS does automatically. Without it AWS only sends alerts."""

    @model_validator(mode="after")
    def _agrees(self) -> BudgetWatchSpec:
        for name, each in (("alertAtPercents", self.alert_at_percents), ("emails", self.emails)):
            if len(set(each)) < len(each):
                raise Invalid("something stands twice", where=name, found=", ".join(map(str, each)), fix="keep one")
        for name, asked in (("activateTags", self.activate_tags), ("anomalyUsd", self.anomaly_usd is not None)):
            if asked and not self.payer_account:
                raise Invalid(
                    "AWS allows this in the account that pays the bill only",
                    where=name,
                    allowed="nothing here, or payerAccount: true",
                    fix="take it out; say payerAccount: true if the account is in no organization, or manages its own",
                )
        if self.action and not self.told:
            raise Invalid(
                "AWS does not act on a budget that nobody hears of",
                where="action",
                fix="name emails or a topic, or take the action out",
            )
        return self

    @property
    def told(self) -> bool:
        """Whether anybody is told."""
        return bool(self.emails or self.topic)


class BudgetSpec(Spec):
    """What the environment may cost; the guard file's ceiling can only be lowered here."""

    monthly_usd: Decimal = Field(ge=0, max_digits=12, decimal_places=2)
    """Budget of the whole stack (USD a month of 730 h); 0 where nothing may cost."""
    warn_at_percent: int = Field(default=80, ge=1, le=100)
    """Share of the budget (percent) from which a preview warns."""
    per_pool: dict[PoolName, Usd] = Field(default_factory=dict, max_length=201)
    """Budgets of single pools by name, `general` for the general pool (USD a month)."""
    per_team: dict[Team, Usd] = Field(default_factory=dict, max_length=100)
    """Budgets of teams by name: their pools, and all that is shared for the stack's owner (USD a month)."""
    watch: BudgetWatchSpec = Field(default_factory=BudgetWatchSpec)
    """How AWS watches the same amount."""

    def needs_aws(self) -> Iterator[Problem]:
        """AWS watches what is in AWS."""
        if self.watch.enabled:
            yield Problem(
                summary="an AWS Budget watches what is spent in AWS",
                where="watch.enabled",
                found="true",
                fix="budget.watch.enabled: false",
            )
