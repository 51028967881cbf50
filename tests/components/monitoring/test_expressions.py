"""Every expression of alerts and recording rules names what the pinned exporters export, and a wrong one is found."""

from __future__ import annotations

import re

import pytest

from components.alerts.rule import Alert, Recording
from components.catalogue import GROUPS, alerts, recordings
from core.versions import IMAGES, KUBERNETES
from kube.metrics import Metric, exporters, metrics
from tests.components.monitoring.expressions import read, selectors
from tests.components.monitoring.known import known

HISTOGRAM = "karpenter_pods_bound_duration_seconds_bucket"


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_reads_what_is_exported(alert: Alert) -> None:
    found = read(alert.expr, known())
    assert found.wrong == ()
    used = set(re.findall(r"\$labels\.(\w+)", alert.summary))
    assert used <= found.labels, "the summary names a label that the expression does not give"
    assert "$value" in alert.summary, "the summary states no value"


@pytest.mark.parametrize("rule", recordings(), ids=lambda rule: rule.record)
def test_a_recording_rule_reads_what_is_exported_and_keeps_its_labels(rule: Recording) -> None:
    found = read(rule.expr, known())
    assert found.wrong == ()
    assert found.labels == set(rule.labels)
    assert re.fullmatch(r"modelyard:[a-z_]+:[a-z_]+", rule.record)


def test_a_recording_rule_stands_before_what_reads_it() -> None:
    recorded: set[str] = set()
    for group in GROUPS:
        recorded |= {rule.record for rule in group.recordings}
        for alert in group.alerts:
            ours = {selector.name for selector in selectors(alert.expr) if selector.name.startswith("modelyard:")}
            assert ours <= recorded


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("sum(karpenter_nodepool_usage)", "nobody exports karpenter_nodepool_usage"),
        ('karpenter_nodepools_usage{pool="chat"}', "karpenter_nodepools_usage has no label pool"),
        ("sum by (pool) (karpenter_nodepools_usage)", "sum by pool, which is not there"),
        ("sum without (pool) (karpenter_nodepools_usage)", "sum by pool, which is not there"),
        (f'{HISTOGRAM}{{le="9.5"}}', f"{HISTOGRAM} has no bound 9.5"),
        ("rate(DCGM_EXP_XID_ERRORS_COUNT[5m])", "rate of a gauge"),
        ("histogram_quantile(0.9, sum(rate(" + HISTOGRAM + "[5m])))", "histogram_quantile without le"),
        ("kube_node_info and on (pod) kube_pod_info", "on (pod), which the left side does not have"),
        ('label_replace(kube_node_info, "a", "$1", "zone", "(.+)")', "label_replace reads zone, which is not there"),
        ("DCGM_FI_DEV_GPU_UTIL{", "does not parse"),
    ],
)
def test_a_planted_wrong_expression_is_found(expression: str, problem: str) -> None:
    assert any(each.startswith(problem) for each in read(expression, known()).wrong)


@pytest.mark.parametrize(
    ("expression", "unit"),
    [
        ("DCGM_FI_DEV_FB_USED * 1048576", "bytes"),
        ("DCGM_FI_DEV_FB_USED / (DCGM_FI_DEV_FB_USED + DCGM_FI_DEV_FB_FREE)", "ratio"),
        ("rate(DCGM_FI_DEV_THERMAL_VIOLATION[5m]) / 1e9", "ratio"),
        ("count(DCGM_FI_DEV_GPU_UTIL == 0)", "count"),
        (f"histogram_quantile(0.9, sum by (le) (rate({HISTOGRAM}[5m])))", "seconds"),
        ('rate(node_cpu_seconds_total{mode="idle"}[5m])', "ratio"),
        (f'{HISTOGRAM}{{le="10"}}', "count"),
    ],
)
def test_an_expression_has_the_unit_that_its_metrics_have(expression: str, unit: str) -> None:
    found = read(expression, known())
    assert found.wrong == ()
    assert found.unit == unit


def test_each_table_states_its_exporter_and_every_series_of_it() -> None:
    versions = {name: exporter.version for name, exporter in exporters().items()}
    assert versions == {
        "dcgm-exporter": "4.8.2",
        "karpenter": "1.14.1",
        "kube-apiserver": f"{KUBERNETES}.0",
        "kube-state-metrics": "2.20.0",
        "kubelet": f"{KUBERNETES}.0",
        "mlflow": IMAGES["mlflow"].tag.removeprefix("v").removesuffix("-full"),
        "node-exporter": "1.12.1",
    }
    bucket: Metric = metrics()[HISTOGRAM]
    assert "le" in bucket.labels
    assert bucket.bounds[0] == 0.005
    assert metrics()["karpenter_pods_bound_duration_seconds_sum"].unit == "seconds"
    assert "karpenter_pods_bound_duration_seconds" not in metrics(), "a histogram has no series of its bare name"
