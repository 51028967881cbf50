"""When the real Karpenter takes nodes away: one that is interrupted after its replacement, idle ones in their windows, none
under a training job. Times are shortened where said; everything else of the NodePools is as the stack declares it.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ops.simulate.cluster.cluster import CLAIMS
from ops.simulate.cluster.pools import Purchase
from ops.simulate.cluster.watch import Claim
from ops.simulate.workload.load import LOAD_LABEL, NAMESPACE
from tests.conformance.karpenter.pools import Pools, Run, load, running

pytestmark = pytest.mark.conformance
Record = Callable[[str, object], None]
NOW = datetime.datetime.now(datetime.UTC)
OPEN = {"startHourUtc": (NOW.hour - 1) % 24, "hours": 4}
SHUT = {"startHourUtc": (NOW.hour + 6) % 24, "hours": 4}
LARGE = {"capacity": "onDemand", "instanceTypes": ["g6.12xlarge"]}
POOLS: dict[str, Any] = {
    "open": {"purpose": "serving", **LARGE, "limits": {"gpus": 8}, "window": OPEN},
    "shut": {"purpose": "serving", **LARGE, "limits": {"gpus": 8}, "window": SHUT},
    "kept": {"purpose": "serving", **LARGE, "limits": {"gpus": 4}, "window": {**SHUT, "emptyNodes": "inWindow"}},
    "moved": {"purpose": "serving", **LARGE, "limits": {"gpus": 4}, "window": OPEN},
    "tune": {"purpose": "training", **LARGE, "limits": {"gpus": 4}, "window": OPEN},
    "chat": {"purpose": "serving", "capacity": "spot", "instanceTypes": ["g6.xlarge"], "limits": {"gpus": 2}},
}
CONSOLIDATE_AFTER = "5s"
STOP_SECONDS = 5.0


def hurried(asked: Purchase) -> Purchase:
    """The NodePool with a shorter `consolidateAfter`, 10 to 30 minutes as declared; nothing else is changed."""
    manifest = copy.deepcopy(dict(asked.manifest))
    manifest["spec"]["disruption"]["consolidateAfter"] = CONSOLIDATE_AFTER
    return dataclasses.replace(asked, manifest=manifest)


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Pools:
    made = Pools.like_prod(tmp_path_factory.mktemp("stack"), POOLS)
    return dataclasses.replace(made, asked=tuple(hurried(purchase) for purchase in made.asked))


@pytest.fixture(scope="module")
def run(pools: Pools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("cluster")
    with running(folder, pools, stop_seconds=STOP_SECONDS) as made, made.cluster.buying(pools.found):
        yield made


def of(run: Run, pool: str) -> list[Claim]:
    return [claim for claim in run.seen.claims.values() if claim.node_pool.startswith(f"{pool}-")]


def deployment(pool: str, name: str, gpus: int, **annotations: str) -> dict[str, Any]:
    pod = load(pool, 1, gpus=gpus).pod["spec"]
    labels = {"app": name, LOAD_LABEL: name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels, "annotations": annotations}, "spec": pod},
        },
    }


def relabel(run: Run, node_pool: str) -> None:
    """Changes a label of a NodePool's template: its nodes are drifted from now on."""
    path = f"/apis/karpenter.sh/v1/nodepools/{node_pool}"
    change = {"spec": {"template": {"metadata": {"labels": {"modelyard.dev/changed": "yes"}}}}}
    run.cluster.api.request("PATCH", path, change, content="application/merge-patch+json", warned=False)


def drifted(run: Run, claim: Claim) -> bool:
    live = run.cluster.api.request("GET", f"{CLAIMS}/{claim.name}", warned=False)
    return any(
        condition["type"] == "Drifted" and condition["status"] == "True" for condition in live["status"]["conditions"]
    )


