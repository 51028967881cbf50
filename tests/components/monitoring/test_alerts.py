"""Every alert says how bad, whose and how much, and has a runbook and two examples; the page of alerts is current."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from components.alerts.rule import Alert
from components.catalogue import GROUPS, alerts
from components.monitoring import component
from components.pages.alerts import PAGE, page
from components.registry import database as registry_database
from tests.components.monitoring.promtool import write_rules, write_tests
from tests.roots import ROOT


def test_there_are_as_many_alerts_as_runbooks_and_as_pairs_of_examples(tmp_path: Path) -> None:
    names = [alert.name for alert in alerts()]
    assert len(set(names)) == len(names) == 25
    runbooks = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "runbooks").glob("*.md")}
    assert runbooks == {alert.runbook for alert in alerts()} | {registry_database.RUNBOOK}
    cases = yaml.safe_load(write_tests(tmp_path, write_rules(tmp_path)).read_text())["tests"]
    assert [case["name"] for case in cases] == [f"{name} {what}" for name in names for what in ("fires", "is silent")]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_whose_it_is_and_has_two_examples(alert: Alert) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", alert.name)
    assert re.fullmatch(r"\d+[mh]", alert.hold)
    assert alert.fires.labels is not None, "the example that fires says with which labels"
    assert alert.fires.summary
    assert alert.silent.labels is None
    assert alert.silent.series, "silence on no series at all proves nothing"
    rule = alert.rule()
    assert rule["labels"] == {"severity": alert.severity.value, "team": alert.team.value}
    assert set(rule["annotations"]) == {"summary", "runbook"}


@pytest.mark.parametrize("runbook", [*(alert.runbook for alert in alerts()), registry_database.RUNBOOK])
def test_a_runbook_says_what_to_look_at_and_what_to_do(runbook: str) -> None:
    text = (ROOT / runbook).read_text()
    title = "".join(word.capitalize() for word in Path(runbook).stem.split("-"))
    assert text.startswith(f"# {title}\n")
    for part in ("## What to check", "## What to do"):
        steps = text.split(f"\n{part}\n")[1].split("\n## ")[0]
        assert re.search(r"^1\. ", steps, re.MULTILINE), part
    for link in re.findall(r"\]\(([\w-]+\.md)\)", text):
        assert (ROOT / "docs" / "runbooks" / link).is_file(), link


def test_the_runbook_of_a_full_volume_means_the_claims_of_our_release() -> None:
    text = (ROOT / "docs" / "runbooks" / "monitoring-volume-filling.md").read_text()
    commands = [line for line in text.splitlines() if "kubectl" in line and "storageclass" not in line]
    assert len(commands) == 6
    assert all(f" -n {component.NAMESPACE} " in line for line in commands)
    assert f"\nname={component.STACK}-$kind\n" in text
    steps = ('"paused": true', '"$claim" --type merge', "Then raise", "--cascade=orphan", '"paused": false')
    places = [text.index(step) for step in steps]
    assert places == sorted(places), "claims grow before Prometheus is told that it may fill more"


def test_the_page_of_alerts_is_what_the_code_says() -> None:
    assert PAGE.read_text() == page(), "run `python -m components`"
    for alert in alerts():
        assert f"### {alert.name}\n" in PAGE.read_text()


def test_a_group_is_one_prometheus_rule_with_its_recordings_first() -> None:
    for group in GROUPS:
        (spec,) = group.spec()["groups"]
        kinds = ["record" if "record" in rule else "alert" for rule in spec["rules"]]
        assert kinds == sorted(kinds, reverse=True)
        assert len(kinds) == len(group.alerts) + len(group.recordings)
