"""The verdict on an experiment: a winner only where the numbers say so, and none where they cannot be trusted."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.assignment import Assigner
from core.problem import ExitCode
from labs.ab import analysis as judging
from labs.ab import experiment
from labs.ab.analysis import MOST_LOST, SPLIT_P, Outcome, judge
from labs.ab.evidence import Seen
from labs.ab.users import asks
from tests.labs.ab.samples import asked, ours, seen, verdict_on

OTHER = {"plain": "short", "short": "plain"}
COUNTS = st.integers(0, 60)


def swapped(rows: list[Seen]) -> list[Seen]:
    """The same users, texts and verdicts, each in the other arm."""
    return [replace(row, arm=OTHER[row.arm], version=3 - row.version) for row in rows]


@given(COUNTS, COUNTS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_swaps_the_verdict_and_nothing_else(plain: int, short: int) -> None:
    rows = seen("plain", 30, plain) + seen("short", 30, short)
    there, back = verdict_on(rows), verdict_on(swapped(rows))
    assert back.effect == pytest.approx(-there.effect)
    assert (back.low, back.high) == pytest.approx((-there.high, -there.low))
    assert back.winner == OTHER.get(there.winner, "")
    assert back.outcome is there.outcome


@given(COUNTS)
@settings(max_examples=20, deadline=None)
def test_equal_arms_have_no_winner(helped: int) -> None:
    verdict = verdict_on(seen("plain", 30, helped) + seen("short", 30, helped))
    assert (verdict.outcome, verdict.outcome.code) == (Outcome.NO_WINNER, ExitCode.UNDETERMINED)
    assert verdict.low <= 0 <= verdict.high


@pytest.mark.parametrize(("plain", "short", "winner"), [(10, 40, "short"), (40, 10, "plain")])
def test_a_clear_difference_has_a_winner_and_its_interval_holds_the_effect(plain: int, short: int, winner: str) -> None:
    verdict = verdict_on(seen("plain", 30, plain) + seen("short", 30, short))
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
        verdict = verdict_on(rows)
        return verdict.high - verdict.low

    assert width(8) == pytest.approx(width(1))


def test_a_user_in_two_arms_ends_all_trust() -> None:
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows.append(replace(rows[0], arm="short", version=2))
    verdict = verdict_on(rows)
    assert (verdict.outcome, verdict.winner, verdict.outcome.code) == (Outcome.NOT_TRUSTED, "", ExitCode.REFUSED)
    assert "1 users saw more than one arm" in verdict.why


def test_an_answer_of_another_prompt_than_its_arms_ends_all_trust() -> None:
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows[0] = replace(rows[0], version=2)
    assert "another prompt version" in verdict_on(rows).why


@pytest.mark.parametrize("arm", ["plain", "short"])
@pytest.mark.parametrize(("gone", "trusted"), [(3, True), (4, False)])
def test_answers_that_left_no_trace_are_missing_too(arm: str, gone: int, trusted: bool) -> None:
    assert 3 / 60 <= MOST_LOST < 4 / 60
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    # Those that would have spoken against the winner go, so that what is left looks better than it was.
    dropped = [row for row in rows if row.arm == arm and row.helpful is (arm == "plain")][:gone]
    left = [row for row in rows if row not in dropped]
    verdict = judge(ours(), left, asked(rows))
    assert (verdict.outcome is not Outcome.NOT_TRUSTED) is trusted
    assert trusted or f"{gone} of 60 questions of {arm} have no whole answer" in verdict.why


def test_more_answers_than_questions_end_all_trust() -> None:
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    verdict = judge(ours(), [*rows, rows[0]], asked(rows))
    assert verdict.outcome is Outcome.NOT_TRUSTED and "another run" in verdict.why


def test_what_was_asked_of_an_arm_is_what_the_flag_deals_to_it() -> None:
    users = [ask.user for ask in asks(40, 100, 1)]
    dealt = experiment.dealt(ours(), users)
    assigner = Assigner(ours().flags, ours().key)
    assert dealt.total() == 100 and set(dealt) == {"plain", "short"}
    assert dealt["short"] == sum(assigner.of(user).variant == "short" for user in users)


@pytest.mark.parametrize(("low", "high"), [(math.nan, math.nan), (-0.1, 0.0), (0.0, 0.1)])
def test_an_interval_that_is_no_number_or_holds_zero_has_no_winner(low: float, high: float) -> None:
    assert judging._decide(ours(), 0.5, low, high)[0] is Outcome.NO_WINNER


def test_an_interval_that_cannot_be_had_is_all_that_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = SimpleNamespace(effect_size_ci_lower=math.nan, effect_size_ci_upper=math.nan, pvalue=math.nan)
    namespaces = {"helpful": nothing, "split": SimpleNamespace(pvalue=0.5)}
    monkeypatch.setattr("tea_tasting.Experiment", lambda _: SimpleNamespace(analyze=lambda *_, **__: namespaces))
    verdict = verdict_on(seen("plain", 30, 10) + seen("short", 30, 50))
    assert (verdict.outcome, verdict.low, verdict.high, verdict.p_value) == (Outcome.NO_WINNER, -1, 1, 1)


@pytest.mark.parametrize(("lost", "trusted"), [(3, True), (4, False)])
def test_too_many_lost_answers_end_all_trust(lost: int, trusted: bool) -> None:
    assert 3 / 60 <= MOST_LOST < 4 / 60
    rows = seen("plain", 30, 10) + seen("short", 30, 50)
    rows[:lost] = [replace(row, failed=True) for row in rows[:lost]]
    assert (verdict_on(rows).outcome is not Outcome.NOT_TRUSTED) is trusted
    rows[:lost] = [replace(row, failed=False, helpful=None) for row in rows[:lost]]
    assert (verdict_on(rows).outcome is not Outcome.NOT_TRUSTED) is trusted


@pytest.mark.parametrize(("short", "trusted"), [(53, True), (54, False)])
def test_a_split_that_is_not_the_flags_ends_all_trust(short: int, trusted: bool) -> None:
    verdict = verdict_on(seen("plain", 24, 12) + seen("short", short, 12))
    assert verdict.split_p_value is not None and (verdict.split_p_value >= SPLIT_P) is trusted
    assert (verdict.outcome is not Outcome.NOT_TRUSTED) is trusted


@pytest.mark.parametrize(("plain", "outcome"), [(0, Outcome.NO_WINNER), (1, Outcome.WINNER)])
def test_users_who_are_all_of_one_mind_have_no_spread_and_so_no_interval(plain: int, outcome: Outcome) -> None:
    verdict = verdict_on(seen("plain", 30, plain) + seen("short", 30, 60))
    assert verdict.outcome is outcome
    assert ((verdict.low, verdict.high, verdict.p_value) == (-1, 1, 1)) is (outcome is Outcome.NO_WINNER)


def test_an_arm_that_nobody_saw_ends_all_trust() -> None:
    verdict = verdict_on(seen("plain", 30, 10))
    assert verdict.outcome is Outcome.NOT_TRUSTED
    assert "short has 0 users" in verdict.why
