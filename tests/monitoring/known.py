"""What an expression may name: what the exporters export, and what our own recording rules give."""

from __future__ import annotations

from collections.abc import Mapping

from components.alerts.catalogue import recordings
from kube.metrics import Metric, metrics
from tests.monitoring.expressions import read

ALERTS = Metric(
    name="ALERTS",
    exporter="prometheus",
    type="gauge",
    labels=frozenset(("alertname", "alertstate", "severity", "team")),
)
"""What Prometheus itself writes of every alert; the alert's own labels stand beside these."""


def known() -> Mapping[str, Metric]:
    """Every series that a rule or a panel may name, by name."""
    found = {**metrics(), ALERTS.name: ALERTS}
    for rule in recordings():
        given = read(rule.expr, found)
        found[rule.record] = Metric(
            name=rule.record, exporter="modelyard", type="gauge", labels=given.labels, unit=given.unit
        )
    return found
