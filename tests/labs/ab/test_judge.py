"""The verdict on an experiment: a winner only where the numbers say so, and none where they cannot be trusted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.ab.evidence import Seen
from labs.ab.judge import MOST_LOST, SPLIT_P, Outcome, judge
from problem import ExitCode
from tests.labs.ab.world import ours, seen

OTHER = {"plain": "short", "short": "plain"}
COUNTS = st.integers(0, 60)


def swapped(rows: list[Seen]) -> list[Seen]:
    """The same users, texts and verdicts, each in the other arm."""
    return [replace(row, arm=OTHER[row.arm], version=3 - row.version) for row in rows]


@given(COUNTS, COUNTS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_swaps_the_verdict_and_nothing_else(plain: int, short: int) -> None:
    rows = seen("plain", 30, plain) + seen("short", 30, short)
    there, back = judge(ours(), rows), judge(ours(), swapped(rows))
    assert back.effect == pytest.approx(-there.effect)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert back.winner == OTHER.get(there.winner, "")
    assert back.outcome is there.outcome


@given(COUNTS)
@settings(max_examples=20, deadline=None)
def test_equal_arms_have_no_winner(helped: int) -> None:
    verdict = judge(ours(), seen("plain", 30, helped) + seen("short", 30, helped))
    assert (verdict.outcome, verdict.outcome.code) == (Outcome.NO_WINNER, ExitCode.UNDETERMINED)
    assert verdict.low <= 0 <= verdict.high


@pytest.mark.parametrize(("plain", "short", "winner"), [(10, 40, "short"), (40, 10, "plain")])
def test_a_clear_difference_has_a_winner_and_its_interval_holds_the_effect(plain: int, short: int, winner: str) -> None:
    verdict = judge(ours(), seen("plain", 30, plain) + seen("short", 30, short))
    assert (verdict.outcome, verdict.winner, verdict.outcome.code) == (Outcome.WINNER, winner, ExitCode.OK)
    assert verdict.low < verdict.effect < verdict.high
    assert verdict.effect == pytest.approx((short - plain) / 60)


def test_the_unit_is_the_user_so_asking_more_often_narrows_nothing() -> None:
    def width(each: int) -> float:
        # Every user is of one mind, so more answers of the same user say nothing new.
        rows = [
            replace(row, helpful=int(row.user.rpartition("-")[2]) % 3 == 0)
            for arm in ("plain", "short")
            for row in seen(arm, 30, 0, each)
        ]
        verdict = judge(ours(), rows)
        return verdict.high - verdict.low

    assert width(8) == pytest.approx(width(1))


def test_a_user_in_two_arms_ends_all_trust() -> None:
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows.append(replace(rows[0], arm="short", version=2))
    verdict = judge(ours(), rows)
    assert (verdict.outcome, verdict.winner, verdict.outcome.code) == (Outcome.NOT_TRUSTED, "", ExitCode.REFUSED)
    assert "1 users saw more than one arm" in verdict.why


def test_an_answer_of_another_prompt_than_its_arms_ends_all_trust() -> None:
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows[0] = replace(rows[0], version=2)
    assert "another prompt version" in judge(ours(), rows).why


@pytest.mark.parametrize(("lost", "trusted"), [(3, True), (4, False)])
def test_too_many_lost_answers_end_all_trust(lost: int, trusted: bool) -> None:
    assert 3 / 60 <= MOST_LOST < 4 / 60
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows[:lost] = [replace(row, failed=True) for row in rows[:lost]]
    assert (judge(ours(), rows).outcome is not Outcome.NOT_TRUSTED) is trusted
    rows[:lost] = [replace(row, failed=False, helpful=None) for row in rows[:lost]]
    assert (judge(ours(), rows).outcome is not Outcome.NOT_TRUSTED) is trusted


@pytest.mark.parametrize(("short", "trusted"), [(53, True), (54, False)])
def test_a_split_that_is_not_the_flags_ends_all_trust(short: int, trusted: bool) -> None:
    verdict = judge(ours(), seen("plain", 24, 12) + seen("short", short, 12))
    assert (verdict.split_p_value >= SPLIT_P) is trusted
    assert (verdict.outcome is not Outcome.NOT_TRUSTED) is trusted


@pytest.mark.parametrize(("plain", "outcome"), [(0, Outcome.NO_WINNER), (1, Outcome.WINNER)])
def test_users_who_are_all_of_one_mind_have_no_spread_and_so_no_interval(plain: int, outcome: Outcome) -> None:
    verdict = judge(ours(), seen("plain", 30, plain) + seen("short", 30, 60))
    assert verdict.outcome is outcome
    assert ((verdict.low, verdict.high, verdict.p_value) == (-1, 1, 1)) is (outcome is Outcome.NO_WINNER)


def test_an_arm_that_nobody_saw_ends_all_trust() -> None:
    verdict = judge(ours(), seen("plain", 30, 10))
    assert verdict.outcome is Outcome.NOT_TRUSTED
    assert "short has 0 users" in verdict.why
