"""NodePools as the planner writes them: accepted by Karpenter's own rules, disrupted only when their purpose allows it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.nodes.disruption import PRESETS, EmptyNodes, Purpose, WindowSpec
from components.nodes.node_class import node_class
from components.nodes.nodepools import GPU_TAINT, POOL_LABEL, WEIGHTS, gpu_labels, node_pool
from kube.objects import check_object
from pricing.capacity.announced import AmiFamily
from pricing.capacity.pool import Buying

windows = st.builds(
    lambda start, hours: WindowSpec(start_hour_utc=start, hours=hours), st.integers(0, 23), st.integers(1, 23)
)


def planned(purpose: Purpose = Purpose.SERVING, **changes: Any) -> dict[str, Any]:
    return node_pool(
        **{
            "pool": "chat",
            "buying": Buying.SPOT,
            "instance_types": ["g6.xlarge", "g5.xlarge"],
            "zones": ["us-east-1a", "us-east-1b"],
            "architectures": ["amd64"],
            "limits": {"nvidia.com/gpu": "2"},
            "purpose": purpose,
            "window": WindowSpec(),
            "labels": gpu_labels(has_plugin=True, plugin_config="default"),
            "gpu": True,
            **changes,
        }
    )


def accepted(kind: str, api: str, spec: dict[str, Any]) -> None:
    assert check_object({"apiVersion": api, "kind": kind, "metadata": {"name": "chat"}, "spec": spec}) == []


@given(st.sampled_from(Purpose), st.sampled_from(Buying), windows)
def test_every_purpose_makes_a_node_pool_that_karpenter_accepts(
    purpose: Purpose, buying: Buying, window: WindowSpec
) -> None:
    accepted("NodePool", "karpenter.sh/v1", planned(purpose, buying=buying, window=window))


@given(windows)
def test_a_window_and_what_is_outside_of_it_fill_the_day(window: WindowSpec) -> None:
    outside = window.outside()
    assert int(outside["duration"].removesuffix("h")) + window.hours == 24
    assert int(outside["schedule"].split()[1]) == (window.start_hour_utc + window.hours) % 24


def test_a_serving_node_is_moved_in_its_window_only_and_an_idle_one_goes_at_any_time() -> None:
    budgets = planned(Purpose.SERVING)["disruption"]["budgets"]
    assert {"nodes": "100%", "reasons": ["Empty"]} in budgets
    assert {
        "nodes": "0",
        "reasons": ["Drifted", "Underutilized"],
        "schedule": "0 6 * * *",
        "duration": "20h",
    } in budgets


@given(st.sampled_from(Purpose), windows)
def test_an_idle_node_waits_for_the_window_where_the_stack_file_says_so_and_nowhere_else(
    purpose: Purpose, window: WindowSpec
) -> None:
    shut = {"nodes": "0", "reasons": ["Empty"], **window.outside()}
    asked = {node: window.model_copy(update={"empty_nodes": node}) for node in EmptyNodes}
    budgets = {node: planned(purpose, window=asked[node])["disruption"]["budgets"] for node in EmptyNodes}
    assert shut not in budgets[EmptyNodes.ANY_HOUR]
    assert budgets[EmptyNodes.IN_WINDOW] == [*budgets[EmptyNodes.ANY_HOUR], shut]


def test_a_training_node_is_never_moved() -> None:
    spec = planned(Purpose.TRAINING)
    assert {"nodes": "0", "reasons": ["Drifted", "Underutilized"]} in spec["disruption"]["budgets"]
    assert spec["disruption"]["consolidationPolicy"] == "WhenEmpty"


def movable(spec: dict[str, Any], reason: str, hour: int) -> int:
    """How many nodes Karpenter may take at an hour (UTC) for a reason that budgets bind: the strictest budget in force."""
    allowed = [10_000]
    for budget in spec["disruption"]["budgets"]:
        since = (hour - int(budget["schedule"].split()[1])) % 24 if "schedule" in budget else 0
        in_force = "schedule" not in budget or since < int(budget["duration"].removesuffix("h"))
        if in_force and reason in budget["reasons"]:
            allowed.append(10_000 if budget["nodes"] == "100%" else int(budget["nodes"]))
    return min(allowed)


@given(st.sampled_from(Purpose), st.sampled_from(Buying), windows, st.integers(0, 23))
def test_no_node_goes_by_its_age_and_a_serving_node_goes_in_its_window_only(
    purpose: Purpose, buying: Buying, window: WindowSpec, hour: int
) -> None:
    spec = planned(purpose, buying=buying, window=window)
    assert spec["template"]["spec"]["expireAfter"] == "Never", "an age asks no budget, so it has no window"
    open_now = (hour - window.start_hour_utc) % 24 < window.hours
    expected = {Purpose.SERVING: int(open_now), Purpose.TRAINING: 0, Purpose.BATCH: 2}[purpose]
    assert {movable(spec, reason, hour) for reason in ("Drifted", "Underutilized")} == {expected}


@pytest.mark.parametrize("purpose", Purpose)
def test_every_preset_ends_what_blocks_eviction_and_bills_for_as_many_nodes_as_it_moves_at_once(
    purpose: Purpose,
) -> None:
    spec = planned(purpose)
    assert spec["template"]["spec"]["terminationGracePeriod"] == PRESETS[purpose].grace
    moved = [int(budget["nodes"]) for budget in spec["disruption"]["budgets"] if "%" not in budget["nodes"]]
    assert max(moved) <= PRESETS[purpose].at_once


def test_a_gpu_node_has_the_gpu_taint_and_no_startup_taint_that_nothing_would_remove() -> None:
    template = planned()["template"]["spec"]
    assert [taint["key"] for taint in template["taints"]] == [GPU_TAINT]
    assert "startupTaints" not in template
    assert "taints" not in planned(gpu=False)["template"]["spec"]


def test_what_is_paid_for_comes_before_spot_and_spot_before_on_demand() -> None:
    assert WEIGHTS[Buying.RESERVED] > WEIGHTS[Buying.SPOT] > WEIGHTS[Buying.ON_DEMAND]


def test_a_pool_s_nodes_carry_the_label_that_the_outputs_promise() -> None:
    assert planned()["template"]["metadata"]["labels"][POOL_LABEL] == "chat"


@pytest.mark.parametrize("family", AmiFamily)
def test_a_node_class_is_accepted_pinned_encrypted_and_closed_to_pods(family: AmiFamily) -> None:
    spec = node_class(
        family=family, role="nodes", subnet_ids=["subnet-1"], security_group_id="sg-1", disk_gb=100, tags={"Owner": "x"}
    )
    accepted("EC2NodeClass", "karpenter.k8s.aws/v1", spec)
    assert not spec["amiSelectorTerms"][0]["alias"].endswith("@latest")
    assert all(disk["ebs"]["encrypted"] for disk in spec["blockDeviceMappings"])
    assert spec["metadataOptions"]["httpTokens"] == "required"
    assert spec["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert spec["blockDeviceMappings"][-1]["ebs"]["volumeSize"] == "100Gi"
