"""Laws of the pool arithmetic that must hold for every pool that is accepted, not only for the ones we thought of."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from core.problem import Refused
from pricing.book.book import Price, PriceBook
from pricing.capacity.announced import Sharing
from pricing.capacity.gpus import gpu_types, shape
from pricing.capacity.packing import reachable
from pricing.capacity.pool import Buying, Capacity, PoolAsk, PoolBound
from pricing.capacity.pool_plan import pool_bound
from pricing.items.cost import totals
from pricing.meters.compute.general_pool import general_bound
from tests.pricing.pools import items_of, problems_of

EMBEDDED = PriceBook.embedded("us-east-1")
PRICED = sorted(name for name, known in gpu_types().items() if known.whole_gpu and EMBEDDED.on_demand(name))


@st.composite
def asks(draw: st.DrawFn) -> PoolAsk:
    capacity = draw(st.sampled_from(Capacity))
    reserved = capacity is Capacity.RESERVED
    types = draw(st.lists(st.sampled_from(PRICED), min_size=1, max_size=4, unique=True))
    least = 24 if capacity is Capacity.SPOT_FIRST else 8
    limits = draw(st.sets(st.sampled_from(["gpus", "nodes", "monthly_usd"]), min_size=1))
    return PoolAsk(
        capacity=capacity,
        instance_types=tuple(types),
        zones=("a", "b"),
        gpus=draw(st.integers(least, 200)) if "gpus" in limits else None,
        nodes=draw(st.integers(4, 60)) if "nodes" in limits else None,
        monthly_usd=draw(st.decimals(40_000, 2_000_000, places=2)) if "monthly_usd" in limits else None,
        on_demand_fallback_gpus=draw(st.integers(8, 16)) if capacity is Capacity.SPOT_FIRST else None,
        reserved_nodes=draw(st.integers(1, 4)) if reserved else None,
        sharing=draw(st.sampled_from([Sharing.NONE, Sharing.TIME_SLICING])),
        replicas=4,
        overlap_nodes=draw(st.integers(0, 3)),
        utilisation=draw(st.decimals(0, 1, places=2)),
    )


def accepted(ask: PoolAsk, book: PriceBook = EMBEDDED) -> PoolBound:
    try:
        return pool_bound(ask, book)
    except Refused:
        reject()


def amount(value: Decimal | None) -> Decimal:
    assert value is not None
    return value


@given(asks())
@settings(max_examples=100)
def test_no_steady_state_costs_more_than_the_dollar_limit(ask: PoolAsk) -> None:
    bound = accepted(ask)
    assert ask.monthly_usd is None or amount(bound.steady) <= ask.monthly_usd


@given(asks())
@settings(max_examples=100)
def test_the_shares_of_a_pool_add_up_to_its_limits(ask: PoolAsk) -> None:
    bound = accepted(ask)
    assert sum(share.gpus for share in bound.shares) == bound.gpus
    assert ask.gpus is None or bound.gpus <= ask.gpus
    if ask.nodes is not None:
        assert sum(share.nodes or 0 for share in bound.shares) <= ask.nodes
    counts = [share.nodes for share in bound.shares if share.nodes is not None]
    assert bound.nodes == (sum(counts) if counts else None)


@given(asks())
@settings(max_examples=100)
def test_every_node_pool_can_start_and_has_a_limit(ask: PoolAsk) -> None:
    smallest = min(gpu_types()[name].gpus for name in ask.instance_types)
    for share in accepted(ask).shares:
        assert share.gpus >= smallest
        assert share.nodes is None or share.nodes >= 1
        assert share.limits()


@given(asks())
@settings(max_examples=100)
def test_minimum_expected_steady_and_maximum_come_in_this_order(ask: PoolAsk) -> None:
    bound = accepted(ask)
    assert 0 <= amount(bound.minimum) <= amount(bound.expected) <= amount(bound.steady) <= amount(bound.maximum)


@given(asks())
@settings(max_examples=100)
def test_the_bill_adds_up_to_the_bound(ask: PoolAsk) -> None:
    bound = accepted(ask)
    found = totals(items_of(ask, bound, EMBEDDED))
    assert found.complete
    assert (found.minimum, found.expected, found.maximum) == (bound.minimum, bound.expected, bound.maximum)


@given(asks(), st.data(), st.integers(1, 50))
@settings(max_examples=100)
def test_a_higher_limit_is_never_refused_where_a_lower_one_was_not_and_never_costs_less(
    ask: PoolAsk, data: st.DataObject, more: int
) -> None:
    here = accepted(ask)
    limits: dict[str, Any] = {"gpus": ask.gpus, "nodes": ask.nodes, "monthly_usd": ask.monthly_usd}
    limit, value = data.draw(st.sampled_from([(name, value) for name, value in limits.items() if value is not None]))
    there = pool_bound(replace(ask, **{limit: value + more}), EMBEDDED)
    assert there.gpus >= here.gpus
    assert amount(there.steady) >= amount(here.steady)
    assert amount(there.maximum) >= amount(here.maximum)


@given(asks(), st.integers(0, 3), st.integers(1, 300))
@settings(max_examples=100)
def test_for_fixed_compiled_limits_a_dearer_price_never_lowers_the_cost(ask: PoolAsk, which: int, percent: int) -> None:
    ask = replace(ask, monthly_usd=None, gpus=ask.gpus or 64)
    here = accepted(ask)
    name = ask.instance_types[which % len(ask.instance_types)]
    there = pool_bound(ask, dearer(name, percent))
    assert there.shares == here.shares
    for earlier, later in (
        (here.minimum, there.minimum),
        (here.expected, there.expected),
        (here.steady, there.steady),
        (here.maximum, there.maximum),
    ):
        assert amount(later) >= amount(earlier)


@given(asks(), st.integers(1, 300))
@settings(max_examples=100)
def test_a_dearer_price_never_compiles_to_more_gpus(ask: PoolAsk, percent: int) -> None:
    assume(ask.capacity is not Capacity.RESERVED)
    here = accepted(ask)
    book = dearer(ask.instance_types[0], percent)
    if not problems_of(ask, book):
        assert pool_bound(ask, book).gpus <= here.gpus


@given(asks())
@settings(max_examples=100)
def test_only_a_pool_that_buys_on_demand_outside_spot_has_an_on_demand_node_pool(ask: PoolAsk) -> None:
    buying = [share.buying for share in accepted(ask).shares]
    assert (
        buying
        == {
            Capacity.SPOT: [Buying.SPOT],
            Capacity.ON_DEMAND: [Buying.ON_DEMAND],
            Capacity.SPOT_FIRST: [Buying.SPOT, Buying.ON_DEMAND],
            Capacity.RESERVED: [Buying.RESERVED],
        }[ask.capacity]
    )


def dearer(name: str, percent: int) -> PriceBook:
    def raised(price: Price) -> Price:
        return replace(price, usd=price.usd * (100 + percent) / 100)

    on_demand, spot = dict(EMBEDDED.on_demand_prices), dict(EMBEDDED.spot_prices)
    on_demand[name] = raised(on_demand[name])
    if name in spot:
        spot[name] = raised(spot[name])
    return replace(EMBEDDED, on_demand_prices=on_demand, spot_prices=spot)


def _states(sizes: list[int], gpus: int, nodes: int | None) -> set[tuple[int, int]]:
    """Every (GPUs, nodes) that whole nodes can come to under Karpenter's limits, one node after another."""
    seen, left = {(0, 0)}, [(0, 0)]
    while left:
        used, count = left.pop()
        for size in sizes:
            state = (used + size, count + 1)
            if state[0] <= gpus and (nodes is None or state[1] <= nodes) and state not in seen:
                seen.add(state)
                left.append(state)
    return seen


