"""Budgets of pools and teams, the step that one run may take, shares that add up, and how old prices may be."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.guard import pools_and_teams
from policies.guard.ceilings import step_refused
from policies.guard.deployed import MAXIMUM_VARIABLE, PARTS_VARIABLE, Deployed
from policies.guard.model import BudgetExemption, Guard
from policies.guard.pools_and_teams import SubBudget
from pricing.bill import age
from pricing.bill import breakdown as shares
from pricing.book.book import Price
from pricing.items.cost import CENT, CostItem, totals

HAPPY = SubBudget(
    where="budget.perPool.chat",
    key="maxPerPoolUsd.dev.chat",
    maximum=Decimal(1000),
    budget=Decimal(1250),
    ceiling=Decimal(1300),
)
DAY = datetime.date(2026, 11, 24)
GUARD = Guard(
    max_monthly_usd={"dev": Decimal(100), "prod": Decimal(9000)},
    required_tags=(),
    stacks={"dev": "dev", "prod": "prod"},
    max_increase_usd={"prod": Decimal(500)},
    max_increase_percent={"prod": Decimal(25)},
)

UNREADABLE: list[object] = [
    None,
    "torn",
    {"region": "us-east-1"},
    {"cost": None},
    {"cost": {}},
    {"cost": {"maximumUsd": "NaN"}},
    {"cost": {"maximumUsd": "-1"}},
    {"cost": {"maximumUsd": True}},
    {"cost": {"maximumUsd": "1", "parts": None}},
    {"cost": {"maximumUsd": "1", "parts": {"pools": None}}},
    {"cost": {"maximumUsd": "1", "parts": {"pools": {"chat": "Infinity"}}}},
]


def test_the_last_amount_that_fits_a_part_and_the_first_that_does_not() -> None:
    fits = replace(HAPPY, maximum=Decimal(1250))
    assert list(pools_and_teams.refusals(fits)) == []
    (over,) = pools_and_teams.refusals(replace(fits, maximum=Decimal("1250.01")))
    assert (over.where, over.allowed) == ("budget.perPool.chat", "1250.00 USD; 0.01 USD too much")


def test_the_thresholds_pass_quietly_warn_and_block() -> None:
    assert list(pools_and_teams.warnings(replace(HAPPY, maximum=Decimal("999.99")), 80)) == []
    assert "80 %" in next(pools_and_teams.warnings(HAPPY, 80)).summary
    assert list(pools_and_teams.refusals(HAPPY)) == []


def test_a_part_may_only_lower_its_ceiling() -> None:
    assert list(pools_and_teams.refusals(replace(HAPPY, budget=Decimal(1300)))) == []
    (problem,) = pools_and_teams.refusals(replace(HAPPY, budget=Decimal("1300.01")))
    assert "maxPerPoolUsd.dev.chat" in problem.fix


def test_a_ceiling_alone_binds_too() -> None:
    (problem,) = pools_and_teams.refusals(replace(HAPPY, budget=None, maximum=Decimal(1301)))
    assert "the ceiling maxPerPoolUsd.dev.chat is the limit" in problem.summary


def test_a_part_that_gets_no_dearer_is_warned_of_and_not_blocked() -> None:
    over = replace(HAPPY, maximum=Decimal(2000), deployed=Decimal(2000))
    assert list(pools_and_teams.refusals(over)) == []
    assert "not more expensive" in next(pools_and_teams.warnings(over, 80)).summary
    assert list(pools_and_teams.refusals(replace(over, maximum=Decimal(2001)))) != []


@pytest.mark.parametrize(("deployed", "most"), [("1000", "1250"), ("4000", "4500")])
def test_the_stricter_of_amount_and_percent_bounds_one_step(deployed: str, most: str) -> None:
    there = Deployed(maximum=Decimal(deployed))
    allowed = GUARD.most_after("prod", there, DAY)
    assert allowed == Decimal(most)
    assert list(step_refused(Decimal(most), there, allowed)) == []
    (problem,) = step_refused(Decimal(most) + 1, there, allowed)
    assert f"at most {most}.00 USD in this run" == problem.allowed


def test_an_exemption_allows_a_step_up_to_its_amount_and_its_day() -> None:
    exempt = BudgetExemption(environment="prod", monthly_usd=Decimal(3000), owner="a", reason="b", expires=DAY)
    guard = replace(GUARD, budget_exemptions=(exempt,))
    assert guard.most_after("prod", Deployed(maximum=Decimal(1000)), DAY) == 3000
    assert guard.most_after("prod", Deployed(maximum=Decimal(1000)), DAY + datetime.timedelta(days=1)) == 1250


def test_a_first_deployment_and_an_environment_without_a_bound_take_any_step() -> None:
    assert GUARD.most_after("prod", Deployed(), DAY) is None
    assert GUARD.most_after("dev", Deployed(maximum=Decimal(10)), DAY) is None
    assert GUARD.most_after("dev", Deployed(unreadable="torn"), DAY) is None
    assert list(step_refused(Decimal(9000), Deployed(), None)) == []


@pytest.mark.parametrize("outputs", UNREADABLE, ids=str)
def test_what_cannot_be_read_is_never_taken_for_a_first_deployment(outputs: object) -> None:
    there = Deployed.of_outputs(outputs)
    assert there.maximum is None and there.unreadable
    assert Deployed.of_variables(there.variables()).unreadable
    (problem,) = step_refused(Decimal("0.01"), there, GUARD.most_after("prod", there, DAY))
    assert problem.found == there.unreadable
    exempt = BudgetExemption(environment="prod", monthly_usd=Decimal(3000), owner="a", reason="b", expires=DAY)
    room = replace(GUARD, budget_exemptions=(exempt,)).most_after("prod", there, DAY)
    assert list(step_refused(Decimal(3000), there, room)) == []
    assert list(step_refused(Decimal("3000.01"), there, room)) != []


@given(
    st.decimals(min_value=0, max_value=10**9, places=6),
    st.dictionaries(
        st.sampled_from(["pools", "teams"]),
        st.dictionaries(
            st.text(min_size=1, max_size=5), st.decimals(min_value=0, max_value=10**6, places=6), min_size=1
        ),
    ),
)
def test_what_is_deployed_is_the_same_after_it_was_told(maximum: Decimal, parts: dict[str, dict[str, Decimal]]) -> None:
    there = Deployed(maximum=maximum, parts=parts)
    assert Deployed.of_variables(there.variables()) == there
    assert Deployed.of_outputs({"cost": {"maximumUsd": str(maximum), "parts": parts}}) == there


def test_a_stack_without_outputs_and_a_process_that_was_told_so_know_that_nothing_is_deployed() -> None:
    assert Deployed.of_outputs({}) == Deployed.of_variables(Deployed().variables()) == Deployed()


def test_a_process_that_was_told_nothing_or_two_things_does_not_know() -> None:
    assert Deployed.of_variables({}).unreadable
    assert Deployed.of_variables({**Deployed().variables(), MAXIMUM_VARIABLE: "1"}).unreadable
    assert Deployed.of_variables({**Deployed().variables(), PARTS_VARIABLE: "{}"}).unreadable


def test_a_percentage_of_nothing_bounds_nothing_beside_an_amount_and_alone_lets_nothing_pass() -> None:
    nothing = Deployed(maximum=Decimal(0))
    assert GUARD.most_after("prod", nothing, DAY) == 500
    assert list(step_refused(Decimal(500), nothing, Decimal(500))) == []
    (problem,) = step_refused(Decimal("500.01"), nothing, Decimal(500))
    assert problem.found == "0.00 -> 500.01 USD a month: 500.01 USD"
    assert replace(GUARD, max_increase_usd={}).most_after("prod", nothing, DAY) == 0


def test_a_stack_that_is_not_listed_is_held_to_the_strictest_of_every_environment_and_has_no_exemptions() -> None:
    guard = replace(GUARD, max_increase_usd={"prod": Decimal(500), "dev": Decimal(10)})
    exempt = BudgetExemption(environment="prod", monthly_usd=Decimal(3000), owner="a", reason="b", expires=DAY)
    for each in (guard, replace(guard, budget_exemptions=(exempt,))):
        assert each.ceiling("another", DAY) == 100
        assert each.most_after("another", Deployed(maximum=Decimal(10)), DAY) == Decimal("12.5")
        assert each.most_after("another", Deployed(maximum=Decimal(1000)), DAY) == 1010
    parts = replace(guard, max_per_pool_usd={"dev": {"chat": Decimal(9)}, "prod": {"chat": Decimal(8), "tune": CENT}})
    assert parts.part_ceilings("Pool", "another") == {"chat": 8, "tune": CENT}
    assert parts.part_ceilings("Pool", "dev") == {"chat": 9}


def test_a_stack_may_only_call_itself_what_the_guard_file_says_that_it_is() -> None:
    assert list(GUARD.misnamed("prod", "prod")) == list(GUARD.misnamed("another", "prod")) == []
    (problem,) = GUARD.misnamed("prod", "dev")
    assert (problem.where, problem.found, problem.allowed) == ("environment", "dev", "prod, for stack prod")


@given(st.decimals(min_value=0, max_value=10**6, places=2), st.decimals(min_value=0, max_value=10**6, places=2))
def test_what_is_deployed_is_never_told_above_its_ceiling(maximum: Decimal, ceiling: Decimal) -> None:
    there = Deployed(maximum=maximum, parts={"pools": {"chat": maximum}}).at_most(ceiling, {"pools": {"chat": ceiling}})
    assert there.maximum == there.parts["pools"]["chat"] == min(maximum, ceiling)


def _item(component: str, amount: Decimal, as_of: str = "2026-01-01") -> CostItem:
    price = Price(usd=amount, unit="h", source="s", as_of=as_of, confidence="single", region="us-east-1")
    return CostItem.steady(component=component, role="r", label=component, quantity=Decimal(1), unit="h", price=price)


NAMES = st.sampled_from(["network", "general-pool", "gpu-pool-a", "gpu-pool-b", "gpu-pool-shared"])


@given(st.lists(st.tuples(NAMES, st.decimals(0, 10_000, places=4)), max_size=20))
def test_the_shares_add_up_to_the_total(given_items: list[tuple[str, Decimal]]) -> None:
    items = [_item(name, amount) for name, amount in given_items]
    whole = totals(items).maximum
    owners = {"a": "search", "b": "chat"}

    def team(name: str) -> str:
        return shares.team_of(name, owners, "platform")

    lines = [(item.component, team(item.component), item.maximum or Decimal(0)) for item in items]
    pools, teams = shares.maxima(lines)
    assert sum(teams.values()) == whole
    assert sum(pools.values()) == sum(amount for name, amount in given_items if "pool" in name)
    for key in (shares.pool, shares.component):
        assert sum(each.maximum for each in shares.by(items, key).values()) == whole


def test_the_oldest_price_that_passes_and_the_first_that_warns() -> None:
    items = [_item("a", Decimal(1)), _item("b", Decimal(1), as_of="2026-08"), _item("c", Decimal(1), as_of="")]
    last = datetime.date(2026, 1, 1) + datetime.timedelta(days=90)
    assert list(age.warnings(items, 90, last)) == []
    (problem,) = age.warnings(items, 90, last + datetime.timedelta(days=1))
    assert problem.summary == "1 of 2 dated prices are more than 90 days old"
    assert problem.found == "a 2026-01-01"
    assert list(age.warnings(items, None, datetime.date(2099, 1, 1))) == []
