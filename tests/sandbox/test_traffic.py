"""A stream of requests, and what a count says of a share."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import traffic
from sandbox.traffic import likely


@given(st.integers(1, 400), st.floats(0.01, 0.99))
def test_what_a_share_gives_on_average_is_likely_and_it_is_the_same_from_the_other_side(
    number: int, share: float
) -> None:
    hits = round(number * share)
    assert likely(hits, number, share)
    for each in (0, hits, number):
        assert likely(each, number, share) == likely(number - each, number, 1 - share)


@pytest.mark.parametrize(
    ("hits", "number", "share", "fits"),
    [(30, 300, 0.1, True), (81, 300, 0.1, False), (0, 300, 0.1, False), (50, 300, 0.1, True), (60, 300, 0.1, False)],
)
def test_a_count_that_a_share_does_not_allow_is_told_from_one_that_it_does(
    hits: int, number: int, share: float, fits: bool
) -> None:
    assert likely(hits, number, share) is fits


def test_the_bound_is_that_of_the_binomial_distribution() -> None:
    # 10 of 10 at one half: 2^-10 in this tail.
    assert likely(10, 10, 0.5, chance=2 * 2**-10 - 1e-9) and not likely(10, 10, 0.5, chance=2 * 2**-10 + 1e-9)


def test_none_and_all_are_exact() -> None:
    assert likely(0, 50, 0.0) and not likely(1, 50, 0.0)
    assert likely(50, 50, 1.0) and not likely(49, 50, 1.0)


def test_a_stream_keeps_who_answered_and_what_went_wrong() -> None:
    turns = iter(range(10**6))

    def ask() -> tuple[int, str]:
        if next(turns) % 3 == 2:
            raise ConnectionResetError("gone")
        return 200, "pod-1"

    with traffic.stream([ask], pause=0.001) as found:
        began = found.count(9)
        ended = time.monotonic()
    pods = found.pods(began, ended)
    assert pods["pod-1"] > pods["ConnectionResetError: gone"] >= 3
    assert {answer.status for answer in found.lost(began)} == {0}
    assert all(began <= answer.asked <= answer.answered for answer in found.since(began))
    assert found.since(math.inf) == []


def test_a_stream_that_nobody_answers_is_an_error_and_not_a_wait() -> None:
    with traffic.stream([], pause=0.001) as found, pytest.raises(TimeoutError, match="0 of 1 answers"):
        found.count(1, within=0.2)
