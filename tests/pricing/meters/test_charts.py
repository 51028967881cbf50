"""Volumes inside a Helm chart's values are counted, and what cannot be counted, or nobody has looked at, has no price."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from pricing.bill.estimate import Estimate
from pricing.book import facts
from pricing.items.graph import UNKNOWN
from tests.pricing.bills import bill, storage_class
from tests.pricing.bills import claim as asked
from tests.roots import ROOT

TOKEN, STACK = "kubernetes:helm.sh/v3:Release", "kube-prometheus-stack"
KNOWN: dict[str, Any] = facts.load("charts")["charts"]
READ = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "kube" / "data" / "charts").glob("*.json"))
}
TELLING = re.compile(
    r"(?i)((ingress|persistence)\.enabled$|service[a-z]*\.type$|additionalIngresses$|extra(objects|manifests|deploy)$"
    r"|extra(container)?volumes$|(^|\.)volumes$|volumeClaimTemplates?$|storageSpec$|Spec\.storage$"
    r"|service[a-z]*(External|PerReplica)\.enabled$|shards$|^(minio|mysql|postgresql)\.enabled$)"
)
"""Names of values that turn on volumes, load balancers, or objects of any kind."""


def released(chart: Any, values: Any, version: Any = None, **more: Any) -> Estimate:
    known = KNOWN.get(str(chart).partition("@")[0].rpartition("/")[2], {})
    inputs = {"chart": chart, "version": known.get("version") if version is None else version, "values": values, **more}
    return bill(storage_class(), storage_class("fast", iops="16000"), (TOKEN, inputs))


def claim(size: Any = "50Gi", **changed: Any) -> dict[str, Any]:
    return {"volumeClaimTemplate": asked(size, **changed)}


def prometheus(**changed: Any) -> dict[str, Any]:
    return {"prometheus": {"prometheusSpec": {"replicas": 2, "storageSpec": claim(), **changed}}}


def grafana(**changed: Any) -> dict[str, Any]:
    return {"grafana": {"persistence": {"enabled": True, "storageClassName": "gp3", **changed}}}


def at(path: str, value: Any) -> dict[str, Any]:
    for step in reversed(path.split(".")):
        value = {step: value}
    return value  # type: ignore[no-any-return]


@pytest.mark.parametrize("chart", [STACK, f"oci://registry/charts/{STACK}@sha256:00"])
def test_each_replicas_volume_is_paid_all_month(chart: str) -> None:
    (item,) = released(chart, prometheus()).items
    assert item.minimum == item.expected == item.maximum == 2 * 50 * Decimal("0.08")


@pytest.mark.parametrize(
    ("values", "usd"),
    [
        ({}, "0"),
        (None, "0"),
        (prometheus(storageSpec=claim("50G")), "7.52"),
        (prometheus(storageSpec=claim(name="fast")), "138"),
        (prometheus(storageSpec={"emptyDir": {}}), "0"),
        (prometheus(storageSpec={}), "0"),
        (prometheus(shards=1), "8"),
        (grafana(size="20Gi"), "1.6"),
        (grafana(), "0.8"),
        (grafana(enabled=False, size="20Gi"), "0"),
        ({"grafana": {"service": {"type": "ClusterIP"}, "ingress": {"enabled": False}, "extraObjects": []}}, "0"),
    ],
)
def test_what_the_values_ask_for_is_what_is_paid(values: Any, usd: str) -> None:
    totals = released(STACK, values).totals
    assert totals.complete and totals.maximum == Decimal(usd)


@pytest.mark.parametrize(
    "values",
    [
        prometheus(replicas=UNKNOWN),
        prometheus(replicas=None),
        prometheus(replicas=True),
        prometheus(shards=2),
        prometheus(storageSpec=claim("large")),
        prometheus(storageSpec=claim(name="theirs")),
        prometheus(storageSpec=claim(volumeAttributesClassName="fast")),
        prometheus(storageSpec={"ephemeral": claim()}),
        prometheus(volumes=[{"name": "x", "ephemeral": claim()}]),
        grafana(enabled=UNKNOWN),
        grafana(type="statefulset"),
        grafana(volumeName="pv"),
        {"prometheus": UNKNOWN},
        {"grafana": {"service": {"type": "LoadBalancer"}}},
        {"grafana": {"service": UNKNOWN}},
        {"extraManifests": [{"kind": "PersistentVolumeClaim"}]},
        {"thanosRuler": {"thanosRulerSpec": {"storage": claim()}}},
        UNKNOWN,
    ],
)
def test_what_cannot_be_counted_has_no_price(values: Any) -> None:
    assert released(STACK, values).totals.unpriced


@pytest.mark.parametrize("chart", ["ingress-nginx", "loki", UNKNOWN, None])
def test_a_chart_that_nobody_has_looked_at_is_undetermined_and_not_free(chart: Any) -> None:
    assert released(chart, {"replicas": 3}, "1.0.0").totals.unpriced


def test_another_version_of_a_chart_is_another_chart() -> None:
    assert released("keda", {}).items == ()
    assert released("keda", {}, "0.0.1").totals.unpriced
    assert released("keda", {}, UNKNOWN).totals.unpriced


@pytest.mark.parametrize("more", [{"valueYamlFiles": [UNKNOWN]}, {"postrender": "./x"}, {"reuseValues": True}])
def test_values_that_are_not_in_the_stack_leave_a_chart_without_a_price(more: dict[str, Any]) -> None:
    assert released("keda", {}, **more).totals.unpriced


def test_every_chart_whose_values_were_read_is_listed_at_the_same_version() -> None:
    assert {name: each["version"] for name, each in KNOWN.items()} == {
        each["chart"]: each["version"] for each in READ.values()
    }


def _listed(known: Mapping[str, Any]) -> set[str]:
    counted = {volume.get("claim", f"{volume.get('persistence')}.enabled") for volume in known.get("volumes", ())}
    return {*known.get("unpriced", ()), *known.get("pods", ()), *counted}


@pytest.mark.parametrize("chart", sorted(READ))
def test_every_value_that_turns_on_what_costs_is_listed_and_nothing_else_is(chart: str) -> None:
    paths = {*READ[chart]["values"], *READ[chart]["open_maps"]}
    telling = {path for path in paths if "[" not in path and TELLING.search(path)}
    assert telling == _listed(KNOWN[chart])


ON = [True, "LoadBalancer", 2, [{"ephemeral": {}}], {"volumeClaimTemplate": {}}, UNKNOWN]


@pytest.mark.parametrize(("chart", "path"), [(name, path) for name in KNOWN for path in sorted(_listed(KNOWN[name]))])
def test_no_listed_value_passes_in_silence_when_it_or_what_it_stands_in_is_not_known(chart: str, path: str) -> None:
    steps = path.split(".")
    for depth in range(1, len(steps) + 1):
        assert released(chart, at(".".join(steps[:depth]), UNKNOWN)).totals.unpriced


@pytest.mark.parametrize(
    ("chart", "path"), [(name, path) for name in KNOWN for path in KNOWN[name].get("unpriced", ())]
)
def test_a_value_that_turns_on_what_nobody_counts_has_no_price_and_its_harmless_values_cost_nothing(
    chart: str, path: str
) -> None:
    assert any(released(chart, at(path, value)).totals.unpriced for value in ON[:-1])
    for value in KNOWN[chart]["unpriced"][path]["unless"]:
        assert released(chart, at(path, value)).items == ()
