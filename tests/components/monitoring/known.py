"""What an expression may name: what the exporters export, and what our own recording rules give."""

from __future__ import annotations

from collections.abc import Mapping

from components.catalogue import recordings
from kube.metrics import Metric, metrics
from tests.components.monitoring.expressions import read

ALERTS = Metric(
    name="ALERTS",
    exporter="prometheus",
    type="gauge",
    labels=frozenset(("alertname", "alertstate", "severity", "team")),
)
"""What Prometheus itself writes of every alert; the alert's own labels stand beside these."""

UP = Metric(
    name="up",
    exporter="prometheus",
    type="gauge",
    labels=frozenset(("container", "endpoint", "instance", "job", "namespace", "pod", "service")),
)
"""What Prometheus itself writes of every target of a ServiceMonitor: 1 when it answered."""


def known() -> Mapping[str, Metric]:
    """Every series that a rule or a panel may name, by name."""
    found = {**metrics(), ALERTS.name: ALERTS, UP.name: UP}
    for rule in recordings():
        given = read(rule.expr, found)
        found[rule.record] = Metric(
            name=rule.record, exporter="modelyard", type="gauge", labels=given.labels, unit=given.unit
        )
    return found
