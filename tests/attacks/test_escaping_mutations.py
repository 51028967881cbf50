"""Every text of the corpus in every field of a report, in every form: it is shown, and does nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.preview.command import Form
from ops.report.model import Report
from tests.attacks.corpus import MARKER, TEXTS
from tests.attacks.filled import Place, places, written
from tests.attacks.readers import done, lines_begun, shape

PLACES = tuple(places())
PLAIN = {form: shape(form, written("a", *PLACES)) for form in Form}
PAIRS = 400
"""Of a text with a place: drawn from all of them, which are some thousands."""
SHORT = [text for text in TEXTS if len(text.splitlines()) < 2]


def problems(report: Report, text: str) -> list[str]:
    """What a report with a text does in any form beyond showing it."""
    found = [f"{form.value}: {each}" for form in Form for each in done(form, report)]
    return found + [f"a line of its own: {each}" for each in lines_begun(Form.TERMINAL, report, text)]


def test_every_field_is_walked() -> None:
    names = {next(step for step in reversed(place) if isinstance(step, str)) for place in PLACES}
    assert {
        "headline",
        "notices",
        "path",
        "how",
        "details",
        "message",
        "reason",
        "*keys*",
        "lines",
        "notes",
        "full",
    } <= names
    assert len(PLACES) > 45 and not problems(written("a", *PLACES), "a")


@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_a_text_in_every_field_at_once_is_shown_and_does_nothing(text: str) -> None:
    assert problems(written(text, *PLACES), text) == []


def test_a_text_in_one_field_is_shown_and_does_nothing() -> None:
    drawn = random.Random(9)  # noqa: S311 which pairs, no secret
    pairs: list[tuple[str, Place]] = [(text, place) for text in TEXTS for place in PLACES]
    for text, place in drawn.sample(pairs, PAIRS):
        assert problems(written(text, place), text) == [], (text, place)


@pytest.mark.parametrize("text", [each for each in SHORT if each.strip("\x00\x07\x08 ")], ids=repr)
def test_a_text_of_one_line_changes_no_forms_shape(text: str) -> None:
    report = written(text, *PLACES)
    assert {form: shape(form, report) for form in Form} == PLAIN


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from([*TEXTS, *"\n\r\t `|<>&@#:$[]()*_~\\\x1b", MARKER]), max_size=6).map("".join), st.data()
)
def test_a_text_put_together_from_the_corpus_does_nothing(text: str, data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(PLACES))
    assert problems(written(text, place), text) == []
