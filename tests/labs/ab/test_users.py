"""Simulated users: they know answers and nothing of arms, and the same seed brings the same ones."""

from __future__ import annotations

import inspect
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.ab import users
from labs.ab.users import FEWEST_WORDS, MOST_WORDS, asks, helpful


def test_a_verdict_takes_the_answers_text_and_nothing_else() -> None:
    assert list(inspect.signature(helpful).parameters) == ["text"]
    read = {name for name in helpful.__code__.co_names if name.isupper() or name.startswith("_")}
    assert read == {"FEWEST_WORDS", "MOST_WORDS", "_TO_SOMEBODY", "_WORD"}
    assert not {"arm", "variant", "prompt", "flag"} & set(vars(users))


@given(st.text())
def test_the_same_text_gets_the_same_verdict_whoever_asks(text: str) -> None:
    assert helpful(text) is helpful(text)
    assert helpful(text + "  \n") is helpful(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("You can track it.", True),
        ("You can track it", False),
        ("Parcels travel by train.", False),
        ("We track.", False),
        (f"You {'can ' * (MOST_WORDS - 2)}wait.", True),
        (f"You {'can ' * (MOST_WORDS - 1)}wait.", False),
        (f"We {'do ' * (FEWEST_WORDS - 2)}that!", True),
        ("Is it your parcel?", True),
        ("I\u2019m looking into it.", True),
        ("", False),
    ],
)
def test_an_answer_helps_that_ends_is_short_and_speaks_to_somebody(text: str, says: bool) -> None:
    assert helpful(text) is says


@given(st.integers(1, 40), st.integers(0, 80), st.integers(0, 5))
def test_every_user_asks_as_often_as_the_others_give_or_take_one(count: int, more: int, seed: int) -> None:
    found = list(asks(count, count + more, seed))
    assert found == list(asks(count, count + more, seed))
    often = Counter(ask.user for ask in found)
    assert len(found) == count + more
    assert len(often) == count
    assert max(often.values()) - min(often.values()) <= 1


def test_another_seed_brings_other_users() -> None:
    first, second = ({ask.user for ask in asks(5, 5, seed)} for seed in (1, 2))
    assert not first & second
