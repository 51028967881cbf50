"""What is seen of a cluster becomes a timeline: each step once, peaks kept, and an end only when nothing moves."""

from __future__ import annotations

from typing import Any

import pytest

from ops.simulate.cluster.watch import QUIET, SILENT, TRIED, Timeline


def claim(name: str, *conditions: str, **more: Any) -> dict[str, Any]:
    labels = {
        "karpenter.sh/nodepool": more.pop("pool", "chat-spot"),
        "node.kubernetes.io/instance-type": "g5.xlarge",
        "karpenter.sh/capacity-type": "spot",
        "topology.kubernetes.io/zone": "us-east-1a",
    }
    requirements = [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": ["g5.xlarge", "g6.xlarge"]}]
    return {
        "metadata": {"uid": name, "name": name, "labels": labels, **more},
        "spec": {"requirements": requirements},
        "status": {"conditions": [{"type": condition, "status": "True"} for condition in conditions]},
    }


def pod(name: str, node: str = "") -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"nodeName": node} if node else {}}


@pytest.fixture
def seen() -> Timeline:
    return Timeline()


def test_each_step_of_a_node_is_timed_when_it_is_first_seen(seen: Timeline) -> None:
    seen.look([], [pod("a")], 0.0)
    seen.look([claim("n")], [pod("a")], 1.0)
    seen.look([claim("n", "Registered")], [pod("a")], 2.0)
    seen.look([claim("n", "Registered", "Initialized")], [pod("a", "n")], 3.0)
    seen.look([claim("n", "Registered", "Initialized")], [pod("a", "n")], 4.0)
    found = seen.claims["n"]
    assert (found.seen, found.registered, found.initialized, found.gone) == (1.0, 2.0, 3.0, None)
    assert (found.type, found.buying, found.zone) == ("g5.xlarge", "spot", "us-east-1a")
    assert found.allowed == ("g5.xlarge", "g6.xlarge")
    assert seen.placed == {"a": 3.0} and seen.changed == 3.0


def test_a_node_that_is_going_counts_no_more_and_one_that_is_gone_keeps_its_times(seen: Timeline) -> None:
    seen.look([claim("a", "Registered", "Initialized"), claim("b")], [], 1.0)
    assert seen.counts() == {"chat-spot": 2}
    going = claim("a", "Registered", "Initialized", deletionTimestamp="2026-11-24T00:00:00Z")
    seen.look([going, claim("b")], [], 2.0)
    assert seen.counts() == {"chat-spot": 1} and not seen.claims["a"].settled
    seen.look([claim("b")], [], 3.0)
    assert (seen.claims["a"].deleting, seen.claims["a"].gone) == (2.0, 3.0)
    assert seen.peak == {"chat-spot": 2}


def test_a_placed_pod_with_a_node_that_is_not_ready_is_not_the_end(seen: Timeline) -> None:
    seen.look([claim("n", "Registered")], [pod("a", "n")], 1.0)
    assert not seen.settled(1.0)
    seen.look([claim("n", "Registered", "Initialized")], [pod("a", "n")], 2.0)
    assert seen.settled(2.0)


def test_a_pending_pod_is_refused_only_after_the_whole_quiet_time(seen: Timeline) -> None:
    seen.look([], [pod("a")], 1.0, 7)
    seen.look([], [pod("a")], 2.0, 7 + TRIED)
    assert not seen.settled(1.0 + QUIET - 0.01)
    assert seen.settled(1.0 + QUIET)
    seen.look([claim("n")], [pod("a")], 1.0 + QUIET, 7 + TRIED)
    assert not seen.settled(1.0 + 9 * QUIET)


def test_a_pending_pod_is_refused_only_after_karpenter_has_tried_it_since_the_last_change(seen: Timeline) -> None:
    seen.look([], [pod("a")], 1.0, 7)
    seen.look([], [pod("a")], 2.0, 7 + TRIED - 1)
    assert not seen.settled(1.0 + QUIET)
    seen.look([], [pod("a")], 3.0, 0)
    assert not seen.settled(1.0 + SILENT - 0.01), "metrics that cannot be read count nothing"
    assert seen.settled(1.0 + SILENT), "Karpenter leaves some pods to others"
    seen.look([], [pod("a")], 4.0, 7 + TRIED)
    assert seen.settled(1.0 + QUIET)


def test_without_any_pod_nothing_is_settled(seen: Timeline) -> None:
    seen.look([], [], 1.0)
    assert not seen.settled(100.0)
