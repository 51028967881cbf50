"""What KWOK is told to play: each type of each pool with its whole capacity, and pods that run until they are deleted."""

from __future__ import annotations

from typing import Any

import yaml

from ops.simulate.machines import machines
from ops.simulate.pools import Purchase
from ops.simulate.stages import stages
from pricing.book import PriceBook

BOOK = PriceBook.embedded("us-east-1")


def made(asked: tuple[Purchase, ...], **more: Any) -> dict[str, dict[str, Any]]:
    text = stages(asked, machines(asked, BOOK), **more)
    return {each["metadata"]["name"]: each["spec"] for each in yaml.safe_load_all(text)}


def test_every_type_of_every_pool_has_a_stage_for_its_nodes_alone(asked: tuple[Purchase, ...]) -> None:
    found = made(asked)
    pairs = {f"node-{each.pool}-{name}" for each in asked for name in each.types}
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
    assert "nvidia" not in status(found["node-general-m7g.xlarge"])


def test_no_stage_ends_a_pod_but_its_deletion(asked: tuple[Purchase, ...]) -> None:
    found = made(asked, stop_seconds=2.5)
    pods = {name: each for name, each in found.items() if each["resourceRef"]["kind"] == "Pod"}
    assert set(pods) == {"pod-runs", "pod-stops"}
    assert "Succeeded" not in status(pods["pod-runs"])
    assert pods["pod-stops"]["delay"] == {"durationMilliseconds": 2500}
    assert pods["pod-stops"]["selector"]["matchExpressions"] == [
        {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
    ]
