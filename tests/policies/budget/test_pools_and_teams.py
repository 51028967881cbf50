"""The budget pack's rules on parts, payers and steps: the last value that passes on a whole stack, the first that fails."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from policies.budget.bill import lines
from policies.graph import PLATFORM, UNKNOWN, Node
from policies.guard.model import Guard
from pricing.bill import breakdown as shares
from tests.policies.budget.test_budget import _nodes, changed, judged, refused

CENT = Decimal("0.01")
OPEN: Any = {"max_monthly_usd": {"dev": Decimal(5000)}, "required_tags": ()}


def platform() -> Node:
    return next(node for node in _nodes() if node.type == PLATFORM)


def most(kind: str, name: str) -> Decimal:
    """What the plan of dev has counted for a pool or a team at most."""
    pools, teams = shares.maxima((line.component, line.team, line.maximum) for line in lines(platform()))
    return {"Pool": pools, "Team": teams}[kind][name]


PARTS = [("Pool", "chat"), ("Pool", "general"), ("Team", "ml-platform")]


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_part_that_costs_its_budget_passes_and_a_cent_less_is_refused(kind: str, name: str) -> None:
    for budget, lets in ((most(kind, name), True), (most(kind, name) - CENT, False)):
        nodes = changed("platform", "Platform", ("budget", f"per{kind}"), {name: str(budget)})
        verdicts = judged(nodes)
        assert refused(verdicts) == (set() if lets else {"budget-parts platform"})
        assert lets or verdicts[0].problem.where.endswith(f"budget.per{kind}.{name}")


@pytest.mark.parametrize(("kind", "name"), PARTS)
def test_a_part_that_costs_its_ceiling_passes_and_a_cent_less_is_refused(kind: str, name: str) -> None:
    key: Any = f"max_per_{kind.lower()}_usd"
    for ceiling, lets in ((most(kind, name), True), (most(kind, name) - CENT, False)):
        bounds: Any = {key: {"dev": {name: ceiling}}}
        guard = Guard(**OPEN, **bounds)
        assert refused(judged(_nodes(), guard)) == (set() if lets else {"budget-parts platform"})


def test_a_ceiling_of_another_environment_binds_nothing() -> None:
    guard = Guard(**OPEN, max_per_pool_usd={"prod": {"chat": CENT}})
    assert judged(_nodes(), guard) == []


def test_a_stack_files_budget_can_only_lower_the_ceiling_of_a_part() -> None:
    ceiling = most("Pool", "chat") + 1
    guard = Guard(**OPEN, max_per_pool_usd={"dev": {"chat": ceiling}})
    for budget, lets in ((ceiling, True), (ceiling + CENT, False)):
        nodes = changed("platform", "Platform", ("budget", "perPool"), {"chat": str(budget)})
        assert refused(judged(nodes, guard)) == (set() if lets else {"budget-parts platform"})


@pytest.mark.parametrize("stated", [UNKNOWN, "much", "-1", "NaN", True])
def test_a_parts_budget_that_is_no_known_amount_is_undetermined(stated: Any) -> None:
    (verdict,) = judged(changed("platform", "Platform", ("budget", "perPool"), {"chat": stated}))
    assert verdict.rule.name == "budget-parts"
    assert "budget-undetermined" in verdict.problem.summary


@pytest.mark.parametrize(("less", "lets"), [("0", True), ("0.01", False)])
def test_a_part_that_is_deployed_may_stay_and_get_no_dearer(
    less: str, lets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"pools": {"chat": str(most("Pool", "chat") - Decimal(less))}, "teams": {}}
    monkeypatch.setenv("MODELYARD_DEPLOYED_MAXIMUM_USD", "1")
    monkeypatch.setenv("MODELYARD_DEPLOYED_PARTS_USD", json.dumps(there))
    nodes = changed("platform", "Platform", ("budget", "perPool"), {"chat": "100"})
    assert refused(judged(nodes)) == (set() if lets else {"budget-parts platform"})


@pytest.mark.parametrize("told", ["{", "[]", "{}", '{"pools": null}', '{"pools": {"chat": "Infinity"}}'])
def test_what_cannot_be_read_of_deployed_parts_counts_as_nothing(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_DEPLOYED_PARTS_USD", told)
    nodes = changed("platform", "Platform", ("budget", "perPool"), {"chat": "100"})
    assert refused(judged(nodes)) == {"budget-parts platform"}


@pytest.mark.parametrize(("owner", "lets"), [("ml-platform", True), (None, True), ("search", False), (UNKNOWN, False)])
def test_a_pool_is_paid_by_the_team_that_the_plan_counted_it_for(owner: Any, lets: bool) -> None:
    nodes = changed("gpu-pool-chat", "GpuPool", ("spec", "owner"), owner)
    assert refused(judged(nodes)) == (set() if lets else {"budget-payer gpu-pool-chat"})


@pytest.mark.parametrize(
    ("step", "deployed"),
    [
        ({"max_increase_usd": {"dev": Decimal(500)}}, lambda now: now - 500),
        ({"max_increase_percent": {"dev": Decimal(25)}}, lambda now: now / Decimal("1.25")),
    ],
    ids=["an amount", "a percentage"],
)
def test_the_largest_step_of_one_run_passes_and_a_cent_more_is_refused(
    step: Any, deployed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = Decimal(str(platform().read("bill", "maximumUsd")))
    for there, lets in ((deployed(now) + CENT, True), (deployed(now) - CENT, False)):
        monkeypatch.setenv("MODELYARD_DEPLOYED_MAXIMUM_USD", format(there, "f"))
        assert refused(judged(_nodes(), Guard(**OPEN, **step))) == (set() if lets else {"budget-ceiling platform"})


def test_a_step_from_nothing_deployed_is_not_held_to_the_bound_but_to_the_ceiling(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    guard = Guard(**OPEN, max_increase_usd={"dev": CENT})
    assert refused(judged(_nodes(), guard)) == {"budget-ceiling platform"}
    monkeypatch.setenv("MODELYARD_DEPLOYED_NOTHING", "true")
    assert judged(_nodes(), guard) == []
    low = Guard(max_monthly_usd={"dev": Decimal(100)}, required_tags=(), max_increase_usd={"dev": CENT})
    assert refused(judged(_nodes(), low)) == {"budget-ceiling platform"}
