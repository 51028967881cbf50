"""Writes docs/alerts.md from the alerts, so that the page is always current."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.alerts.rule import Alert
from components.catalogue import GROUPS, alerts

PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerts.md"

_HEAD = """# What each alert means

Written by `python -m components` from `components/alerts`; a test compares both. `monitoring.alerts` in the stack
file sets who gets which alert: see [monitoring](monitoring.md).

| severity | what it asks of you |
|---|---|
| critical | look now, at any hour |
| warning | look today |
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_index(), *(line for alert in alerts() for line in _section(alert))])


def _index() -> Iterator[str]:
    for group in GROUPS:
        yield f"## {group.name}\n"
        yield "| alert | severity | team | after |\n|---|---|---|---|"
        for alert in group.alerts:
            where = f"[{alert.name}](#{alert.name.lower()})"
            yield f"| {where} | {alert.severity.value} | {alert.team.value} | {alert.hold} |"
        for rule in group.recordings:
            yield f"\n`{rule.record}` is\n\n```promql\n{rule.expr}\n```"
        yield ""


def _section(alert: Alert) -> Iterator[str]:
    runbook = alert.runbook.removeprefix("docs/")
    yield f"### {alert.name}\n"
    yield f"{alert.meaning} For example: *{alert.fires.summary}*. What to do: [{Path(runbook).stem}]({runbook}).\n"
    yield f"```promql\n{alert.expr}\n```\n"
