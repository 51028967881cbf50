"""What is read back from a trace: who, which arm and version, what was answered, and what the user said of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from mlflow.entities import SpanStatus, SpanStatusCode

from labs.ab.evidence import Seen, seen

ATTRIBUTES = {"user.id": "ann", "feature_flag.result.variant": "short", "app.prompt.version": "2"}


def trace(code: SpanStatusCode = SpanStatusCode.UNSET, *verdicts: bool, outputs: Any = None) -> SimpleNamespace:
    """A trace as MLflow's client gives it, with the last verdict last."""
    span = SimpleNamespace(attributes=ATTRIBUTES, outputs=outputs or {"answer": "We will."}, status=SpanStatus(code))
    others = [SimpleNamespace(name="length", value=3)]
    said = [SimpleNamespace(name="helpful", value=verdict) for verdict in verdicts]
    return SimpleNamespace(data=SimpleNamespace(spans=[span]), info=SimpleNamespace(assessments=[*others, *said]))


@pytest.mark.parametrize(("verdicts", "says"), [((), None), ((True,), True), ((True, False), False)])
def test_the_last_word_of_a_user_counts_and_silence_is_no_verdict(
    verdicts: tuple[bool, ...], says: bool | None
) -> None:
    found = seen(trace(SpanStatusCode.UNSET, *verdicts))
    assert found == Seen("ann", "short", 2, "We will.", failed=False, helpful=says)


@pytest.mark.parametrize(("code", "failed"), [(SpanStatusCode.OK, False), (SpanStatusCode.ERROR, True)])
def test_an_answer_that_ended_in_an_error_failed(code: SpanStatusCode, failed: bool) -> None:
    assert seen(trace(code, True)).failed is failed


def test_an_answer_without_a_text_is_empty_and_no_error() -> None:
    assert seen(trace(outputs="nothing")).answer == ""
