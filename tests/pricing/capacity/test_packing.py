"""The closed form for the dearest nodes within a limit, against trying every set of nodes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.capacity.packing import NodeKind, cheapest_per_gpu, dearest, dearest_per_gpu


def kind(name: str, gpus: int, usd: str) -> NodeKind:
    return NodeKind(name=name, gpus=gpus, usd=Decimal(usd))


def every_cost(kinds: list[NodeKind], gpus: int, nodes: int) -> Iterator[Decimal]:
    yield Decimal(0)
    if nodes:
        for index, one in enumerate(kinds):
            if one.gpus <= gpus:
                for rest in every_cost(kinds[index:], gpus - one.gpus, nodes - 1):
                    yield one.usd + rest


KINDS = st.lists(
    st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(1, 60)), min_size=1, max_size=4, unique_by=lambda pair: pair
).map(lambda pairs: [kind(f"t{index}", gpus, str(usd)) for index, (gpus, usd) in enumerate(pairs)])


def test_the_limit_is_filled_with_the_dearest_nodes_that_still_fit_whole() -> None:
    packing = dearest([kind("one", 1, "1"), kind("eight", 8, "40")], 10, None)
    assert (dict(packing.nodes), packing.usd, packing.gpus) == ({"eight": 1, "one": 2}, Decimal(42), 10)


def test_several_small_nodes_replace_a_large_one_that_costs_less() -> None:
    packing = dearest([kind("one", 1, "6"), kind("eight", 8, "40")], 10, None)
    assert (dict(packing.nodes), packing.usd) == ({"one": 10}, Decimal(60))


def test_a_rest_too_small_for_any_node_stays_empty() -> None:
    assert dearest([kind("eight", 8, "40")], 15, None).gpus == 8
    assert dearest([kind("eight", 8, "40")], 7, None).usd == 0
    assert dearest([kind("eight", 8, "40")], 7, 3).usd == 0


def test_a_limit_of_nodes_bounds_too() -> None:
    packing = dearest([kind("one", 1, "6"), kind("eight", 8, "40")], 100, 2)
    assert (dict(packing.nodes), packing.usd) == ({"eight": 2}, Decimal(80))


def test_per_gpu_ties_go_to_the_first_name() -> None:
    kinds = [kind("b", 8, "8"), kind("a", 1, "1"), kind("c", 1, "0.5")]
    assert dearest_per_gpu(kinds).name == "a"
    assert cheapest_per_gpu(kinds).name == "c"


def test_gpu_counts_that_do_not_divide_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="do not divide"):
        dearest([kind("two", 2, "1"), kind("three", 3, "1")], 6, None)


def test_a_huge_limit_costs_no_time() -> None:
    assert dearest([kind("one", 1, "1"), kind("eight", 8, "9")], 10**12, 10**9).usd == Decimal(9) * 10**9


@given(KINDS, st.integers(0, 12))
def test_with_a_gpu_limit_alone_no_set_of_nodes_costs_more_and_one_costs_as_much(
    kinds: list[NodeKind], gpus: int
) -> None:
    packing = dearest(kinds, gpus, None)
    assert packing.usd == max(every_cost(kinds, gpus, gpus))
    assert packing.gpus <= gpus


@given(KINDS, st.integers(0, 12), st.integers(1, 4))
def test_with_both_limits_no_set_of_nodes_costs_more(kinds: list[NodeKind], gpus: int, nodes: int) -> None:
    assert dearest(kinds, gpus, nodes).usd >= max(every_cost(kinds, gpus, nodes))


@given(KINDS, st.integers(0, 40), st.one_of(st.none(), st.integers(1, 9)))
def test_a_higher_limit_never_lowers_the_cost(kinds: list[NodeKind], gpus: int, nodes: int | None) -> None:
    here = dearest(kinds, gpus, nodes).usd
    assert dearest(kinds, gpus + 1, nodes).usd >= here
    if nodes is not None:
        assert dearest(kinds, gpus, nodes + 1).usd >= here
