"""When a version is better than the base: by tickets and by whole patterns, exact, and corrected for the choice among several."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.registry import scoring as judge
from labs.registry.scoring import Answers
from labs.registry.tickets import Ticket, answer

RIGHT, WRONG = answer("bug"), answer("billing")


def answers(*right: bool, pattern: int = 1) -> Answers:
    """Answers to tickets of team bug; `pattern` tickets in a row are of one pattern."""
    rows = tuple(Ticket(text=str(place), team="bug", pattern=str(place // pattern)) for place in range(len(right)))
    return Answers(tickets=rows, said=tuple(RIGHT if each else WRONG for each in right))


def tail(won: int, lost: int) -> float:
    """How likely at least `won` heads are of a fair coin thrown won + lost times."""
    count = won + lost
    return sum(comb(count, heads) for heads in range(won, count + 1)) / 2**count if count else 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_the_test_counts_the_tickets_that_one_alone_has_right(pairs: list[tuple[bool, bool]]) -> None:
    first, second = (answers(*side) for side in zip(*pairs, strict=True))
    compared = judge.compared(first, second)
    assert (compared.won, compared.lost) == (pairs.count((True, False)), pairs.count((False, True)))
    assert compared.p == pytest.approx(tail(compared.won, compared.lost))
    assert (compared.patterns_won, compared.patterns_lost) == (compared.won, compared.lost)
    assert compared.low <= first.accuracy <= compared.high
    other = judge.compared(second, first)
    assert (other.won, other.lost) == (compared.lost, compared.won)


def test_ten_tickets_of_one_pattern_are_one_pattern() -> None:
    first, second = answers(*[True] * 10, pattern=10), answers(*[False] * 10, pattern=10)
    compared = judge.compared(first, second)
    assert (compared.won, compared.patterns_won, compared.p_patterns) == (10, 1, 0.5)
    assert compared.p < 0.001 and not compared.better(1)


def test_five_won_are_enough_for_one_try_and_too_few_for_two() -> None:
    compared = judge.compared(answers(*[True] * 5), answers(*[False] * 5))
    assert compared.p == pytest.approx(1 / 32)
    assert compared.better(1) and not compared.better(2)
    assert not judge.compared(answers(*[True] * 4), answers(*[False] * 4)).better(1)


def test_a_version_that_loses_as_many_as_it_wins_is_not_better() -> None:
    assert not judge.compared(answers(True, False), answers(False, True)).better(1)
    assert judge.compared(answers(True), answers(True)).p == 1.0


def test_models_are_compared_over_the_same_tickets_only() -> None:
    with pytest.raises(ValueError, match="same tickets"):
        judge.compared(answers(True, True), answers(True))


def test_an_answer_outside_the_format_is_wrong_and_counts_as_that() -> None:
    found = Answers(tickets=answers(True, True, True).tickets, said=(RIGHT, WRONG, "it is a bug"))
    assert found.right == [True, False, False]
    assert found.accuracy == pytest.approx(1 / 3)
    assert found.in_format == pytest.approx(2 / 3)


def test_of_models_with_as_many_right_the_first_is_taken() -> None:
    assert judge.best({"a": answers(False, True), "b": answers(True, False), "c": answers(False, False)}) == "a"


def test_every_ticket_is_asked_once_and_progress_is_told() -> None:
    told: list[int] = []
    rows = answers(*[True] * 25).tickets
    found = judge.asked(lambda text: f"about {text}", rows, told.append)
    assert found.said == tuple(f"about {place}" for place in range(25)) and told == [10, 20]
