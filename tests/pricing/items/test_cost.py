"""Cost items keep their order and their unknowns; totals never count an unknown as zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book.book import Price
from pricing.items.cost import CostItem, cents, totals

PRICE = Price(usd=Decimal("0.045"), unit="hour", source="a test", as_of="2026-10-07", confidence="single", region="r")
NAT = CostItem.steady(
    component="network", role="nat", label="1 NAT gateway", quantity=Decimal(730), unit="hour", price=PRICE
)


def test_a_steady_item_costs_quantity_times_price_whatever_happens() -> None:
    assert (NAT.minimum, NAT.expected, NAT.maximum) == (Decimal("32.850"),) * 3
    assert NAT.priced


def test_an_item_without_price_is_unpriced_and_listed_beside_the_sums() -> None:
    unpriced = replace(NAT, unit_price=None, minimum=None, expected=None, maximum=None)
    found = totals([NAT, unpriced, NAT])
    assert found.maximum == Decimal("65.700")
    assert found.unpriced == (unpriced,)
    assert not found.complete
    assert totals([NAT]).complete


@pytest.mark.parametrize(
    "change",
    [
        {"minimum": Decimal(33)},
        {"maximum": Decimal(32)},
        {"minimum": Decimal(-1)},
        {"maximum": None},
        {"unit_price": None},
        {"quantity": Decimal(-1)},
        {"maximum": Decimal("Infinity")},
    ],
)
def test_an_item_whose_amounts_do_not_fit_together_is_refused(change: dict[str, Decimal | None]) -> None:
    with pytest.raises(ValueError, match="network nat"):
        replace(NAT, **change)  # type: ignore[arg-type]


def test_a_free_item_is_priced_at_zero() -> None:
    free = CostItem.steady(
        component="network",
        role="s3",
        label="gateway endpoint",
        quantity=Decimal(1),
        unit="hour",
        price=replace(PRICE, usd=Decimal(0)),
    )
    assert free.priced and free.maximum == 0


def test_an_item_for_a_machine_keeps_every_digit_and_says_null_for_unknown() -> None:
    found = NAT.as_dict()
    assert (found["unitPriceUsd"], found["maximumUsd"], found["priceAsOf"]) == ("0.045", "32.850", "2026-10-07")
    unpriced = replace(NAT, unit_price=None, minimum=None, expected=None, maximum=None)
    assert unpriced.as_dict()["maximumUsd"] is None


def test_half_a_cent_is_rounded_up_only_for_display() -> None:
    assert cents(Decimal("0.005")) == Decimal("0.01")
    assert cents(Decimal("0.00499")) == Decimal("0.00")


@given(st.lists(st.decimals(min_value=0, max_value=10**6, places=4), max_size=20))
def test_the_total_is_the_sum_of_its_items_in_any_order(amounts: list[Decimal]) -> None:
    items = [
        CostItem.steady(component="c", role="r", label="l", quantity=amount, unit="hour", price=PRICE)
        for amount in amounts
    ]
    found = totals(items)
    assert found == totals(reversed(items))
    assert found.maximum == sum(amounts, Decimal(0)) * PRICE.usd
    assert found.minimum <= found.expected <= found.maximum
