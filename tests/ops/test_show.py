"""What the command line says, from events alone."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi.automation.events import EngineEvent

from ops.engine.automation import Outcome
from ops.engine.events import EngineEvents, Operation
from ops.show import Show, summary

URN = "urn:pulumi:dev::modelyard::modelyard:index:Network$aws:ec2/vpc:Vpc::network"


def events_of(*events: dict[str, Any], planning: bool = False) -> EngineEvents:
    engine_events = EngineEvents(planning)
    for number, event in enumerate(events):
        engine_events.listen(EngineEvent.from_json({"sequence": number, "timestamp": 0, **event}))
    return engine_events


def error(message: str, **more: Any) -> dict[str, Any]:
    return {"diagnosticEvent": {"message": message, "severity": "error", "color": "never", **more}}


def step(op: str, urn: str = URN, **more: Any) -> dict[str, Any]:
    return {"resOutputsEvent": {"metadata": {"op": op, "urn": urn, "type": "t", "provider": "", **more}}}


def policy(level: str, message: str = "no") -> dict[str, Any]:
    return {
        "policyEvent": {
            "message": message,
            "color": "never",
            "policyName": "closed-endpoint",
            "policyPackName": "modelyard",
            "policyPackVersion": "1",
            "policyPackVersionTag": "1",
            "enforcementLevel": level,
            "resourceUrn": URN,
        }
    }


def outcome(found: EngineEvents, *, ok: bool = True, operation: Operation = Operation.UP) -> Outcome:
    return Outcome(operation=operation, ok=ok, events=found, seconds=1.25)


def test_an_error_is_kept_once_without_colours_and_without_the_engines_echo() -> None:
    events = events_of(
        error("<{%fg 1%}>no capacity<{%reset%}>\n", urn=URN),
        error("no capacity\n"),
        error("update failed\n"),
        error("failed to run remediation: context canceled"),
    )
    assert [(diagnostic.message, diagnostic.urn) for diagnostic in events.errors] == [("no capacity", URN)]


def test_what_the_program_saw_of_an_engine_that_gave_up_does_not_stand_for_the_reason() -> None:
    assert not events_of(error("Resource monitor has terminated, shutting down")).errors
    assert events_of(error("Resource monitor has terminated, shutting down: disk full")).errors


def test_a_step_is_a_name_a_type_and_the_keys_that_differ_never_their_values() -> None:
    events = events_of(step("update", diffs=["tags"], old={"inputs": {"tags": "hush"}}), step("same"))
    (only,) = events.steps.values()
    assert (only.op, only.type, only.name, only.keys) == ("update", "aws:ec2/vpc:Vpc", "network", ("tags",))
    assert "hush" not in repr(events.steps)


def test_a_default_provider_is_no_step() -> None:
    assert not events_of(step("create", "urn:pulumi:dev::m::pulumi:providers:aws::default_7_51_1")).steps


def test_advice_does_not_refuse_and_a_mandatory_rule_does(capsys: pytest.CaptureFixture[str]) -> None:
    events = events_of(policy("advisory", "consider"), policy("mandatory", "open to all\nclose it"))
    assert [violation.message for violation in events.mandatory] == ["open to all\nclose it"]
    Show().outcome(outcome(events, ok=False))
    said = capsys.readouterr().out
    assert said.index("refused modelyard/closed-endpoint aws:ec2/vpc:Vpc network") < said.index("advice modelyard/")
    assert "\n  close it\n" in said
    assert "REFUSED by 1 rule (" in said


def test_the_summary_counts_in_the_right_tense() -> None:
    changes = {"summaryEvent": {"resourceChanges": {"create": 2, "same": 3}}}
    assert summary(outcome(events_of(changes, planning=True))) == "2 to create, 3 unchanged (1.2 s)"
    assert summary(outcome(events_of(changes))) == "2 created, 3 unchanged (1.2 s)"
    assert summary(outcome(events_of(), ok=False)) == "nothing changed, FAILED (1.2 s)"


def test_markup_in_a_message_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    Show().outcome(outcome(events_of(error("bad value [red]x[/red]")), ok=False))
    assert "bad value [red]x[/red]" in capsys.readouterr().out


def test_json_keeps_standard_output_for_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    show = Show(as_json=True)
    show.head("SIMULATED", "dev")
    show.value({"ok": True})
    assert capsys.readouterr().out == '{\n  "ok": true\n}\n'


def test_a_warning_of_the_preview_is_not_said_again_by_the_update_but_a_new_one_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    budget, other = error("92 % of the budget", severity="warning"), error("something else", severity="warning")
    show = Show()
    show.outcome(outcome(events_of(budget, planning=True)))
    show.outcome(outcome(events_of(budget, other)), steps=False)
    said = capsys.readouterr().out
    assert (said.count("92 % of the budget"), said.count("something else")) == (1, 1)
