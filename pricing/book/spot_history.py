"""A spot price out of its history: a percentile of the hourly prices of all zones, so that one cheap day has no effect."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

DAYS, SHARE = 30, Decimal("0.9")
MEASURE = "90th percentile of the hours of all zones over 30 days"


@dataclass(frozen=True, order=True)
class Change:
    """From `at` on a zone's price (USD an hour) is `usd`, until its next change."""

    zone: str
    at: datetime.datetime
    usd: Decimal


def percentile(changes: Iterable[Change], start: datetime.datetime, end: datetime.datetime) -> Decimal | None:
    """The lowest price that SHARE of the time between `start` and `end` cost at most; None when nothing is known of it."""
    held = sorted(_held(sorted(set(changes)), start, end))
    whole = sum((seconds for _, seconds in held), Decimal(0))
    passed = Decimal(0)
    for usd, seconds in held:
        passed += seconds
        if passed >= whole * SHARE:
            return usd
    return None


def _held(changes: list[Change], start: datetime.datetime, end: datetime.datetime) -> Iterator[tuple[Decimal, Decimal]]:
    """Each price with the seconds that it held."""
    for place, change in enumerate(changes):
        later = changes[place + 1] if place + 1 < len(changes) else None
        until = min(later.at if later and later.zone == change.zone else end, end)
        seconds = Decimal(int((until - max(change.at, start)).total_seconds()))
        if seconds > 0:
            yield change.usd, seconds
