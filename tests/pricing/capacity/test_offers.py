"""Which type a pool gets first: the order of prices, for each way of buying."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from pricing.book.book import PriceBook
from pricing.capacity.gpus import gpu_types
from pricing.capacity.offers import hourly
from pricing.capacity.pool import Buying
from tests.conformance.karpenter.pools import cheapest_first

BOOK = PriceBook.embedded("us-east-1")
CHAT = ("g6.xlarge", "g6.2xlarge", "g5.xlarge")
names = st.lists(st.sampled_from(sorted(gpu_types())), unique=True, max_size=12)


def test_spot_and_on_demand_have_orders_of_their_own() -> None:
    assert [name for name, _ in cheapest_first(CHAT, Buying.SPOT, BOOK, gpus=1)] == [
        "g5.xlarge",
        "g6.xlarge",
        "g6.2xlarge",
    ]
    on_demand = cheapest_first(CHAT, Buying.ON_DEMAND, BOOK, gpus=1)
    assert [name for name, _ in on_demand] == ["g6.xlarge", "g6.2xlarge", "g5.xlarge"]


def test_a_spot_price_above_on_demand_is_held_at_on_demand() -> None:
    price = BOOK.spot_prices["g5.xlarge"]
    dear = replace(BOOK, spot_prices={**BOOK.spot_prices, "g5.xlarge": replace(price, usd=Decimal("9"))})
    assert hourly("g5.xlarge", Buying.SPOT, dear) == Decimal("1.006")
    at_cap = replace(BOOK, spot_prices={**BOOK.spot_prices, "g5.xlarge": replace(price, usd=Decimal("1.005"))})
    assert hourly("g5.xlarge", Buying.SPOT, at_cap) == Decimal("1.005")


def test_without_a_spot_price_the_on_demand_price_stands_in() -> None:
    none = replace(BOOK, spot_prices={})
    assert hourly("g5.xlarge", Buying.SPOT, none) == Decimal("1.006")


def test_a_reservation_costs_the_on_demand_rate_and_a_block_its_fee() -> None:
    assert hourly("p5.48xlarge", Buying.RESERVED, BOOK) == Decimal("55.04")
    assert hourly("p5.48xlarge", Buying.RESERVED, BOOK, capacity_block=True) == Decimal("41.528")


def test_a_price_that_is_not_known_is_none_and_left_out_of_the_order() -> None:
    bare = PriceBook.embedded("mars-north-1")
    assert hourly("g5.xlarge", Buying.SPOT, bare) is None
    assert cheapest_first(CHAT, Buying.SPOT, bare, gpus=1) == ()


def test_types_with_too_few_gpus_are_left_out() -> None:
    types = ("g6.xlarge", "g6.12xlarge")
    assert [name for name, _ in cheapest_first(types, Buying.ON_DEMAND, BOOK, gpus=1)] == ["g6.xlarge", "g6.12xlarge"]
    assert [name for name, _ in cheapest_first(types, Buying.ON_DEMAND, BOOK, gpus=2)] == ["g6.12xlarge"]
    assert [name for name, _ in cheapest_first(types, Buying.ON_DEMAND, BOOK, gpus=5)] == []


@given(names, st.sampled_from(Buying), st.integers(1, 8))
def test_the_order_never_falls_and_does_not_depend_on_how_types_are_listed(
    types: list[str], buying: Buying, gpus: int
) -> None:
    found = cheapest_first(types, buying, BOOK, gpus=gpus)
    assert [usd for _, usd in found] == sorted(usd for _, usd in found)
    assert found == cheapest_first(reversed(types), buying, BOOK, gpus=gpus)
    assert {name for name, _ in found} <= set(types)
