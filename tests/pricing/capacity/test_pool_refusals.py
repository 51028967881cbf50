"""GPU pools that cannot work: each is refused at its field, with a fix, and at its exact edge."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from core.problem import Problem, Refused
from pricing.book.book import PriceBook
from pricing.capacity.announced import AmiFamily, Sharing
from pricing.capacity.pool import Capacity, PoolAsk, Where
from pricing.capacity.pool_plan import pool_bound
from tests.pricing.pools import problems_of

BOOK = PriceBook.embedded("us-east-1")
CHAT = PoolAsk(
    capacity=Capacity.SPOT_FIRST,
    instance_types=("g6e.xlarge", "g6e.2xlarge"),
    zones=("us-east-1a", "us-east-1b"),
    gpus=16,
    monthly_usd=Decimal(24000),
    on_demand_fallback_gpus=4,
    uniform_gpu_memory=True,
)
TUNE = PoolAsk(capacity=Capacity.RESERVED, instance_types=("p5.48xlarge",), reserved_nodes=1, efa=True)
PLAIN = PoolAsk(capacity=Capacity.ON_DEMAND, instance_types=("g6e.xlarge",), gpus=4)
LARGE = replace(PLAIN, instance_types=("p5.48xlarge",), gpus=8)
SLICED: dict[str, Any] = {"sharing": Sharing.TIME_SLICING, "replicas": 4}


def cut(profile: str) -> dict[str, Any]:
    return {"ami_family": AmiFamily.BOTTLEROCKET, "sharing": Sharing.MIG, "mig_profile": profile}


def refusal(ask: PoolAsk, book: PriceBook = BOOK) -> Problem:
    problems = problems_of(ask, book)
    assert len(problems) == 1, [problem.text() for problem in problems]
    assert problems[0].fix and problems[0].where
    with pytest.raises(Refused):
        pool_bound(ask, book)
    return problems[0]


@pytest.mark.parametrize(
    ("name", "summary", "fix"),
    [
        ("m7g.large", "has no GPU", "general pool"),
        ("g6e.xlarg", "not a GPU type", "did you mean g6e.xlarge"),
        ("qqqq", "not a GPU type", "gpus.json"),
        ("g6f.4xlarge", "share of a GPU", "g6.4xlarge"),
        ("gr6f.4xlarge", "share of a GPU", "gr6.4xlarge"),
        ("g6f.large", "share of a GPU", "g6.xlarge"),
        ("g6e.xlarge", "named twice", "remove"),
    ],
)
def test_a_type_that_cannot_serve_is_refused_at_its_place_in_the_list(name: str, summary: str, fix: str) -> None:
    problem = refusal(replace(PLAIN, instance_types=("g6e.xlarge", name)))
    assert problem.where == "instanceTypes[1]"
    assert summary in problem.summary and fix in problem.fix


def test_a_pool_without_types_is_refused_before_anything_else() -> None:
    assert refusal(replace(PLAIN, instance_types=())).where == Where.TYPES


def test_one_spot_type_in_one_zone_is_refused_and_a_second_zone_or_type_mends_it() -> None:
    lonely = replace(PLAIN, capacity=Capacity.SPOT, zones=("us-east-1a",))
    assert refusal(lonely).where == Where.TYPES
    assert not problems_of(replace(lonely, zones=("us-east-1a", "us-east-1b")), BOOK)
    assert not problems_of(replace(lonely, instance_types=("g6e.xlarge", "g6e.2xlarge")), BOOK)
    assert not problems_of(replace(lonely, capacity=Capacity.ON_DEMAND), BOOK)


def test_efa_is_refused_where_one_type_has_none() -> None:
    assert not problems_of(replace(LARGE, efa=True), BOOK)
    problem = refusal(replace(PLAIN, efa=True, instance_types=("g6e.8xlarge", "g6e.xlarge")))
    assert problem.where == Where.EFA and "g6e.xlarge" in problem.fix and "g6e.8xlarge" not in problem.fix


def test_mig_is_refused_on_a_gpu_without_it_and_for_an_unknown_profile() -> None:
    assert not problems_of(replace(LARGE, **cut("3g.40gb")), BOOK)
    unknown = refusal(replace(LARGE, **cut("3g.41gb")))
    assert unknown.where == "sharing.profile" and "3g.40gb" in unknown.allowed
    assert "cannot be partitioned" in refusal(replace(PLAIN, **cut("1g.10gb"))).summary
    unproven = replace(PLAIN, instance_types=("g7.2xlarge",), **cut("1g.16gb"))
    assert "not known to have MIG" in refusal(unproven).summary


def test_a_node_of_which_nobody_knows_what_it_announces_is_refused_though_its_gpu_could_do_it() -> None:
    # Bottlerocket would make one whole GPU of these two, in silence.
    for profile in ("4g.40gb", "1g.10gb+me"):
        problem = refusal(replace(LARGE, **cut(profile)))
        assert "nothing is known about a node" in problem.summary and profile not in problem.allowed
    assert refusal(replace(LARGE, sharing=Sharing.MIG, mig_profile="1g.10gb")).where == "sharing.mode"


def test_mixed_gpu_memories_are_refused_only_where_one_size_is_needed() -> None:
    mixed = replace(PLAIN, instance_types=("g6.xlarge", "g6e.xlarge"))
    assert not problems_of(mixed, BOOK)
    problem = refusal(replace(mixed, uniform_gpu_memory=True))
    assert problem.where == Where.TYPES and "22888 MiB" in problem.found and "mixedGpuMemory" in problem.fix
    same = replace(mixed, instance_types=("g6.xlarge", "g5.xlarge"), uniform_gpu_memory=True)
    assert not problems_of(same, BOOK)


def test_a_pool_without_any_limit_is_refused_and_any_one_is_enough() -> None:
    assert refusal(replace(PLAIN, gpus=None)).where == Where.LIMITS
    assert not problems_of(replace(PLAIN, gpus=None, nodes=1), BOOK)
    assert not problems_of(replace(PLAIN, gpus=None, monthly_usd=Decimal(5000)), BOOK)


def test_a_limit_below_one_node_is_refused_and_one_node_is_enough() -> None:
    assert not problems_of(LARGE, BOOK)
    problem = refusal(replace(LARGE, gpus=7))
    assert problem.where == Where.GPUS and problem.allowed == "at least 8"


def test_with_slices_one_node_of_the_largest_type_must_fit() -> None:
    sliced = replace(PLAIN, instance_types=("g6e.xlarge", "g6e.12xlarge"), **SLICED)
    assert not problems_of(replace(sliced, gpus=4), BOOK)
    assert refusal(replace(sliced, gpus=3)).where == Where.GPUS


def test_a_dollar_limit_that_buys_no_gpu_is_refused_to_the_cent() -> None:
    one = Decimal("1.861") * 730
    assert not problems_of(replace(PLAIN, monthly_usd=one), BOOK)
    problem = refusal(replace(PLAIN, monthly_usd=one - Decimal("0.01")))
    assert problem.where == Where.USD
    assert "not even one GPU" in problem.summary and problem.allowed == "at least 1358.53 USD a month"


def test_a_dollar_limit_below_one_large_node_is_refused() -> None:
    problem = refusal(replace(LARGE, monthly_usd=Decimal("40179.19")))
    assert problem.where == Where.USD and "7 GPUs, and p5.48xlarge has 8" in problem.summary
    assert not problems_of(replace(LARGE, monthly_usd=Decimal("40179.20")), BOOK)


@pytest.mark.parametrize(
    ("region", "name"), [("us-east-1", "p5e.48xlarge"), ("us-west-2", "p5.48xlarge"), ("mars-north-1", "g6e.xlarge")]
)
def test_a_dollar_limit_without_a_price_is_refused_naming_type_and_region(region: str, name: str) -> None:
    ask = replace(PLAIN, instance_types=(name,), gpus=8, monthly_usd=Decimal(10**6))
    problem = refusal(ask, PriceBook.embedded(region))
    assert problem.where == Where.USD
    assert name in problem.summary and region in problem.summary


def test_the_fall_back_must_leave_one_node_to_spot() -> None:
    assert not problems_of(replace(CHAT, on_demand_fallback_gpus=13), BOOK)
    problem = refusal(replace(CHAT, on_demand_fallback_gpus=14))
    assert problem.where == Where.FALLBACK
    assert problem.allowed == "1 to 13 GPUs" and "limits.monthlyUsd" in problem.found


def test_the_fall_back_must_hold_one_node_of_its_own() -> None:
    large = replace(CHAT, instance_types=("p5.48xlarge",), gpus=24, monthly_usd=None)
    assert not problems_of(replace(large, on_demand_fallback_gpus=8), BOOK)
    assert refusal(replace(large, on_demand_fallback_gpus=7)).where == Where.FALLBACK
    assert "none" in refusal(replace(large, gpus=8, on_demand_fallback_gpus=8)).allowed


def test_a_node_limit_must_leave_a_node_to_spot() -> None:
    assert not problems_of(replace(CHAT, nodes=5), BOOK)
    assert refusal(replace(CHAT, nodes=4, instance_types=("g6e.xlarge", "g6e.12xlarge"))).where == Where.NODES


@pytest.mark.parametrize(
    ("ask", "where"),
    [
        (replace(CHAT, on_demand_fallback_gpus=None), Where.FALLBACK),
        (replace(PLAIN, on_demand_fallback_gpus=1), Where.FALLBACK),
        (replace(PLAIN, reserved_nodes=1), Where.RESERVED_NODES),
        (replace(PLAIN, capacity_block=True), Where.CAPACITY),
        (replace(TUNE, reserved_nodes=None), Where.RESERVED_NODES),
        (replace(TUNE, reserved_nodes=0), Where.RESERVED_NODES),
        (replace(TUNE, gpus=7), Where.GPUS),
        (replace(TUNE, reserved_nodes=2, nodes=1), Where.NODES),
        (replace(TUNE, monthly_usd=Decimal("40179.19")), Where.USD),
        (replace(TUNE, instance_types=("p5e.48xlarge",), monthly_usd=Decimal(10**6)), Where.USD),
    ],
)
def test_what_does_not_go_with_the_capacity_is_refused_at_its_field(ask: PoolAsk, where: Where) -> None:
    assert refusal(ask).where == where


def test_a_reservation_exactly_within_its_limits_is_accepted() -> None:
    assert not problems_of(replace(TUNE, gpus=8, nodes=1, monthly_usd=Decimal("40179.20")), BOOK)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"gpus": 0}, Where.GPUS),
        ({"gpus": -1}, Where.GPUS),
        ({"gpus": 100_001}, Where.GPUS),
        ({"nodes": 10_001}, Where.NODES),
        ({"monthly_usd": Decimal(0)}, Where.USD),
        ({"monthly_usd": Decimal(-5)}, Where.USD),
        ({"monthly_usd": Decimal("NaN")}, Where.USD),
        ({"monthly_usd": Decimal("Infinity")}, Where.USD),
        ({"monthly_usd": Decimal("1e999999")}, Where.USD),
    ],
)
def test_a_limit_out_of_range_is_refused(change: dict[str, Any], where: Where) -> None:
    assert refusal(replace(PLAIN, **change)).where == where


def test_every_problem_is_told_at_once() -> None:
    bad = replace(PLAIN, instance_types=("m7g.large", "g6e.xlarge"), gpus=0, efa=True)
    assert [problem.where for problem in problems_of(bad, BOOK)] == ["instanceTypes[0]", Where.GPUS, Where.EFA]
