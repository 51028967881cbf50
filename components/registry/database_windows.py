"""When RDS backs a database up and when it may restart it: real times, half an hour each, never at once.

Source: Amazon RDS user guide, "Backup window" and "Maintenance window" (both at least 30 minutes, UTC, and apart).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.problem import Problem

DAY, WEEK = 24 * 60, 7 * 24 * 60
SHORTEST = 30
"""Minutes that RDS asks for at least."""
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = r"([01]\d|2[0-3]):([0-5]\d)"
_BACKUP = re.compile(f"{_TIME}-{_TIME}")
_MAINTENANCE = re.compile(f"({'|'.join(_DAYS)}):{_TIME}-({'|'.join(_DAYS)}):{_TIME}")


def problems(backup: str, maintenance: str) -> Iterator[Problem]:
    """What is wrong with `HH:MM-HH:MM` every day and `ddd:HH:MM-ddd:HH:MM` every week; `where` is the setting."""
    daily, weekly = _daily(backup), _weekly(maintenance)
    for where, found, span, example in (
        ("backupWindow", backup, daily, "03:00-03:30"),
        ("maintenanceWindow", maintenance, weekly, "sun:04:00-sun:05:00"),
    ):
        if span is None:
            yield Problem(summary="this is not a time window", where=where, found=found, allowed=f"UTC, like {example}")
        elif not SHORTEST <= span[1] < DAY:
            allowed = f"{SHORTEST} minutes or more, and less than a day"
            yield Problem(summary="RDS takes no window of this length", where=where, found=found, allowed=allowed)
    if daily and weekly and any(_meet((day * DAY + daily[0], daily[1]), weekly) for day in range(7)):
        yield Problem(
            summary="backup and maintenance would come at once, which RDS refuses",
            where="maintenanceWindow",
            found=f"{maintenance}, backup {backup}",
            allowed="windows that do not overlap; they may touch",
        )


def _daily(text: str) -> tuple[int, int] | None:
    """Start and length in minutes; over midnight too."""
    found = _BACKUP.fullmatch(text)
    if found is None:
        return None
    start, end = (int(found[place]) * 60 + int(found[place + 1]) for place in (1, 3))
    return start, (end - start) % DAY


def _weekly(text: str) -> tuple[int, int] | None:
    found = _MAINTENANCE.fullmatch(text)
    if found is None:
        return None
    start, end = (
        _DAYS.index(found[place]) * DAY + int(found[place + 1]) * 60 + int(found[place + 2]) for place in (1, 4)
    )
    return start, (end - start) % WEEK


def _meet(one: tuple[int, int], two: tuple[int, int]) -> bool:
    """Whether two spans of a week share a minute."""
    return (two[0] - one[0]) % WEEK < one[1] or (one[0] - two[0]) % WEEK < two[1]
