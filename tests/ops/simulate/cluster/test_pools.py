"""The NodePools that are simulated are the declared ones; only what points at the node class differs."""

from __future__ import annotations

import copy
from typing import Any

from infra.declared import Declared
from ops.simulate.cluster.pools import Purchase
from pricing.capacity.announced import Sharing
from pricing.capacity.pool import Buying
from pricing.items.tokens import NODE_POOL


def differences(one: Any, other: Any, where: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(one.keys() | other.keys())
        return [each for key in keys for each in differences(one.get(key), other.get(key), f"{where}.{key}")]
    return [] if one == other and type(one) is type(other) else [where]


def test_of_every_declared_nodepool_only_the_node_class_reference_is_another(
    asked: tuple[Purchase, ...], declared: dict[str, Declared]
) -> None:
    pools = {each.inputs["metadata"]["name"]: each.inputs for each in declared.values() if each.token == NODE_POOL}
    assert {purchase.name for purchase in asked} == set(pools) and len(pools) == 5
    reference = ".spec.template.spec.nodeClassRef"
    for purchase in asked:
        assert differences(pools[purchase.name], purchase.kwok()) == [f"{reference}.group", f"{reference}.kind"]


def test_the_comparison_of_nodepools_would_see_a_single_changed_value(asked: tuple[Purchase, ...]) -> None:
    changed = copy.deepcopy(asked[0].kwok())
    changed["spec"]["disruption"]["budgets"][0]["nodes"] = "99%"
    assert differences(asked[0].kwok(), changed) == [".spec.disruption.budgets"]


def test_making_the_kwok_variant_leaves_what_was_declared_alone(asked: tuple[Purchase, ...]) -> None:
    before = copy.deepcopy(dict(asked[0].manifest))
    asked[0].kwok()["spec"]["limits"]["nodes"] = "0"
    assert asked[0].manifest == before


def test_nodepools_come_in_the_order_in_which_karpenter_tries_them(asked: tuple[Purchase, ...]) -> None:
    weights = [purchase.manifest["spec"]["weight"] for purchase in asked]
    assert weights == sorted(weights, reverse=True)
    assert asked[0].name == "tune-reserved"


def test_a_purchase_says_what_its_nodepool_may_buy(asked: tuple[Purchase, ...]) -> None:
    by_name = {purchase.name: purchase for purchase in asked}
    spot, embed, tune = by_name["chat-spot"], by_name["embed-spot"], by_name["tune-reserved"]
    assert (spot.pool, spot.buying) == ("chat", Buying.SPOT)
    assert spot.types == ("g6e.2xlarge", "g6e.xlarge")
    assert spot.zones == ("us-east-1a", "us-east-1b", "us-east-1c")
    assert dict(spot.limits) == {"nvidia.com/gpu": "10"}
    assert spot.announced["g6e.xlarge"].resources == {"nvidia.com/gpu": 1}
    assert embed.announced["g6.xlarge"].resources == {"nvidia.com/gpu": 4}
    assert tune.announced["p5.48xlarge"].resources == {"nvidia.com/gpu": 8, "vpc.amazonaws.com/efa": 32}
    assert (embed.sharing, dict(embed.limits)) == (Sharing.TIME_SLICING, {"nodes": "4", "pods": "232"})
    assert (tune.buying, tune.zones, tune.capacity_block) == (Buying.RESERVED, ("us-east-1a",), False)
    assert by_name["general"].pool == "general"


def test_each_nodepool_points_at_a_kwok_node_class_of_its_own_name(asked: tuple[Purchase, ...]) -> None:
    for purchase in asked:
        reference = purchase.kwok()["spec"]["template"]["spec"]["nodeClassRef"]
        made = purchase.node_class
        assert reference == {
            "group": made["apiVersion"].partition("/")[0],
            "kind": made["kind"],
            "name": made["metadata"]["name"],
        }
