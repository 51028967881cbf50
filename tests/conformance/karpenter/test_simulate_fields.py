"""What a simulation keeps of a pod is what the real scheduler and Karpenter decide by; one cluster for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.simulate.cluster.cluster import NODE_POOLS, is_ready
from ops.simulate.workload.loads import read
from tests.conformance.karpenter.pools import Pools, Run, running
from tests.roots import ROOT

pytestmark = pytest.mark.conformance

GENERAL = {"modelyard.dev/pool": "general"}


def pods(name: str, replicas: int, namespace: str = "team", **spec: Any) -> dict[str, Any]:
    container = {"name": "work", "image": "x:1", "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"nodeSelector": GENERAL, "containers": [{**container, **spec.pop("container", {})}], **spec},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    pools = Pools.of(ROOT / "Pulumi.dev.yaml")
    with running(tmp_path_factory.mktemp("cluster"), pools) as started, started.cluster.buying(pools.found):
        # Without the wait for them, whichever NodePool came late would have had no part in the answer.
        assert all(is_ready(each) for each in started.cluster.items(NODE_POOLS))
        yield started
    assert started is not None


def simulated(run: Run, tmp_path: Path, *objects: dict[str, Any]) -> tuple[int, int]:
    """Makes what a file asks for, alone, and gives how many pods have a node and on how many nodes."""
    file = tmp_path / "pods.yaml"
    file.write_text(yaml.safe_dump_all(objects))
    asked = read(file, ["general"], "gp3")
    run.cluster.surround(asked.around, {load.namespace for load in asked.loads})
    for load in asked.loads:
        run.pods(load)
    run.settle()
    placed, nodes = len(run.seen.placed), len(run.seen.standing())
    for load in asked.loads:
        run.delete(f"/api/v1/namespaces/{load.namespace}/pods")
    run.clear()
    return placed, nodes


def test_pods_with_the_same_port_of_the_host_get_a_node_each(run: Run, tmp_path: Path) -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}]
    assert simulated(run, tmp_path, pods("ported", 3, container={"ports": ports})) == (3, 3)


def test_a_pod_behind_a_scheduling_gate_gets_no_node_and_brings_none(run: Run, tmp_path: Path) -> None:
    assert simulated(run, tmp_path, pods("gated", 2, schedulingGates=[{"name": "example.com/wait"}])) == (0, 0)


def test_what_a_pod_as_a_whole_asks_for_counts(run: Run, tmp_path: Path) -> None:
    whole = {"requests": {"cpu": "3", "memory": "1Gi"}}
    placed, nodes = simulated(run, tmp_path, pods("whole", 3, resources=whole))
    assert (placed, nodes) == (3, 3), "a node of the pool has four vCPUs at most"


def test_an_affinity_reaches_into_the_namespaces_that_it_names(run: Run, tmp_path: Path) -> None:
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "namespaces": ["team-b"],
        "labelSelector": {"matchLabels": {"app": "other"}},
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    both = [pods("other", 1, namespace="team-b"), pods("mine", 1, affinity=apart)]
    assert simulated(run, tmp_path, *both) == (2, 2)


def test_a_daemon_set_takes_its_room_on_every_node(run: Run, tmp_path: Path) -> None:
    asks = {"resources": {"requests": {"cpu": "1500m"}}}
    load = pods("work", 4, container={"resources": {"requests": {"cpu": "1500m"}}})
    _, alone = simulated(run, tmp_path, load)
    daemons = {**pods("agent", 1, container=asks), "kind": "DaemonSet"}
    del daemons["spec"]["replicas"]
    _, beside = simulated(run, tmp_path, load, daemons)
    run.delete("/apis/apps/v1/namespaces/team/daemonsets/agent")
    assert alone < beside
