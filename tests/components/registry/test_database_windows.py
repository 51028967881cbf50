"""Windows that RDS takes, and the first that it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.registry import database_windows as windows
from components.registry.database import RegistryDatabaseSpec

MINUTE = st.integers(0, windows.DAY - 1)


def clock(minute: int) -> str:
    return f"{minute // 60 % 24:02}:{minute % 60:02}"


@pytest.mark.parametrize(
    ("backup", "maintenance", "refused"),
    [
        ("03:00-03:30", "sun:04:00-sun:05:00", []),
        ("03:00-04:00", "sun:04:00-sun:05:00", []),
        ("03:00-04:01", "sun:04:00-sun:05:00", ["maintenanceWindow"]),
        ("05:00-05:30", "sun:04:00-sun:05:00", []),
        ("04:59-05:29", "sun:04:00-sun:05:00", ["maintenanceWindow"]),
        ("23:45-00:15", "mon:00:15-mon:00:45", []),
        ("23:45-00:15", "mon:00:14-mon:00:45", ["maintenanceWindow"]),
        ("12:00-12:30", "sun:23:30-mon:00:30", []),
        ("00:15-00:45", "sun:23:30-mon:00:30", ["maintenanceWindow"]),
        ("03:00-03:29", "sun:04:00-sun:05:00", ["backupWindow"]),
        ("03:00-03:30", "sun:04:00-sun:04:29", ["maintenanceWindow"]),
        ("03:00-03:30", "sun:04:00-sun:04:30", []),
        ("03:00-03:00", "sun:04:00-sun:05:00", ["backupWindow"]),
        ("24:00-24:30", "sun:04:00-sun:05:00", ["backupWindow"]),
        ("03:00-03:60", "sun:04:00-sun:05:00", ["backupWindow"]),
        ("03:00-03:30", "day:04:00-day:05:00", ["maintenanceWindow"]),
        ("03:00-03:30", "sun:04:00-mon:04:00", ["maintenanceWindow", "maintenanceWindow"]),
    ],
)
def test_a_window_is_a_real_time_long_enough_and_apart_from_the_other(
    backup: str, maintenance: str, refused: list[str]
) -> None:
    assert [problem.where for problem in windows.problems(backup, maintenance)] == refused


@given(MINUTE, st.integers(windows.SHORTEST, 600), st.integers(0, 6), MINUTE, st.integers(windows.SHORTEST, 600))
def test_two_windows_are_refused_exactly_when_some_minute_of_the_week_is_in_both(
    daily: int, lasts: int, day: int, weekly: int, takes: int
) -> None:
    start = day * windows.DAY + weekly
    end = (start + takes) % windows.WEEK
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    maintenance = f"{names[day]}:{clock(weekly)}-{names[end // windows.DAY]}:{clock(end)}"
    backups = {(each * windows.DAY + daily + minute) % windows.WEEK for each in range(7) for minute in range(lasts)}
    meet = any((start + minute) % windows.WEEK in backups for minute in range(takes))
    problems = list(windows.problems(f"{clock(daily)}-{clock(daily + lasts)}", maintenance))
    assert bool(problems) is meet


def test_the_databases_settings_refuse_them() -> None:
    RegistryDatabaseSpec(backup_window="03:30-04:00")
    with pytest.raises(ValueError, match="would come at once"):
        RegistryDatabaseSpec(backup_window="03:31-04:01")
