"""What is held out is not known from training, whatever the seed; and only an answer in the format names a team."""

from __future__ import annotations

import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labs.registry import tickets
from labs.registry.tickets import HELD_OUT_PATTERNS, HELD_OUT_THINGS, PATTERNS, TEAMS, THINGS, Ticket, team_of

SEEDS = st.integers(0, 2**32)


def things(several: tuple[Ticket, ...]) -> set[str]:
    """The nouns that tickets speak of, found again in their texts."""
    return {thing for ticket in several for thing in THINGS if thing.lower() in ticket.text.lower()}


def shapes(several: tuple[Ticket, ...]) -> set[str]:
    """The sentences of tickets, whatever noun stands in them."""
    nouns = re.compile("|".join(map(re.escape, THINGS)), re.IGNORECASE)
    return {nouns.sub("{}", ticket.text).lower() for ticket in several}


@given(SEEDS)
def test_no_sentence_and_no_noun_of_the_held_out_tickets_is_trained_on(seed: int) -> None:
    split = tickets.split(seed)
    assert not shapes(split.train) & shapes(split.held_out)
    assert not things(split.train) & things(split.held_out)
    assert things(split.train) | things(split.held_out) == set(THINGS)


@given(SEEDS)
def test_a_seed_gives_every_held_out_pattern_with_every_held_out_noun_once(seed: int) -> None:
    found = tickets.split(seed).held_out
    assert len({ticket.text for ticket in found}) == len(found) == len(TEAMS) * HELD_OUT_PATTERNS * HELD_OUT_THINGS
    assert {ticket.team: 0 for ticket in found}.keys() == set(TEAMS)


@given(SEEDS, st.integers(1, len(TEAMS) * HELD_OUT_PATTERNS))
def test_however_few_are_judged_every_team_has_its_share_and_no_pattern_comes_twice(seed: int, count: int) -> None:
    few = tickets.split(seed, count).held_out
    assert few == tickets.split(seed).held_out[:count]
    shares = [sum(ticket.team == team for ticket in few) for team in TEAMS]
    assert sum(shares) == count and max(shares) - min(shares) <= 1
    assert len({ticket.pattern for ticket in few}) == count


@given(SEEDS)
def test_a_seed_gives_the_same_tickets_always_and_its_digest_is_that_of_the_file(seed: int) -> None:
    first, again = tickets.split(seed), tickets.split(seed)
    assert tickets.digest(first.train) == tickets.digest(again.train)
    assert tickets.digest(first.train) != tickets.digest(first.held_out)
    lines = tickets.written(first.held_out).splitlines()
    assert [Ticket(**json.loads(line)) for line in lines] == list(first.held_out)


def test_another_seed_holds_out_others() -> None:
    assert len({tickets.digest(tickets.split(seed).held_out) for seed in range(20)}) == 20


def test_every_pattern_has_one_place_for_a_noun_and_stands_once() -> None:
    every = [pattern for team in TEAMS for pattern in PATTERNS[team]]
    assert len(set(every)) == len(every)
    for pattern in every:
        assert [name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None] == ["thing"]
    assert len({len(PATTERNS[team]) for team in TEAMS}) == 1


def test_no_noun_is_a_part_of_another_or_of_a_pattern() -> None:
    for thing in THINGS:
        assert [other for other in THINGS if thing in other] == [thing]
        assert not [pattern for team in TEAMS for pattern in PATTERNS[team] if thing in pattern.lower()]


@given(st.sampled_from(TEAMS), st.text(alphabet=" \n\t", max_size=3))
def test_the_right_answer_names_its_team_whatever_white_space_is_around_it(team: str, space: str) -> None:
    assert team_of(space + tickets.answer(team) + space) == team


@pytest.mark.parametrize(
    "said",
    [
        "",
        "bug",
        '"bug"',
        '["team", "bug"]',
        '[["team", "bug"]]',
        '{"team": "Bug"}',
        '{"team": "sales"}',
        '{"team": ["bug"]}',
        '{"team": null}',
        '{"team": "bug", "why": "it crashes"}',
        '{"team": "bug", "team": "billing"}',
        '{"teams": "bug"}',
        '{"team": "bug"',
        'Sure! {"team": "bug"}',
        '{"team": "bug"}}',
        "[" * 100_000,
    ],
)
def test_an_answer_in_any_other_form_names_no_team(said: str) -> None:
    assert team_of(said) is None


@given(st.text())
def test_no_text_is_too_strange_to_be_judged(said: str) -> None:
    assert team_of(said) in {None, *TEAMS}
