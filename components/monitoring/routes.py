"""Alertmanager's configuration: who is told of which alert, by team and by severity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.monitoring.spec import AlertsSpec, ReceiverKind, ReceiverSpec

NOBODY = "nobody"
SECRETS = "alert-receivers"
_MOUNTED = f"/etc/alertmanager/secrets/{SECRETS}"
_TITLE = "{{ .CommonLabels.alertname }} ({{ .CommonLabels.severity }}, {{ .CommonLabels.team }})"
_TEXT = "{{ range .Alerts }}{{ .Annotations.summary }}\n{{ .Annotations.runbook }}\n{{ end }}"


def configuration(spec: AlertsSpec) -> dict[str, Any]:
    """The configuration; secrets are files that Alertmanager reads, so none stands in it."""
    receivers = [{"name": NOBODY}, *(_receiver(name, each) for name, each in sorted(spec.receivers.items()))]
    return {
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "pool", "namespace"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": list(_routes(spec)),
        },
        "receivers": receivers,
        "inhibit_rules": [
            {
                "source_matchers": ['severity = "critical"'],
                "target_matchers": ['severity =~ "warning|info"'],
                "equal": ["namespace", "alertname"],
            },
            # A node that is down says nothing of its GPUs either.
            {
                "source_matchers": ['alertname = "NodeNotReady"'],
                "target_matchers": ['alertname = "GpuMetricsAbsent"'],
                "equal": ["node"],
            },
        ],
    }


def _routes(spec: AlertsSpec) -> Iterator[dict[str, Any]]:
    # These two of the chart's own rules always fire: they are there for other machinery, not for people.
    yield {"receiver": NOBODY, "matchers": ['alertname =~ "InfoInhibitor|Watchdog"']}
    for team, chosen in sorted(spec.teams.items()):
        for severity, receiver in chosen.chosen():
            yield {"receiver": receiver, "matchers": [f'team = "{team}"', f'severity = "{severity.value}"']}
    for severity, receiver in spec.everybody.chosen():
        yield {"receiver": receiver, "matchers": [f'severity = "{severity.value}"']}


def _receiver(name: str, spec: ReceiverSpec) -> dict[str, Any]:
    told: dict[str, Any] = {"send_resolved": True}
    secret = f"{_MOUNTED}/{name}"
    if spec.kind is ReceiverKind.SLACK:
        told |= {"api_url_file": secret, "title": _TITLE, "text": _TEXT}
        told |= {"channel": spec.channel} if spec.channel else {}
    elif spec.kind is ReceiverKind.PAGERDUTY:
        told |= {"routing_key_file": secret, "description": _TITLE, "details": {"summary": _TEXT}}
    else:
        region = spec.topic_arn.split(":")[3] if spec.topic_arn else ""
        told |= {"topic_arn": spec.topic_arn, "sigv4": {"region": region}, "subject": _TITLE, "message": _TEXT}
    return {"name": name, f"{spec.kind.value}_configs": [told]}
