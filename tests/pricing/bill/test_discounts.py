"""Discounts of the guard file: they lower prices, never raise them, end with their day, and leave spot alone."""

from __future__ import annotations

import datetime
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.problem import Refused
from policies.guard.file import load
from pricing.bill.discounts import Discount, discounted
from pricing.book.book import PriceBook
from pricing.capacity.pool import Buying, Capacity, PoolAsk, Share
from pricing.capacity.pool_plan import share_items
from pricing.items.cost import CostItem

DAY = datetime.date(2027, 6, 30)
BOOK = PriceBook.embedded("us-east-1")
RULE = Discount(service="ec2", family="g6", percent=Decimal(10), owner="finops", reason="agreement", expires=DAY)
FILE = """\
maxMonthlyUsd: { dev: 4000 }
requiredTags: [Owner]
discounts:
  - service: ec2
    family: g6
    percent: 10
    owner: finops
    reason: agreement
    expires: 2027-06-30
"""


def usd(book: PriceBook, name: str = "g6.xlarge") -> Decimal:
    price = book.on_demand(name)
    assert price is not None
    return price.usd


def test_a_rule_lowers_its_family_by_its_percent_and_nothing_else() -> None:
    book = discounted(BOOK, [RULE], DAY)
    assert usd(book) == usd(BOOK) * Decimal("0.9")
    assert usd(book, "g5.xlarge") == usd(BOOK, "g5.xlarge")
    assert book.service("nat-gateway/hour") == BOOK.service("nat-gateway/hour")
    assert book.on_demand("g6.xlarge").discount == "10 % off ec2 g6 until 2027-06-30: agreement (finops)"  # type: ignore[union-attr]


def test_a_rule_of_another_service_fits_by_the_rest_of_the_key() -> None:
    rule = replace(RULE, service="nat-gateway", family="data")
    book = discounted(BOOK, [rule], DAY)
    assert book.service("nat-gateway/data").usd == Decimal("0.0405")  # type: ignore[union-attr]
    assert book.service("nat-gateway/hour") == BOOK.service("nat-gateway/hour")


def test_the_last_day_that_a_rule_holds_and_the_first_that_it_does_not() -> None:
    assert usd(discounted(BOOK, [RULE], DAY)) < usd(BOOK)
    assert discounted(BOOK, [RULE], DAY + datetime.timedelta(days=1)) is BOOK


def test_a_plan_made_with_other_rules_is_told_apart_by_its_version() -> None:
    one, two = discounted(BOOK, [RULE], DAY), discounted(BOOK, [replace(RULE, percent=Decimal(11))], DAY)
    assert len({BOOK.version, one.version, two.version}) == 3


@given(st.lists(st.decimals(1, 99, places=2), max_size=4), st.decimals(1, 99, places=2))
def test_one_more_rule_never_raises_a_price_and_rules_never_add_up(percents: list[Decimal], more: Decimal) -> None:
    rules = [replace(RULE, percent=percent) for percent in percents]
    before, after = usd(discounted(BOOK, rules, DAY)), usd(discounted(BOOK, [*rules, replace(RULE, percent=more)], DAY))
    assert after <= before
    assert after == usd(BOOK) * (100 - max([*percents, more])) / 100


def test_the_most_that_spot_can_cost_stays_at_the_list_price() -> None:
    ask = PoolAsk(capacity=Capacity.SPOT_FIRST, instance_types=("g6.xlarge",), gpus=2, on_demand_fallback_gpus=1)
    book = discounted(BOOK, [RULE], DAY)

    def most(buying: Buying, prices: PriceBook) -> Decimal:
        items = share_items("pool", ask, Share(buying=buying, gpus=1, nodes=None), prices)
        return sum((item.maximum or Decimal(0) for item in items if isinstance(item, CostItem)), Decimal(0))

    assert most(Buying.SPOT, book) == most(Buying.SPOT, BOOK) > 0
    assert most(Buying.ON_DEMAND, book) == most(Buying.ON_DEMAND, BOOK) * Decimal("0.9")


def test_the_guard_file_gives_the_rule_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "guard.yaml").write_text(FILE, encoding="utf-8")
    assert load(tmp_path / "guard.yaml").discounts == (RULE,)


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("percent: 10", "percent: 100", "discounts[0].percent"),
        ("percent: 10", "percent: 0", "discounts[0].percent"),
        ("    owner: finops\n", "", "discounts[0].owner"),
        ("    expires: 2027-06-30\n", "", "discounts[0].expires"),
        ("family: g6", "familly: g6", "discounts[0].familly"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_its_place(tmp_path: Path, old: str, new: str, where: str) -> None:
    (tmp_path / "guard.yaml").write_text(FILE.replace(old, new), encoding="utf-8")
    with pytest.raises(Refused) as caught:
        load(tmp_path / "guard.yaml")
    assert caught.value.problems[0].where == where
