"""What the lab says at its end, its exit code, and which version may go on; and what its options mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from core.problem import ExitCode, Refused
from labs.registry import recipes, report, tickets, track
from labs.registry import scoring as judge
from labs.registry.recipes import RECIPES, Recipe
from labs.registry.report import Result
from tests.labs.registry.test_scoring import answers

BASE = {"asked": answers(*[False] * 20), "told": answers(*[True] * 5, *[False] * 15)}


def result(right: int, number: int = 1, **changes: Any) -> Result:
    said = answers(*[False] * (20 - right), *[True] * right)
    made = Result(
        recipe=RECIPES[0],
        number=number,
        first_loss=4.0,
        last_loss=0.5,
        answers=said,
        against_base=judge.compared(said, BASE["told"]),
    )
    return replace(made, **changes)


def test_a_version_that_is_better_by_more_than_chance_is_the_candidate() -> None:
    verdict = report.verdict(recipes.plan([]), BASE, [result(4, 1), result(18, 2), result(10, 3)], 3)
    assert (verdict.code, verdict.candidate) == (ExitCode.OK, 2)
    text = "\n".join(verdict.lines)
    assert "base (told): 5 of 20 right (25%)" in text
    assert "version 2 against the base: 15 tickets only it has right, 2 only the base" in text
    assert "version 2 is better than the base at 5 %, both times 3 for the 3 versions judged on these tickets" in text


def test_a_gain_that_may_be_chance_fails_the_full_lab_and_only_that() -> None:
    verdict = report.verdict(recipes.plan([]), BASE, [result(7)], 1)
    assert (verdict.code, verdict.candidate) == (ExitCode.FAILED, 0)
    assert "NOT shown to be better" in "\n".join(verdict.lines)
    short = report.verdict(recipes.plan([], short=True), BASE, [result(7)], 1)
    assert (short.code, short.candidate) == (ExitCode.OK, 0)
    assert short.lines[-1].startswith("SHORT")


@pytest.mark.parametrize(("tries", "candidate"), [(42, 1), (43, 0)])
def test_versions_of_earlier_calls_count_as_tries_too(tries: int, candidate: int) -> None:
    said = result(18)
    assert said.against_base.p * 42 < 0.05 < said.against_base.p * 43
    assert report.verdict(recipes.plan(["quick"]), BASE, [said], tries).candidate == candidate
    assert report.verdict(recipes.plan(["quick"]), BASE, [said], 0).candidate == 1


def test_a_short_lab_proposes_nothing_however_good_it_looks() -> None:
    assert report.verdict(recipes.plan([], short=True), BASE, [result(20)], 1).candidate == 0


@pytest.mark.parametrize("short", [False, True])
def test_a_loss_that_does_not_fall_fails_every_form(short: bool) -> None:
    verdict = report.verdict(recipes.plan([], short=short), BASE, [result(20, last_loss=4.0)], 1)
    assert (verdict.code, verdict.candidate) == (ExitCode.FAILED, 0)
    assert "the loss of version 1 did not fall" in verdict.lines


def test_a_plan_takes_versions_by_name_once_and_steps_for_all() -> None:
    plan = recipes.plan(["long", "quick", "long"], steps=7, seed=3)
    assert [(recipe.name, recipe.steps) for recipe in plan.recipes] == [("long", 7), ("quick", 7)]
    assert (plan.model, plan.held_out, plan.seed) == ("ticket-router", 0, 3)
    assert [recipe.name for recipe in recipes.plan([]).recipes] == [recipe.name for recipe in RECIPES]


def test_the_short_form_has_a_model_of_its_own_and_says_so_in_its_name() -> None:
    plan = recipes.plan([], short=True)
    assert (plan.model, plan.held_out) == ("ticket-router-short", recipes.SHORT_HELD_OUT)
    assert max(recipe.steps for recipe in plan.recipes) < max(recipe.steps for recipe in RECIPES)


@pytest.mark.parametrize(("names", "steps", "seed"), [(["slow"], 0, 0), ([], -1, 0), ([], 0, -1)])
def test_what_cannot_be_trained_is_refused_as_usage(names: list[str], steps: int, seed: int) -> None:
    with pytest.raises(Refused) as refused:
        recipes.plan(names, steps=steps, seed=seed)
    assert refused.value.code == ExitCode.USAGE


@dataclass
class Registry:
    """The part of MLflow's client that is asked: versions by pages of two, and the data sets of their runs."""

    judged_on: list[str]
    """The digest of the tickets that each version was judged on."""

    def search_model_versions(self, filter_string: str, page_token: str | None = None) -> Any:
        assert filter_string == "name='ticket-router'"
        first = int(page_token or 0)
        rows = [SimpleNamespace(run_id=str(number)) for number in range(first, min(first + 2, len(self.judged_on)))]
        return Page(rows, str(first + 2) if first + 2 < len(self.judged_on) else "")

    def get_run(self, run: str) -> Any:
        digests = {track.TRAINING: "other", track.EVALUATION: self.judged_on[int(run)]}
        inputs = [
            SimpleNamespace(dataset=SimpleNamespace(digest=digest), tags=[SimpleNamespace(value=use)])
            for use, digest in digests.items()
        ]
        return SimpleNamespace(inputs=SimpleNamespace(dataset_inputs=inputs))


class Page(list[Any]):
    """One page of an answer, with the token of the next."""

    def __init__(self, rows: list[Any], token: str) -> None:
        super().__init__(rows)
        self.token = token


def test_tries_are_the_versions_that_the_registry_has_on_the_same_tickets() -> None:
    held_out = answers(True, False).tickets
    shown = tickets.digest(held_out)[:32]
    tracker = track.Tracker(Registry([shown, "older", shown, shown, "x"]), "0", recipes.plan([]), {})
    assert tracker.judged_on(held_out) == 3
    assert tracker.judged_on(held_out[:1]) == 0


def test_whatever_an_adapter_follows_from_changes_its_key() -> None:
    recipe = RECIPES[0]
    changed = [replace(recipe, **dict[str, Any]({name: 3})) for name in ("rank", "steps", "rate", "alpha", "batch")]
    keys = [recipes.key(each, 0, "data", "base") for each in (recipe, *changed)]
    keys += [recipes.key(recipe, 1, "data", "base"), recipes.key(recipe, 0, "data", "other")]
    assert len(set(keys)) == len(keys)
    assert recipes.key(Recipe(**vars(recipe)), 0, "data", "base") == keys[0]
