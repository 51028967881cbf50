"""Reads the guard file: every mistake in it is refused with its line, because a misspelt ceiling would have no effect."""

from __future__ import annotations

from pathlib import Path

from core import plain_yaml
from core.clear_text import refuse_secrets
from core.problem import ExitCode, Problem, Refused
from policies.guard.model import BudgetExemption, Exemption, Guard
from policies.guard.reader import Map
from policies.guard.secret_hosts import is_entry
from pricing.bill.discounts import Discount

NAME = "guard.yaml"
"""The guard file's name, at the top of a checkout."""


def load(path: Path) -> Guard:
    """The guard file at `path`; raises `Refused` with file and line for every mistake in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem(
            summary="the guard file cannot be read",
            file=str(path),
            found=error.strerror or "",
            fix="check out the whole repository: every run needs this file",
        )
        raise Refused(problem, ExitCode.UNAVAILABLE) from None
    read = plain_yaml.read(text, str(path), days=True)
    refuse_secrets(text, str(path))
    problems: list[Problem] = []
    guard = _guard(Map(read.value, "", read, problems))
    if problems:
        raise Refused(each.at(str(path), each.line or 1) for each in problems)
    return guard


def _guard(root: Map) -> Guard:
    maxima = root.amounts("maxMonthlyUsd")
    guard = Guard(
        max_monthly_usd=maxima,
        stacks=root.names("stacks", tuple(maxima)),
        accounts=root.accounts("accounts", tuple(maxima)),
        required_tags=root.texts("requiredTags"),
        exemptions=root.each("exemptions", _exemption),
        budget_exemptions=root.each("budgetExemptions", _budget_exemption),
        discounts=root.each("discounts", _discount),
        max_per_pool_usd=root.tables("maxPerPoolUsd"),
        max_per_team_usd=root.tables("maxPerTeamUsd"),
        max_increase_usd=root.amounts("maxIncreaseUsd", needed=False),
        max_increase_percent=root.amounts("maxIncreasePercent", needed=False),
        warn_prices_older_than_days=root.days("warnPricesOlderThanDays"),
        secret_hosts=root.texts("secretHosts", needed=False, fits=is_entry),
    )
    root.nothing_else()
    return guard


def _exemption(entry: Map) -> Exemption:
    return Exemption(
        rule=entry.text("rule"),
        resource=entry.text("resource"),
        environments=entry.texts("environments"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.date("expires"),
    )


def _budget_exemption(entry: Map) -> BudgetExemption:
    return BudgetExemption(
        environment=entry.text("environment"),
        monthly_usd=entry.amount("monthlyUsd"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.date("expires"),
    )


def _discount(entry: Map) -> Discount:
    return Discount(
        service=entry.text("service"),
        family=entry.text("family") if "family" in entry.value else "",
        percent=entry.percent("percent"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.date("expires"),
    )
