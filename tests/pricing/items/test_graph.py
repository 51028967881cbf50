"""The graph of a stack: walking by component, and unknown values that cannot be mistaken for known ones."""

from __future__ import annotations

import pytest

from core.problem import Refused
from pricing.items.graph import UNKNOWN, Graph, Node

ROOT = {"urn": "urn:root", "type": "modelyard:index:Platform", "name": "platform", "parent": "urn:stack"}
POOL = {"urn": "urn:chat", "type": "modelyard:index:GpuPool", "name": "chat", "parent": "urn:root"}
NODES = {
    "urn": "urn:spot",
    "type": "kubernetes:karpenter.sh/v1:NodePool",
    "name": "chat-spot",
    "parent": "urn:chat",
    "inputs": {"spec": {"limits": {"gpus": 4}, "taints": [{"key": "gpu"}], "role": UNKNOWN}, "size": UNKNOWN},
    "depends": ["urn:root"],
}
BUCKET = {"urn": "urn:bucket", "type": "aws:s3/bucket:Bucket", "name": "stray", "parent": "urn:stack"}


@pytest.fixture
def graph() -> Graph:
    return Graph.of([ROOT, POOL, NODES, BUCKET])


def node(graph: Graph, urn: str) -> Node:
    found = graph.get(urn)
    assert found is not None
    return found


def test_everything_under_a_component_is_found_children_first(graph: Graph) -> None:
    assert [below.name for below in graph.below(node(graph, "urn:root"))] == ["chat", "chat-spot"]
    assert list(graph.below(node(graph, "urn:spot"))) == []


def test_a_resource_knows_the_component_that_owns_it_and_a_stray_one_has_none(graph: Graph) -> None:
    owner = graph.owner(node(graph, "urn:spot"), "modelyard:index:GpuPool")
    assert owner is not None and owner.name == "chat"
    assert [above.name for above in graph.above(node(graph, "urn:spot"))] == ["chat", "platform"]
    assert graph.owner(node(graph, "urn:bucket"), "modelyard:index:GpuPool") is None


def test_resources_are_found_by_type_in_order(graph: Graph) -> None:
    nodes = graph.of_type("aws:s3/bucket:Bucket", "modelyard:index:GpuPool")
    assert [node.name for node in nodes] == ["chat", "stray"]


def test_reading_an_input_tells_absent_from_unknown(graph: Graph) -> None:
    nodes = node(graph, "urn:spot")
    assert nodes.read("spec", "limits", "gpus") == 4
    assert nodes.read("spec", "taints", 0, "key") == "gpu"
    assert nodes.read("spec", "taints", 1, "key") is None
    assert nodes.read("spec", "weight") is None
    assert nodes.read("spec", "role") is UNKNOWN
    assert nodes.read("size", "below", "it") is UNKNOWN
    assert nodes.depends == ("urn:root",)


def test_an_unknown_value_has_no_truth() -> None:
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(UNKNOWN)


def test_a_value_that_is_not_plain_is_unknown() -> None:
    opaque = Graph.of([{**BUCKET, "inputs": {"content": object()}}])
    assert node(opaque, "urn:bucket").read("content") is UNKNOWN


def test_inputs_cannot_be_changed_from_outside(graph: Graph) -> None:
    with pytest.raises(TypeError):
        node(graph, "urn:spot").inputs["size"] = 1  # type: ignore[index]


def test_parents_in_a_ring_end_the_walk() -> None:
    ring = Graph.of([{**ROOT, "parent": "urn:chat"}, POOL])
    assert [above.name for above in ring.above(node(ring, "urn:root"))] == ["chat"]
    assert [below.name for below in ring.below(node(ring, "urn:root"))] == ["chat"]


@pytest.mark.parametrize("key", ["urn", "type", "name"])
def test_a_record_without_its_name_is_refused(key: str) -> None:
    with pytest.raises(Refused) as refused:
        Graph.of([ROOT, {name: value for name, value in POOL.items() if name != key}])
    assert refused.value.problems[0].where == f"[1].{key}"


def test_two_records_of_one_urn_and_inputs_that_are_no_mapping_are_refused() -> None:
    with pytest.raises(Refused) as refused:
        Graph.of([ROOT, ROOT, {**POOL, "inputs": UNKNOWN}])
    assert [problem.where for problem in refused.value.problems] == ["[1]", "[2].inputs"]


def test_ten_thousand_resources_are_walked() -> None:
    records = [{**NODES, "urn": f"urn:{index}", "parent": f"urn:{index // 10}"} for index in range(1, 10_001)]
    big = Graph.of([{**ROOT, "urn": "urn:0"}, *records])
    assert sum(1 for _ in big.below(big.nodes[0])) == 10_000
