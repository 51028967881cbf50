"""How old the prices of a bill are: an old price is still the best one known, so it warns and does not block."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence

from core.problem import Problem
from pricing.items.cost import CostItem

SHOWN = 3


def warnings(items: Sequence[CostItem], most_days: int | None, today: datetime.date) -> Iterator[Problem]:
    """One warning that names the oldest of the prices in a bill that are more than `most_days` old; None: no warning.

    A price without a day is not judged here: `modelyard cost` shows it as undated.
    """
    if most_days is None:
        return
    dated = {(item.unit_price.as_of, item.label) for item in items if item.unit_price and _day(item.unit_price.as_of)}
    old = sorted((as_of, label) for as_of, label in dated if (today - _day_of(as_of)).days > most_days)
    if old:
        shown = ", ".join(f"{label} {as_of}" for as_of, label in old[:SHOWN])
        yield Problem(
            summary=f"{len(old)} of {len(dated)} dated prices are more than {most_days} days old",
            where="budget.monthlyUsd",
            found=shown + (f" and {len(old) - SHOWN} more" if len(old) > SHOWN else ""),
            allowed="warnPricesOlderThanDays in guard.yaml",
            fix="write today's prices into pricing/book/data, each with source and date",
        )


def _day(as_of: str) -> datetime.date | None:
    """The first day that a date can mean: `2026-08` is August 1st; None when undated."""
    whole = as_of + "-01" * (2 - as_of.count("-"))
    try:
        return datetime.date.fromisoformat(whole)
    except ValueError:
        return None


def _day_of(as_of: str) -> datetime.date:
    return _day(as_of) or datetime.date.min