def test_an_interrupted_node_is_replaced_before_it_goes_even_at_the_limit(
    run: Run, pools: Pools, record_property: Record
) -> None:
    run.cluster.create([deployment("chat", "one", 1), deployment("chat", "two", 1)])
    run.settle()
    first, second = of(run, "chat")
    assert dict(pools.named("chat-spot").limits) == {"nvidia.com/gpu": "2"}
    run.delete(f"{CLAIMS}/{first.name}")
    run.until(lambda: first.gone is not None and run.seen.settled(0) and not run.seen.pending(), "the replacement")
    (new,) = (claim for claim in of(run, "chat") if claim not in (first, second))
    assert first.deleting is not None and first.gone is not None and new.initialized is not None
    record_property(
        "conformance",
        f"interruption (its NodeClaim deleted, pods stop in {STOP_SECONDS:.0f} s): the replacement was registered after "
        f"{(new.registered or 0) - first.deleting:.1f} s and ready after {new.initialized - first.deleting:.1f} s; the node "
        f"went after {first.gone - first.deleting:.1f} s; meanwhile 3 nodes at a limit of 2",
    )
    assert new.initialized < first.gone
    assert second.gone is None and second.deleting is None


def test_idle_nodes_go_when_their_budget_lets_them_and_a_running_job_keeps_its_own(
    run: Run, record_property: Record
) -> None:
    halves = [deployment(pool, f"{pool}-{place}", 2) for pool in ("open", "shut") for place in range(3)]
    run.cluster.create([*halves, deployment("moved", "moved", 1)])
    (job,) = run.pods(load("tune", 1, more={"labels": {"job": "tune"}}))
    (short,) = run.pods(load("kept", 1, more={"labels": {"job": "kept"}}))
    run.settle()
    assert [len(of(run, pool)) for pool in ("open", "shut", "kept", "moved", "tune")] == [2, 2, 1, 1, 1]
    (tuned,), (moved,), (kept,) = of(run, "tune"), of(run, "moved"), of(run, "kept")
    for pool in ("moved", "tune"):
        relabel(run, f"{pool}-on-demand")
    began = run.until(lambda: drifted(run, moved) and drifted(run, tuned), "drift")
    for pool in ("open", "shut"):
        # Of three pods on two nodes one goes, so that the two left would fit on one node: underutilised, not empty.
        nodes: dict[str, list[str]] = {}
        for name, pod in run.seen.pods.items():
            if name.startswith(f"{pool}-"):
                nodes.setdefault(pod["spec"]["nodeName"], []).append(name)
        full = next(names for names in nodes.values() if len(names) == 2)
        owner = full[0].rsplit("-", 2)[0]
        run.delete(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{owner}")
    went = run.until(
        lambda: [claim for claim in of(run, "open") if claim.gone] and moved.gone, "consolidation and drift", within=600
    )
    run.until(lambda: run.seen.settled(0), "calm")
    record_property(
        "conformance", f"window open: an underutilised node and a drifted one went within {went - began:.0f} s"
    )
    assert len([claim for claim in of(run, "open") if claim.gone is None]) == 1
    assert [claim.gone for claim in of(run, "shut")] == [None, None], "outside its window nothing is consolidated"
    assert tuned.gone is None and tuned.deleting is None and drifted(run, tuned)
    record_property("conformance", "window shut: no node went; training: the drifted node stayed under its job")

    for each in (job, short):
        run.delete(f"/api/v1/namespaces/{NAMESPACE}/pods/{each}")
    for name in [each for each in run.seen.pods if each.startswith("shut-")]:
        run.cluster.wait("the deployment", lambda: True, within=1)
        owner = name.rsplit("-", 2)[0]
        run.delete(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{owner}")
    began = run.until(lambda: not [each for each in run.seen.pods if each.startswith("shut-")], "the end of the pods")
    idle = run.until(
        lambda: tuned.gone and all(claim.gone for claim in of(run, "shut")), "the end of idle nodes", within=600
    )
    record_property(
        "conformance",
        f"empty nodes went within {idle - began:.0f} s at consolidateAfter {CONSOLIDATE_AFTER}, whatever the window and the "
        "purpose; the one of a pool that says `emptyNodes: inWindow` stayed",
    )
    assert kept.gone is None and kept.deleting is None
