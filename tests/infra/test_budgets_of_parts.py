"""Budgets of pools and teams in the stack file, held by the program before anything is registered."""

from __future__ import annotations

import dataclasses
import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.problem import Problem, Refused
from infra.plan import hold, plan
from infra.stack.stack import Stack
from policies.guard.deployed import Deployed
from policies.guard.model import Guard

DAY = datetime.date(2026, 11, 24)
CHAT = {
    "purpose": "serving",
    "instanceTypes": ["g6.xlarge"],
    "limits": {"gpus": 1},
    "capacity": "onDemand",
}
GUARD = Guard(max_monthly_usd={"dev": Decimal(9000)}, required_tags=(), stacks={"dev": "dev"})


def _refused(
    guard: Guard = GUARD, deployed: dict[str, dict[str, Decimal]] | None = None, **budget: Any
) -> list[Problem]:
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 8000, **budget},
        "cluster": {"access": {"reach": "ssmTunnel"}},
        "generalPool": {"instanceTypes": ["m7g.large"], "limits": {"vcpus": 4}},
        "gpuPools": {"chat": {**CHAT, "owner": "search"}, "batch": CHAT},
    }
    try:
        planned = plan(Stack.of(platform, "us-east-1"), guard, DAY)
        there = Deployed(maximum=Decimal(1), parts=deployed) if deployed else Deployed()
        bounds = planned.bounds(DAY, stack="dev", deployed=there)
        list(hold(planned, bounds))
    except Refused as refused:
        return list(refused.problems)
    return []


# g6.xlarge: (1 + 1 node while it is replaced) x 0.8048 USD x 730 h + disks of 2 x 200 GB x 0.08 USD = 1207.008 USD.
POOL = Decimal("1207.01")


@pytest.mark.parametrize("budget", [{"perPool": {"chat": "1207.01"}}, {"perTeam": {"search": "1207.01"}}])
def test_a_part_that_costs_its_budget_fits(budget: dict[str, Any]) -> None:
    assert _refused(**budget) == []


@pytest.mark.parametrize(
    ("budget", "where"),
    [
        ({"perPool": {"chat": "1207"}}, "budget.perPool.chat"),
        ({"perTeam": {"search": "1207"}}, "budget.perTeam.search"),
    ],
)
def test_a_cent_less_is_refused_at_its_place(budget: dict[str, Any], where: str) -> None:
    (problem,) = _refused(**budget)
    assert problem.where == where
    assert problem.found == "at most 1207.01 USD a month"


def test_what_has_no_team_of_its_own_is_the_owners() -> None:
    (problem,) = _refused(perTeam={"ml-platform": 1})
    assert Decimal(problem.found.split()[2]) > POOL


def test_a_budget_for_something_that_is_not_there_is_refused() -> None:
    (problem,) = _refused(perPool={"chatt": 1207})
    assert (problem.where, problem.allowed) == ("budget.perPool.chatt", "batch, chat, general")


def test_a_ceiling_of_the_guard_file_can_only_be_lowered() -> None:
    guard = dataclasses.replace(GUARD, max_per_pool_usd={"dev": {"chat": Decimal(1500)}, "prod": {"chat": Decimal(1)}})
    assert _refused(guard, perPool={"chat": 1500}) == []
    assert "above the ceiling" in _refused(guard, perPool={"chat": 1501})[0].summary


def test_a_part_that_costs_what_is_deployed_of_it_is_let_pass() -> None:
    there = {"pools": {"chat": POOL}}
    assert _refused(deployed=there, perPool={"chat": 1000}) == []
    assert _refused(deployed={"pools": {"batch": POOL}}, perPool={"chat": 1000}) != []


def test_one_run_may_not_make_the_stack_dearer_than_the_step_that_the_guard_file_allows() -> None:
    guard = dataclasses.replace(GUARD, max_increase_usd={"dev": Decimal(10)})
    (problem,) = _refused(guard, deployed={"pools": {}})
    assert problem.allowed == "at most 11.00 USD in this run"
