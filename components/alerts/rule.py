"""What an alert, a recording rule and a group of them are, and how they become a PrometheusRule's spec."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

RUNBOOKS = "docs/runbooks"
"""Where a runbook of each alert lies in the repository."""


class Severity(enum.StrEnum):
    """How soon somebody has to look: now, or today."""

    CRITICAL = "critical"
    WARNING = "warning"


class Team(enum.StrEnum):
    """Who answers for an alert; a stack file can route each team's alerts to a receiver of its own."""

    PLATFORM = "platform"
    REGISTRY = "registry"
    SERVING = "serving"


@dataclass(frozen=True, kw_only=True)
class Example:
    """Series that an alert is tried on, in promtool's notation, one value each minute from minute 0.

    `at` is when the alert is looked at. `labels` and `summary` are what it then says, its severity and team aside; an
    example without them is one in which it stays silent.
    """

    series: Mapping[str, str]
    at: str = "2h"
    labels: Mapping[str, str] | None = None
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert: `expr` (PromQL) has held for `hold` (a Prometheus duration); `summary` may use Prometheus' templates.

    `meaning` is one or two sentences for whoever reads the list of alerts. `fires` and `silent` are two examples that
    promtool runs.
    """

    name: str
    expr: str
    hold: str
    severity: Severity
    team: Team
    summary: str
    meaning: str
    fires: Example
    silent: Example

    @property
    def runbook(self) -> str:
        """The runbook's file, for example `docs/runbooks/gpu-idle.md`."""
        slug = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.name).lower()
        return f"{RUNBOOKS}/{slug}.md"

    def rule(self) -> dict[str, Any]:
        """The alert as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.hold,
            "labels": {"severity": self.severity.value, "team": self.team.value},
            "annotations": {"summary": self.summary, "runbook": self.runbook},
        }


def absent(
    name: str, metric: str, series: str, *, severity: Severity, source: str, lost: str, team: Team = Team.PLATFORM
) -> Alert:
    """An alert for a source of which one copy is enough: `metric` has been absent for 15 minutes."""
    return Alert(
        name=name,
        expr=f"absent({metric})",
        hold="15m",
        severity=severity,
        team=team,
        summary=f"nothing from {source} for 15 minutes ({{{{ $value }}}} source of metrics gone)",
        meaning=f"Prometheus reads nothing from {source}. Until it is back, {lost}.",
        fires=Example(
            series={series: "1x30"},
            labels={},
            summary=f"nothing from {source} for 15 minutes (1 source of metrics gone)",
        ),
        silent=Example(series={series: "1x150"}),
    )


@dataclass(frozen=True, kw_only=True)
class Recording:
    """A series of our own, named `level:what:operation`, that alerts and panels share; `labels` are those it keeps."""

    record: str
    expr: str
    labels: tuple[str, ...]

    def rule(self) -> dict[str, Any]:
        """The recording rule as Prometheus reads it."""
        return {"record": self.record, "expr": self.expr}


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules of one area, evaluated together every `interval`; each group is one PrometheusRule.

    `karpenter` and `gpus` say that the group is about these: it is not declared where monitoring does not watch them.
    """

    name: str
    alerts: tuple[Alert, ...]
    recordings: tuple[Recording, ...] = ()
    interval: str = "1m"
    karpenter: bool = False
    gpus: bool = False

    def spec(self) -> dict[str, Any]:
        """The `spec` of the PrometheusRule."""
        rules = [*(rule.rule() for rule in self.recordings), *(alert.rule() for alert in self.alerts)]
        return {"groups": [{"name": f"modelyard-{self.name}", "interval": self.interval, "rules": rules}]}
