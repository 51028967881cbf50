"""A NodePool takes part in a simulation once Karpenter says, of it as it stands now, that it is ready."""

from __future__ import annotations

from typing import Any

import pytest

from ops.simulate.cluster.cluster import is_ready


def node_pool(*conditions: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "p", "generation": 2}, "status": {"conditions": list(conditions)}}


def condition(kind: str, status: str, generation: int = 2) -> dict[str, Any]:
    return {"type": kind, "status": status, "observedGeneration": generation}


def test_a_node_pool_is_ready_when_it_says_so_of_its_latest_generation() -> None:
    assert is_ready(node_pool(condition("NodeClassReady", "False"), condition("Ready", "True")))
    assert is_ready(node_pool({"type": "Ready", "status": "True"}))


@pytest.mark.parametrize(
    "found",
    [
        {"metadata": {"name": "p", "generation": 2}},
        node_pool(),
        node_pool(condition("NodeClassReady", "True")),
        node_pool(condition("Ready", "Unknown")),
        node_pool(condition("Ready", "False")),
        node_pool(condition("Ready", "True", 1)),
    ],
)
def test_a_node_pool_that_says_less_is_not_ready(found: dict[str, Any]) -> None:
    assert not is_ready(found)
