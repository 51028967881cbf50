"""Databases: support of old versions, speed of storage, and what is switched on beside them."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.capacity.aws_facts import rds_postgresql_support
from pricing.items.cost import Totals
from pricing.items.graph import UNKNOWN
from tests.pricing.bills import DAY, amounts, bill, why

TOKEN = "aws:rds/instance:Instance"
LOG = ("aws:cloudwatch/logGroup:LogGroup", {"name": "/aws/rds/instance/x/postgresql", "retentionInDays": 30})
HAPPY: dict[str, Any] = {
    "engine": "postgres",
    "engineVersion": "17.6",
    "instanceClass": "db.m7g.large",
    "allocatedStorage": 100,
    "storageType": "gp3",
}


def database(**changed: Any) -> tuple[str, dict[str, Any]]:
    return TOKEN, {key: value for key, value in {**HAPPY, **changed}.items() if value is not None}


def cost(*before: tuple[str, dict[str, Any]], day: datetime.date = DAY, **changed: Any) -> str:
    least, _, most = amounts(*before, database(**changed), day=day)
    assert least == most
    return most


# db.m7g.large 0.168 x 730 + 100 x 0.115 = 134.14; with a standby 0.337 x 730 + 100 x 0.23 = 269.01
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "as it is": ({}, "134.14"),
    # + 2 vCPU x 730 x 0.10
    "PostgreSQL 12, in its first two years of extended support": ({"engineVersion": "12.22"}, "280.14"),
    # + 4 vCPU x 730 x 0.10
    "PostgreSQL 12 with a standby": ({"engineVersion": "12.22", "multiAz": True}, "561.01"),
    # + 2 vCPU x 730 x 0.20, since 2026-04-01
    "PostgreSQL 11, in its third year": ({"engineVersion": "11"}, "426.14"),
    # 0.337 x 730 + 11.50 + 4 x 730 x 0.10
    "PostgreSQL 12 on twice the vCPUs": ({"engineVersion": "12", "instanceClass": "db.m7g.xlarge"}, "549.51"),
    "PostgreSQL 12 without extended support": (
        {"engineVersion": "12.22", "engineLifecycleSupport": "open-source-rds-extended-support-disabled"},
        "134.14",
    ),
    "extended support, not needed": ({"engineLifecycleSupport": "open-source-rds-extended-support"}, "134.14"),
    "speed that is included below 400 GiB": ({"iops": 3000, "storageThroughput": 125}, "134.14"),
    # 122.64 + 400 x 0.115
    "speed that is included from 400 GiB": (
        {"allocatedStorage": 400, "iops": 12000, "storageThroughput": 500},
        "168.64",
    ),
    # + 2000 x 0.02
    "IOPS above the baseline": ({"allocatedStorage": 400, "iops": 14000}, "208.64"),
    # 0.337 x 730 + 400 x 0.23 + 2000 x 0.04
    "IOPS above the baseline with a standby": (
        {"allocatedStorage": 400, "iops": 14000, "multiAz": True},
        "418.01",
    ),
    # 122.64 + 100 x 0.115
    "gp2, which RDS takes when no type is named": ({"storageType": None}, "134.14"),
    # 122.64 + 100 x 0.125 + 1000 x 0.10
    "io1, which RDS takes when IOPS are named": ({"storageType": None, "iops": 1000}, "235.14"),
    # + 0.005 x 730
    "a public address": ({"publiclyAccessible": True}, "137.79"),
    "two public addresses": ({"publiclyAccessible": True, "multiAz": True}, "276.31"),
    "Performance Insights for seven days": (
        {
            "performanceInsightsEnabled": True,
            "performanceInsightsRetentionPeriod": 7,
            "databaseInsightsMode": "standard",
        },
        "134.14",
    ),
    "PostgreSQL's own licence": ({"licenseModel": "postgresql-license"}, "134.14"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_database_costs_what_its_arithmetic_says(case: str) -> None:
    changed, expected = CASES[case]
    assert cost(**changed) == expected


UNPRICED: dict[str, tuple[dict[str, Any], str]] = {
    "no version": ({"engineVersion": None}, "the version"),
    "a version that is not known": ({"engineVersion": UNKNOWN}, "the version"),
    "a version without dates": ({"engineVersion": "99.1"}, "nobody says until when"),
    "a version that AWS has ended": ({"engineVersion": "10.23"}, "nobody says until when"),
    "throughput above the baseline": ({"allocatedStorage": 400, "storageThroughput": 501}, "throughput-above-baseline"),
    "throughput above that of a small one": ({"storageThroughput": 126}, "throughput-above-baseline"),
    "IOPS that are not known": ({"iops": UNKNOWN}, "how many IOPS"),
    "Database Insights": ({"databaseInsightsMode": "advanced"}, "rds/database-insights-advanced"),
    "Database Insights with its history": (
        {"databaseInsightsMode": "advanced", "performanceInsightsRetentionPeriod": 465},
        "rds/database-insights-advanced",
    ),
    "a mode of insights that is not known": ({"databaseInsightsMode": UNKNOWN}, "is not known"),
    "long history": ({"performanceInsightsRetentionPeriod": 731}, "keeps 7 days"),
    "perhaps public": ({"publiclyAccessible": UNKNOWN}, "publiclyAccessible"),
    "perhaps a standby": ({"multiAz": UNKNOWN}, "multiAz"),
    "a replica": ({"replicateSourceDb": "x"}, "replicateSourceDb"),
    "another licence": ({"licenseModel": "bring-your-own-license"}, "licence"),
    "a volume for its log": ({"dedicatedLogVolume": True}, "dedicatedLogVolume"),
    "enhanced monitoring": ({"monitoringInterval": 60}, "monitoringInterval"),
    "blue and green": ({"blueGreenUpdate": {"enabled": True}}, "blueGreenUpdate.enabled"),
    "another engine": ({"engine": "mysql"}, "only PostgreSQL"),
    "io2": ({"storageType": "io2", "iops": 1000}, "only storage of the types"),
    "gp2 with a standby, whose price is not on file": ({"storageType": "gp2", "multiAz": True}, "gp2-storage-multi-az"),
    "a class of unknown size": ({"instanceClass": "db.m7g.metal", "engineVersion": "12"}, "how many vCPUs"),
    "a log that nobody counts": ({"enabledCloudwatchLogsExports": ["postgresql"]}, "its log postgresql"),
    "CPU credits of t3": ({"instanceClass": "db.t3.micro"}, "CPU credits of t3"),
}


@pytest.mark.parametrize("case", UNPRICED)
def test_what_of_a_database_has_no_price_says_so(case: str) -> None:
    changed, said = UNPRICED[case]
    assert said in why(database(**changed))


def test_a_log_is_counted_with_the_group_that_has_its_name() -> None:
    logs = {"enabledCloudwatchLogsExports": ["postgresql"]}
    # 10 GB x 0.50 + 10 x 0.03
    assert amounts(LOG, database(identifier="x", **logs)) == ("134.14", "139.44", "150.04")
    assert "its log postgresql" in why(LOG, database(identifier="another", **logs))
    # Its name is AWS's, but it depends on the group.
    assert bill(LOG, database(**logs)).totals.complete


def test_the_last_day_of_standard_support_is_free_and_the_next_is_not() -> None:
    assert cost(engineVersion="14.20", day=datetime.date(2027, 2, 28)) == "134.14"
    assert cost(engineVersion="14.20", day=datetime.date(2027, 3, 1)) == "280.14"


def test_the_third_year_is_dearer_from_its_first_day_on_and_after_the_last_there_is_no_price() -> None:
    assert cost(engineVersion="12.22", day=datetime.date(2027, 2, 28)) == "280.14"
    assert cost(engineVersion="12.22", day=datetime.date(2027, 3, 1)) == "426.14"
    assert cost(engineVersion="12.22", day=datetime.date(2028, 2, 29)) == "426.14"
    assert "has ended" in why(database(engineVersion="12.22"), day=datetime.date(2028, 3, 1))


def test_support_of_each_version_ends_in_order() -> None:
    supports = [rds_postgresql_support(str(major)) for major in range(11, 19)]
    for support in supports:
        assert support is not None and support.standard_ends < support.year_3_starts < support.extended_ends
    assert rds_postgresql_support("10") is None


def _sums(changed: dict[str, Any]) -> Totals:
    totals = bill(database(**changed)).totals
    assert totals.complete
    return totals


@given(
    st.integers(100, 2000),
    st.integers(0, 40_000),
    st.integers(0, 500),
    st.booleans(),
    st.sampled_from(["11", "12", "16"]),
)
def test_more_storage_of_one_kind_and_more_iops_never_cost_less(
    storage: int, iops: int, more: int, standby: bool, version: str
) -> None:
    asked = {"allocatedStorage": storage, "iops": iops, "multiAz": standby, "engineVersion": version}
    assert _sums({**asked, "iops": iops + more}).maximum >= _sums(asked).maximum
    assert _sums({**asked, "multiAz": True}).maximum >= _sums({**asked, "multiAz": False}).maximum
