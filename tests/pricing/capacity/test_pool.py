"""GPU pools that can work: their compiled limits, their bill computed by hand, and the arithmetic in words."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from pricing.book.book import PriceBook
from pricing.capacity.announced import AmiFamily, Sharing
from pricing.capacity.pool import Buying, Capacity, PoolAsk, Where
from pricing.capacity.pool_plan import pool_bound, share_items
from tests.pricing.pools import items_of

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


def test_the_dollar_limit_compiles_at_the_dearest_type_per_gpu_and_binds() -> None:
    bound = pool_bound(CHAT, BOOK)
    assert bound.binds is Where.USD
    assert [(share.buying, share.gpus, dict(share.limits())) for share in bound.shares] == [
        (Buying.SPOT, 10, {"nvidia.com/gpu": "10"}),
        (Buying.ON_DEMAND, 4, {"nvidia.com/gpu": "4"}),
    ]
    assert bound.lines[:4] == (
        "limits.gpus: 16 GPUs",
        "limits.monthlyUsd: 24000 USD / (2.24208 USD/h x 730 h / 1 GPU) = 14.66 -> 14 GPUs "
        "at the on-demand price of g6e.2xlarge, the dearest per GPU",
        "limits.monthlyUsd binds: 14 GPUs",
        "14 GPUs = 10 on spot + 4 on demand (onDemandFallback.gpus), taken out of the limit",
    )


def test_the_bill_of_a_spot_first_pool_equals_the_one_computed_by_hand() -> None:
    bound = pool_bound(CHAT, BOOK)
    assert bound.minimum == 0
    assert bound.steady == 14 * Decimal("2.24208") * 730
    assert bound.maximum == 16 * Decimal("2.24208") * 730
    assert bound.expected == (10 * Decimal("1.6119") + 4 * Decimal("1.861")) * 730
    assert (bound.architectures, bound.gpu_memories_mib) == (("amd64",), (45776,))


def test_a_spot_price_above_on_demand_is_expected_at_on_demand_which_caps_it() -> None:
    spot = BOOK.spot("g6e.xlarge")
    assert spot is not None
    dear = replace(BOOK, spot_prices={"g6e.xlarge": replace(spot, usd=Decimal(9))})
    bound = pool_bound(replace(PLAIN, capacity=Capacity.SPOT), dear)
    assert bound.expected == 4 * Decimal("1.861") * 730 == bound.steady


def test_the_items_of_a_pool_add_up_to_its_bound_and_name_their_assumptions() -> None:
    bound = pool_bound(CHAT, BOOK)
    items = items_of(CHAT, bound, BOOK)
    assert [item.role for item in items] == [
        "spot nodes",
        "spot replacements",
        "on-demand nodes",
        "on-demand replacements",
    ]
    assert sum(item.maximum or 0 for item in items) == bound.maximum
    assert sum(item.expected or 0 for item in items) == bound.expected
    assert any("not a percentile" in text for text in items[0].assumptions)
    assert items[0].unit_price is not None
    assert items[0].quantity * items[0].unit_price.usd == items[0].maximum


def test_half_the_utilisation_halves_only_what_is_expected() -> None:
    full, half = pool_bound(PLAIN, BOOK), pool_bound(replace(PLAIN, utilisation=Decimal("0.5")), BOOK)
    assert full.expected is not None and half.expected == full.expected / 2
    assert half.maximum == full.maximum


def test_more_nodes_replaced_at_once_raise_only_the_overlap() -> None:
    one, three = pool_bound(PLAIN, BOOK), pool_bound(replace(PLAIN, overlap_nodes=3), BOOK)
    assert (one.steady, three.steady) == (4 * Decimal("1.861") * 730,) * 2
    assert three.maximum == 7 * Decimal("1.861") * 730
    none = replace(PLAIN, overlap_nodes=0)
    assert [item.role for item in items_of(none, pool_bound(none, BOOK), BOOK)] == ["on-demand nodes"]


def test_a_reserved_pool_costs_its_nodes_whether_used_or_not() -> None:
    bound = pool_bound(TUNE, BOOK)
    assert bound.minimum == bound.expected == bound.maximum == Decimal("55.04") * 730
    assert dict(bound.shares[0].limits()) == {"nvidia.com/gpu": "8", "nodes": "1", "pods": "100"}
    (item,) = items_of(TUNE, bound, BOOK)
    assert item.unit_price is not None and item.unit_price.usd == Decimal("6.88")


def test_a_capacity_block_is_priced_at_its_own_fee() -> None:
    block = replace(TUNE, capacity_block=True)
    bound = pool_bound(block, BOOK)
    assert bound.maximum == Decimal("41.528") * 730
    assert "capacity block" in items_of(block, bound, BOOK)[0].assumptions[0]


def test_an_unknown_price_without_a_dollar_limit_gives_limits_and_the_reason() -> None:
    ask = replace(PLAIN, instance_types=("g7.2xlarge",))
    book = replace(BOOK, on_demand_prices={})
    bound = pool_bound(ask, book)
    assert dict(bound.shares[0].limits()) == {"nvidia.com/gpu": "4"}
    assert (bound.minimum, bound.expected, bound.steady, bound.maximum) == (None, None, None, None)
    assert bound.lines[-1] == "cost unknown: no on-demand price of g7.2xlarge in us-east-1 is on file"
    assert [share_items("p", ask, share, book) for share in bound.shares] == [bound.unpriced]


def test_a_node_limit_is_split_and_given_to_the_node_pools() -> None:
    bound = pool_bound(replace(CHAT, gpus=None, monthly_usd=None, nodes=6), BOOK)
    assert bound.binds is Where.NODES
    assert [dict(share.limits()) for share in bound.shares] == [
        {"nvidia.com/gpu": "2", "nodes": "2", "pods": "116"},
        {"nvidia.com/gpu": "4", "nodes": "4", "pods": "232"},
    ]


def test_slices_are_limited_by_whole_nodes_and_never_by_the_gpu_count_that_nodes_announce() -> None:
    sliced = replace(PLAIN, instance_types=("g6e.xlarge", "g6e.12xlarge"), gpus=11, **SLICED)
    bound = pool_bound(sliced, BOOK)
    assert dict(bound.shares[0].limits()) == {"nodes": "2", "pods": str(2 * 58)}
    assert bound.steady == 2 * Decimal("10.49264") * 730
    mig = replace(LARGE, gpus=16, **cut("1g.10gb"))
    assert dict(pool_bound(mig, BOOK).shares[0].limits()) == {"nodes": "2", "pods": "200"}


def test_types_that_can_never_fit_are_said() -> None:
    bound = pool_bound(replace(PLAIN, instance_types=("g6e.xlarge", "g6e.48xlarge"), gpus=7), BOOK)
    assert "on-demand: g6e.48xlarge never fits into 7 GPUs" in bound.lines


def test_gpus_that_no_whole_node_can_use_are_said() -> None:
    bound = pool_bound(replace(LARGE, gpus=15), BOOK)
    assert "whole nodes reach 8 of 15 GPUs, so that is the limit" in bound.lines
    assert (bound.gpus, bound.shares[0].limits()["nvidia.com/gpu"]) == (8, "8")
    assert bound.steady == Decimal("55.04") * 730


def test_what_a_fall_back_cannot_use_of_its_part_is_spots() -> None:
    large = replace(LARGE, capacity=Capacity.SPOT_FIRST, gpus=28, on_demand_fallback_gpus=12)
    bound = pool_bound(large, BOOK)
    assert [share.gpus for share in bound.shares] == [16, 8] and bound.gpus == 24


def test_nodes_that_the_gpus_do_not_allow_are_no_limit_either() -> None:
    (share,) = pool_bound(replace(LARGE, gpus=20, nodes=6), BOOK).shares
    assert dict(share.limits()) == {"nvidia.com/gpu": "16", "nodes": "2", "pods": "200"}


def test_what_a_pod_has_behind_one_gpu_is_its_slice_of_mig_and_the_whole_card_in_turns() -> None:
    mig = pool_bound(replace(LARGE, instance_types=("p4d.24xlarge",), **cut("1g.5gb")), BOOK)
    assert (mig.gpu_memories_mib, mig.slices_per_gpu, mig.memory_isolated, mig.gpus) == ((4864,), 7, True, 8)
    turns = pool_bound(replace(PLAIN, **SLICED), BOOK)
    assert (turns.gpu_memories_mib, turns.slices_per_gpu, turns.memory_isolated) == ((45776,), 4, False)


def test_mixed_architectures_work_and_are_listed() -> None:
    bound = pool_bound(replace(PLAIN, instance_types=("g4dn.xlarge", "g5g.xlarge")), BOOK)
    assert bound.architectures == ("amd64", "arm64")


def test_an_ask_with_a_senseless_overlap_or_utilisation_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="overlap_nodes"):
        replace(PLAIN, overlap_nodes=-1)
    with pytest.raises(ValueError, match="utilisation"):
        replace(PLAIN, utilisation=Decimal("1.01"))
