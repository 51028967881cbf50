"""What a load asks of nodes is known, or it is a doubt; what no node can ever give is refused before anything starts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ops.simulate.answer.nodes import doubts, problems
from ops.simulate.cluster.pools import Purchase
from ops.simulate.workload.load import Load
from pricing.capacity.announced import NodeAsk, announced

POOL = "modelyard.dev/pool"


def load(limits: dict[str, str] | None = None, **spec: Any) -> Load:
    container = {"name": "work", "image": "x", "resources": {"limits": limits or {}}}
    return Load(name="work", replicas=1, pod={"metadata": {}, "spec": {"containers": [container], **spec}})


@pytest.mark.parametrize(
    "key",
    [
        POOL,
        "kubernetes.io/arch",
        "topology.kubernetes.io/region",
        "karpenter.k8s.aws/instance-family",
        "karpenter.k8s.aws/instance-cpu-manufacturer",
        "nvidia.com/gpu.present",
        "team.example.com/mine",
    ],
)
def test_a_label_that_is_known_or_that_no_node_has_leaves_no_doubt(asked: tuple[Purchase, ...], key: str) -> None:
    assert doubts(load(nodeSelector={key: "x"}), asked) == []


@pytest.mark.parametrize(
    "key",
    [
        "karpenter.k8s.aws/instance-network-bandwidth",
        "karpenter.k8s.aws/instance-hypervisor",
        "topology.k8s.aws/zone-id",
        "eks.amazonaws.com/nodegroup",
        "node.kubernetes.io/exclude-from-external-load-balancers",
        "modelyard.dev/role",
    ],
)
@pytest.mark.parametrize("where", ["selector", "affinity", "spread"])
def test_a_label_that_a_node_may_have_is_a_doubt_wherever_it_is_asked_for(
    asked: tuple[Purchase, ...], key: str, where: str
) -> None:
    term = {"matchExpressions": [{"key": key, "operator": "Exists"}]}
    ways: dict[str, dict[str, Any]] = {
        "selector": {"nodeSelector": {key: "x"}},
        "affinity": {
            "affinity": {
                "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            }
        },
        "spread": {"topologySpreadConstraints": [{"topologyKey": key, "maxSkew": 1}]},
    }
    (found,) = doubts(load(**ways[where]), asked)
    assert key in found and found.startswith("spec.")


def test_the_bandwidth_of_a_gpu_type_is_known_where_that_of_a_general_one_is_not(asked: tuple[Purchase, ...]) -> None:
    bandwidth = {"karpenter.k8s.aws/instance-network-bandwidth": "5000"}
    assert doubts(load(nodeSelector={POOL: "chat", **bandwidth}), asked) == []
    assert "m7g.xlarge" in doubts(load(nodeSelector={POOL: "general", **bandwidth}), asked)[0]


def test_a_pod_of_a_time_sliced_pool_that_asks_for_two_is_refused_as_the_kubelet_would(
    asked: tuple[Purchase, ...],
) -> None:
    one, two = {"nvidia.com/gpu": "1"}, {"nvidia.com/gpu": "2"}
    embed = {POOL: "embed"}
    assert problems(load(one, nodeSelector=embed), asked) == []
    (found,) = problems(load(two, nodeSelector=embed), asked)
    assert "more than one slice" in found.summary and found.where.endswith("nvidia.com/gpu")
    assert problems(load(two, nodeSelector={POOL: "chat"}), asked) == []
    assert "pool embed" in doubts(load(two), asked)[0] and doubts(load(one), asked) == []


def test_efa_is_refused_where_nodes_would_come_for_it_and_never_announce_it(asked: tuple[Purchase, ...]) -> None:
    ask = load({"vpc.amazonaws.com/efa": "4"}, nodeSelector={POOL: "tune"})
    assert problems(ask, asked) == []
    plain = {"p5.48xlarge": announced(NodeAsk(instance_type="p5.48xlarge"))}
    without = [replace(purchase, announced=plain) if purchase.pool == "tune" else purchase for purchase in asked]
    (found,) = problems(ask, without)
    assert "nodes of tune" in found.summary and "gpuPools.tune" in found.fix


def test_a_resource_that_an_add_on_announces_is_a_doubt(asked: tuple[Purchase, ...]) -> None:
    assert "pod-eni" in doubts(load({"vpc.amazonaws.com/pod-eni": "1"}), asked)[0]
