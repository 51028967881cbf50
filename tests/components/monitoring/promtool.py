"""Writes the rules and their examples as the files that promtool reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from components.alerts.rule import Alert, Example
from components.catalogue import GROUPS, alerts


def write_rules(folder: Path) -> list[Path]:
    """One rules file a group, as the PrometheusRule holds it."""
    paths = []
    for group in GROUPS:
        path = folder / f"{group.name}.rules.yaml"
        path.write_text(yaml.safe_dump(group.spec(), sort_keys=False, width=1000))
        paths.append(path)
    return paths


def write_tests(folder: Path, rules: list[Path]) -> Path:
    """One test file with two cases an alert: one in which it fires, one in which it does not."""
    document = {
        "rule_files": [path.name for path in rules],
        "evaluation_interval": "1m",
        "tests": [case(alert, example) for alert in alerts() for example in (alert.fires, alert.silent)],
    }
    path = folder / "alerts.test.yaml"
    path.write_text(yaml.safe_dump(document, sort_keys=False, width=1000))
    return path


def case(alert: Alert, example: Example) -> dict[str, Any]:
    """One case: the series, when to look, and exactly what the alert then says; nothing when it has to be silent."""
    expected = []
    if example.labels is not None:
        labels = {**example.labels, "severity": alert.severity.value, "team": alert.team.value}
        annotations = {"summary": example.summary, "runbook": alert.runbook}
        expected = [{"exp_labels": labels, "exp_annotations": annotations}]
    return {
        "name": f"{alert.name} {'fires' if expected else 'is silent'}",
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in example.series.items()],
        "alert_rule_test": [{"eval_time": example.at, "alertname": alert.name, "exp_alerts": expected}],
    }
