"""What KWOK is told to play: each type of each pool with its whole capacity, and pods that run until they are deleted."""

from __future__ import annotations

from typing import Any

import yaml

from ops.simulate.cluster.machines import Machine, machines
from ops.simulate.cluster.pools import Purchase
from ops.simulate.cluster.stages import _node, stages
from pricing.book.book import PriceBook
from pricing.capacity.announced import AmiFamily, NodeAsk, Sharing, announced

BOOK = PriceBook.embedded("us-east-1")


def made(asked: tuple[Purchase, ...], **more: Any) -> dict[str, dict[str, Any]]:
    text = stages(asked, machines(asked, BOOK), **more)
    return {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(text)}


def test_every_type_of_every_pool_has_a_stage_for_its_nodes_alone(asked: tuple[Purchase, ...]) -> None:
    found = made(asked)
    pairs = {f"node-{purchase.pool}-{name}" for purchase in asked for name in purchase.types}
    assert set(found) == pairs | {"pod-runs", "pod-stops"}
    assert found["node-chat-g6e.xlarge"]["selector"]["matchLabels"] == {
        "modelyard.dev/pool": "chat",
        "node.kubernetes.io/instance-type": "g6e.xlarge",
    }


def status(stage: dict[str, Any]) -> str:
    return str(stage["next"]["statusTemplate"])


def test_a_node_announces_its_type_and_slices_only_where_its_pool_shares(asked: tuple[Purchase, ...]) -> None:
    found = made(asked)
    assert "nvidia.com/gpu: '1'" in status(found["node-chat-g6e.xlarge"])
    assert "allocatable" not in status(found["node-chat-g6e.xlarge"])
    shared = status(found["node-embed-g6.xlarge"])
    assert shared.count("nvidia.com/gpu: '4'") == 2 and "allocatable" in shared
    assert "nvidia.com/gpu: '8'" in status(found["node-tune-p5.48xlarge"])
    assert "vpc.amazonaws.com/efa: '32'" in status(found["node-tune-p5.48xlarge"])
    assert "nvidia" not in status(found["node-general-m7g.xlarge"])


def test_a_node_announces_every_slice_of_mig_and_no_efa_where_the_plugin_for_it_does_not_run() -> None:
    kind = NodeAsk(instance_type="p5.48xlarge", family=AmiFamily.BOTTLEROCKET, sharing=Sharing.MIG, profile="1g.10gb")
    machine = Machine(
        name="p5.48xlarge",
        architecture="amd64",
        resources={"cpu": "192", "nvidia.com/gpu": "8", "vpc.amazonaws.com/efa": "32"},
        labels={},
        offers=(),
    )
    text = status(_node("p", machine, announced(kind).resources)["spec"])
    assert text.count("nvidia.com/gpu: '56'") == 2 and text.count("vpc.amazonaws.com/efa: '0'") == 2


def test_no_stage_ends_a_pod_but_its_deletion(asked: tuple[Purchase, ...]) -> None:
    found = made(asked, stop_seconds=2.5)
    pods = {name: each for name, each in found.items() if each["resourceRef"]["kind"] == "Pod"}
    assert set(pods) == {"pod-runs", "pod-stops"}
    assert "Succeeded" not in status(pods["pod-runs"])
    assert pods["pod-stops"]["delay"] == {"durationMilliseconds": 2500}
    assert pods["pod-stops"]["selector"]["matchExpressions"] == [
        {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
    ]
