"""Volumes inside a Helm chart's values are counted, and what cannot be counted has no price."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from pricing.book import PriceBook
from pricing.estimate import Estimate, estimate
from pricing.graph import UNKNOWN, Graph
from pricing.usage import Usage

DAY = datetime.date(2026, 11, 24)
CLAIM = {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "50Gi"}}}}}


def bill(chart: Any, values: Any) -> Estimate:
    node = {
        "urn": "urn:pulumi:dev::m::kubernetes:helm.sh/v3:Release::it",
        "type": "kubernetes:helm.sh/v3:Release",
        "name": "it",
        "parent": "",
        "inputs": {"chart": chart, "values": values},
        "depends": (),
    }
    return estimate(Graph.of([node]), PriceBook.embedded("us-east-1"), DAY, Usage())


def prometheus(**changed: Any) -> dict[str, Any]:
    return {"prometheus": {"prometheusSpec": {"replicas": 2, "storageSpec": CLAIM, **changed}}}


@pytest.mark.parametrize("chart", ["kube-prometheus-stack", "oci://registry/charts/kube-prometheus-stack@sha256:00"])
def test_each_replicas_volume_is_paid_all_month(chart: str) -> None:
    (item,) = bill(chart, prometheus()).items
    assert item.minimum == item.expected == item.maximum == 2 * 50 * Decimal("0.08")


@pytest.mark.parametrize(
    "values",
    [
        prometheus(replicas=UNKNOWN),
        prometheus(replicas=None),
        prometheus(replicas=True),
        prometheus(storageSpec={"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": "50G"}}}}}),
        UNKNOWN,
    ],
)
def test_a_volume_that_cannot_be_read_has_no_price(values: Any) -> None:
    assert bill("kube-prometheus-stack", values).totals.unpriced


def test_a_chart_that_nobody_has_looked_at_may_keep_nothing() -> None:
    assert bill("another", {"replicas": 3, "persistence": {"enabled": False}}).items == ()
    for kept in ({"server": {"persistence": {"enabled": True}}}, {"list": [{"storage": CLAIM}]}):
        assert bill("another", kept).totals.unpriced
