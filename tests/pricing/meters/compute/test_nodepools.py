"""What bounds a NodePool that no component of ours has written: GPUs and pods do, a limit of nodes alone does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.bill.estimate import Estimate
from pricing.capacity.gpus import node_pods
from pricing.items.graph import UNKNOWN
from tests.pricing.bill.test_estimate import CLASS, NODE_CLASS, _bill, _why, node_pool

TYPE = "g6.xlarge"
EACH = node_pods([TYPE])


def bill(limits: dict[str, Any], **kubelet: Any) -> Estimate:
    inputs: Any = CLASS[1]
    spec = {**inputs["spec"], **({"kubelet": kubelet} if kubelet else {})}
    return _bill((NODE_CLASS, {**inputs, "spec": spec}), node_pool(types=[TYPE], buying="on-demand", limits=limits))


def most(limits: dict[str, Any], **kubelet: Any) -> Decimal:
    totals = bill(limits, **kubelet).totals
    assert totals.complete
    return totals.maximum


def test_a_limit_of_nodes_alone_is_unpriced_for_karpenter_passes_it_when_many_pods_come_at_once() -> None:
    assert "many pods at once pass a limit of nodes" in _why(bill({"nodes": "2"}))


@given(st.integers(0, 1000))
def test_beside_pods_or_gpus_a_limit_of_nodes_changes_no_price(nodes: int) -> None:
    for limits in ({"pods": str(2 * EACH)}, {"nvidia.com/gpu": "2"}):
        assert most({**limits, "nodes": str(nodes)}) == most(limits)


def test_the_last_pod_that_fills_two_nodes_costs_two_and_fewer_pods_a_node_cost_more_nodes() -> None:
    two, three = most({"pods": str(2 * EACH)}), most({"pods": str(3 * EACH)})
    assert most({"pods": str(3 * EACH - 1)}) == two < three
    assert most({"pods": str(2 * EACH)}, maxPods=EACH) == two
    assert most({"pods": str(2 * EACH)}, maxPods=EACH // 2) > three


@pytest.mark.parametrize("kubelet", [{"maxPods": UNKNOWN}, {"maxPods": 0}, {"podsPerCore": 2}])
def test_pods_bound_nothing_where_it_is_not_known_how_many_a_node_may_have(kubelet: dict[str, Any]) -> None:
    assert "how many pods a node" in _why(bill({"pods": "58"}, **kubelet))
