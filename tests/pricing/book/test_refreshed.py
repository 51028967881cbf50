"""Laws of a refresh: files are written as they were read, and a dearer hour never makes a cheaper percentile."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.book import facts, refreshed, wanted
from pricing.book.spot_history import Change, percentile

START = datetime.datetime(2026, 10, 25, tzinfo=datetime.UTC)
END = START + datetime.timedelta(days=30)
PRICES = st.decimals(min_value="0.0001", max_value=100, places=4)
CHANGES = st.lists(
    st.builds(
        Change,
        zone=st.sampled_from("abc"),
        at=st.integers(-10, 29 * 24).map(lambda hours: START + datetime.timedelta(hours=hours)),
        usd=PRICES,
    ),
    min_size=1,
    max_size=20,
    unique_by=lambda each: (each.zone, each.at),
)


@pytest.mark.parametrize("name", ["on_demand", "spot", "capacity_blocks", "services"])
def test_a_file_that_nothing_changes_is_written_byte_for_byte(name: str) -> None:
    assert refreshed.text(facts.load(name)) == (facts.DATA / f"{name}.json").read_text(encoding="utf-8")


@given(st.dictionaries(st.from_regex(r"\A[a-z]\d\.[a-z]{2,6}\Z"), PRICES, min_size=1, max_size=15))
def test_reading_the_same_prices_again_changes_nothing(read: dict[str, Decimal]) -> None:
    once, _ = refreshed.batches({"read": "", "batches": []}, "r", read, "2026-11-24", source="s")
    back = json.loads(refreshed.text(once), parse_float=Decimal)
    twice, moved = refreshed.batches(back, "r", read, "2026-11-24", source="s")
    assert moved == []
    assert refreshed.text(twice) == refreshed.text(once)
    assert {name: Decimal(usd) for name, usd in twice["batches"][0]["usd"].items()} == read


@given(CHANGES, st.integers(0, 19), PRICES)
def test_a_percentile_lies_between_its_prices_and_never_falls_when_one_rises(
    changes: list[Change], place: int, more: Decimal
) -> None:
    amount = percentile(changes, START, END)
    assert amount is not None
    assert min(change.usd for change in changes) <= amount <= max(change.usd for change in changes)
    number = place % len(changes)
    each = changes[number]
    dearer = [*changes[:number], Change(zone=each.zone, at=each.at, usd=each.usd + more), *changes[number + 1 :]]
    assert (percentile(dearer, START, END) or 0) >= amount


def test_a_price_counts_by_the_time_that_it_held() -> None:
    def held(hours: int) -> Decimal | None:
        later = Change(zone="a", at=END - datetime.timedelta(hours=hours), usd=Decimal(9))
        return percentile([Change(zone="a", at=START, usd=Decimal(1)), later], START, END)

    assert (held(72), held(73)) == (Decimal(1), Decimal(9))
    assert percentile([], START, END) is None


def test_every_key_that_is_read_is_a_key_of_the_book() -> None:
    known = {row["key"] for row in facts.load("services")["prices"]}
    asked = [want.key for wants in wanted.SERVICES.values() for want in wants]
    assert set(asked) <= known
    assert len(asked) == len(set(asked))
    databases = [want for key in known if (want := wanted.databases(key))]
    assert {want.attributes["deploymentOption"] for want in databases} == {"Single-AZ", "Multi-AZ"}