@given(asks())
@settings(max_examples=100)
def test_whole_nodes_reach_every_stated_limit_and_a_pool_is_full_exactly_when_it_reaches_one(ask: PoolAsk) -> None:
    sizes = sorted({gpu_types()[name].gpus for name in ask.instance_types})
    bound = accepted(ask)
    assume(bound.gpus <= 150)  # more states than that say nothing new
    for share in bound.shares:
        limits = share.limits()
        # Nodes that announce slices have no limit in GPUs: only their number holds them.
        most = share.gpus if "nvidia.com/gpu" in limits else (share.nodes or 0) * max(sizes)
        states = _states(sizes, most, share.nodes)
        assert max(used for used, _ in states) == share.gpus
        if "nodes" in limits:
            assert max(count for _, count in states) == int(limits["nodes"])
            assert int(limits["pods"]) == share.pods_each * int(limits["nodes"])
        for used, count in states:
            full = not any((used + size, count + 1) in states for size in sizes)
            reached = used >= share.gpus if "nvidia.com/gpu" in limits else False
            assert full == (reached or (share.nodes is not None and count >= share.nodes))


@given(st.lists(st.sampled_from([1, 2, 4, 8, 16, 32, 48, 64, 96, 192]), min_size=1, max_size=4), st.integers(0, 250))
def test_the_most_that_whole_nodes_reach_is_what_counting_them_one_by_one_reaches(sizes: list[int], limit: int) -> None:
    assert reachable(sizes, limit) == max(used for used, _ in _states(sizes, limit, None))


@given(st.sets(st.sampled_from([1, 2, 4, 8]), min_size=1), st.integers(0, 60), st.integers(0, 20))
def test_a_limit_of_nodes_beside_one_of_gpus_is_reached_by_the_largest_first(
    sizes: set[int], limit: int, nodes: int
) -> None:
    assert reachable(sizes, limit, nodes) == max(used for used, _ in _states(sorted(sizes), limit, nodes))


@given(
    st.integers(2, 400),
    st.sets(st.sampled_from(["m7g.large", "m7g.xlarge", "m7g.8xlarge", "m7g.12xlarge"]), min_size=1),
)
def test_whole_nodes_reach_the_limit_of_the_general_pool(vcpus: int, types: set[str]) -> None:
    sizes = [known.vcpus for name in types if (known := shape(name))]
    assume(vcpus >= min(sizes))
    found = general_bound(sorted(types), vcpus, None, 1, EMBEDDED).vcpus
    assert found <= vcpus and found in {used for used, _ in _states(sizes, vcpus, None)}
