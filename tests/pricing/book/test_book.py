"""The price book quotes what is on file and says that the rest is unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pricing.book.book import CAPACITY_BLOCK, ON_DEMAND, SPOT, Price, PriceBook


def price(usd: Decimal) -> Price:
    return Price(usd=usd, unit="hour", source="a test", as_of="2026-01-01", confidence="single", region="us-east-1")


@pytest.fixture
def book() -> PriceBook:
    return PriceBook.embedded("us-east-1")


def test_a_known_price_comes_with_its_date_source_and_unit(book: PriceBook) -> None:
    price = book.on_demand("g6e.xlarge")
    assert price is not None
    assert (price.usd, price.unit, price.as_of) == (Decimal("1.861"), "instance-hour", "2026-07-20")
    assert "karpenter-provider-aws" in price.source


def test_an_unknown_price_is_none_and_its_reason_names_type_and_region(book: PriceBook) -> None:
    assert book.on_demand("x9.huge") is None
    assert book.why_unknown(ON_DEMAND, "x9.huge") == "no on-demand price of x9.huge in us-east-1 is on file"


def test_a_gpu_type_that_the_source_does_not_list_says_so(book: PriceBook) -> None:
    assert book.on_demand("p5e.48xlarge") is None
    assert "is on file (the table that is cited" in book.why_unknown(ON_DEMAND, "p5e.48xlarge")
    assert "is on file (" not in book.why_unknown(SPOT, "p5e.48xlarge")


def test_a_stale_price_is_not_quoted_and_its_reason_says_so() -> None:
    book = PriceBook.embedded("us-west-2")
    assert book.on_demand("p5.48xlarge") is None
    assert "must not be quoted" in book.why_unknown(ON_DEMAND, "p5.48xlarge")


def test_a_capacity_block_is_quoted_at_its_current_rate_and_only_where_it_is_sold(book: PriceBook) -> None:
    current = book.capacity_block("p5en.48xlarge")
    assert current is not None and current.usd == Decimal("63.158")
    assert book.capacity_block("p5e.48xlarge") is None
    assert "no capacity block price" in book.why_unknown(CAPACITY_BLOCK, "p5e.48xlarge")
    assert PriceBook.embedded("us-east-2").capacity_block("p5e.48xlarge") is not None


def test_a_spot_price_says_that_it_is_no_percentile(book: PriceBook) -> None:
    price = book.spot("g6e.xlarge")
    assert price is not None
    assert "not a percentile" in price.basis
    assert price.as_of == "2026-08-10"


def test_a_spot_spread_tells_zones_and_interruptions_of_its_day(book: PriceBook) -> None:
    spread = book.spreads.get("g5.xlarge")
    assert spread is not None
    assert (spread.as_of, spread.zones) == ("2025-05-28", 5)
    assert spread.interruption_band
    assert "m7g.large" not in book.spreads


def test_a_service_price_is_that_of_its_dearest_tier(book: PriceBook) -> None:
    out = book.service("data-transfer/internet")
    assert out is not None and out.usd == Decimal("0.09")
    assert next(tier.price.usd for tier in book.tiers["data-transfer/internet"]) == 0


def test_a_service_that_is_not_on_file_has_no_price(book: PriceBook) -> None:
    assert book.service("nat-gateway/hours") is None
    assert book.service("nat-gateway/hour") is not None


def test_service_prices_of_one_region_are_not_quoted_in_another() -> None:
    assert PriceBook.embedded("eu-west-1").service("nat-gateway/hour") is None


def test_a_region_without_sources_gives_a_book_in_which_nothing_is_known() -> None:
    nowhere = PriceBook.embedded("mars-north-1")
    assert nowhere.on_demand("g6e.xlarge") is None
    assert not nowhere.tiers


def test_the_version_names_the_day_and_the_content_and_is_the_same_for_every_region(book: PriceBook) -> None:
    day, _, content = book.version.partition("+")
    assert day == book.as_of
    assert len(content) == 8
    assert PriceBook.embedded("eu-west-1").version == book.version


@pytest.mark.parametrize("usd", [Decimal("-0.01"), Decimal("NaN"), Decimal("Infinity")])
def test_a_price_that_is_no_amount_of_money_is_refused(usd: Decimal) -> None:
    assert price(Decimal(0)).usd == 0
    with pytest.raises(ValueError, match="finite Decimal"):
        price(usd)
