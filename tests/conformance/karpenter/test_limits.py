"""A pool's limits hold in the real Karpenter, however many pods wait; spot comes first, on demand when spot is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ops.simulate.answer.reasons import reasons
from ops.simulate.workload.load import LOAD_LABEL
from tests.conformance.karpenter.pools import Pools, Run, load, running

pytestmark = pytest.mark.conformance
Record = Callable[[str, object], None]

MIXED = ["g6.xlarge", "g6.2xlarge", "g6.12xlarge"]
POOLS = {
    "gpus": {"purpose": "serving", "capacity": "onDemand", "instanceTypes": MIXED, "limits": {"gpus": 6}},
    "nodes": {"purpose": "serving", "capacity": "onDemand", "instanceTypes": MIXED, "limits": {"nodes": 3}},
    "slices": {
        "purpose": "batch",
        "capacity": "onDemand",
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "sharing": {"mode": "timeSlicing", "replicas": 4},
        "limits": {"gpus": 3},
    },
    # 3000 / (0.9776 x 730) = 4.2: four GPUs at the price of g6.2xlarge, the dearest per GPU.
    "dollars": {
        "purpose": "serving",
        "capacity": "onDemand",
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "limits": {"monthlyUsd": 3000},
    },
    "chat": {
        "purpose": "serving",
        "instanceTypes": ["g6.xlarge", "g5.xlarge"],
        "limits": {"gpus": 4},
        "onDemandFallback": {"gpus": 2},
    },
}
GPUS = {"g6.xlarge": 1, "g6.2xlarge": 1, "g6.12xlarge": 4}


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Pools:
    return Pools.like_prod(tmp_path_factory.mktemp("stack"), POOLS)


@pytest.fixture(scope="module")
def run(pools: Pools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    with running(tmp_path_factory.mktemp("cluster"), pools) as made:
        yield made


def test_limits_by_gpus_nodes_slices_and_dollars_hold_under_200_pending_pods(
    run: Run, pools: Pools, record_property: Record
) -> None:
    asks = ("gpus", "nodes", "slices", "dollars")
    with run.cluster.buying(pools.found):
        names = {pool: run.pods(load(pool, 50, cpu="100m")) for pool in asks}
        run.settle()
        said = run.cluster.said()
        _judge(run, pools, names, said, record_property)
        run.clear()


def _judge(run: Run, pools: Pools, names: dict[str, list[str]], said: dict[str, str], record_property: Record) -> None:
    asks = tuple(names)
    gpus = {pool: sum(GPUS[name] for name in run.nodes(f"{pool}-on-demand")) for pool in asks}
    record_property("conformance", f"limits under {len(run.seen.pods)} pending pods, after {run.seen.changed:.0f} s:")
    for pool in asks:
        bound, nodes = pools.named(f"{pool}-on-demand"), run.nodes(f"{pool}-on-demand")
        line = f"  {pool}: limits {dict(bound.limits)}; {len(nodes)} nodes ({', '.join(nodes)}), {gpus[pool]} GPUs"
        record_property("conformance", line)
    assert len(run.seen.pods) == 200
    assert gpus["gpus"] == 6 and gpus["dollars"] == 4
    assert run.seen.peak["nodes-on-demand"] == len(run.nodes("nodes-on-demand")) == 3
    assert run.seen.peak["slices-on-demand"] == len(run.nodes("slices-on-demand")) == 3
    placed = {pool: len(set(names[pool]) & set(run.seen.placed)) for pool in asks}
    assert placed == {"gpus": 6, "nodes": gpus["nodes"], "slices": 12, "dollars": 4}
    for pool in asks:
        waiting = next(each for each in run.seen.pending() if each["metadata"]["name"] in names[pool])
        assert waiting["metadata"]["labels"][LOAD_LABEL]
        (reason,) = reasons(said[waiting["metadata"]["name"]], pools.asked, pool)
        assert reason.startswith(f"{pool}-on-demand: no room is left under its limit of"), reason


def test_spot_comes_first_on_demand_when_spot_is_gone_and_spot_again_when_it_is_back(
    run: Run, pools: Pools, record_property: Record
) -> None:
    steps = []
    for what, found in (("spot there", pools.found), ("spot gone", pools.without_spot), ("spot back", pools.found)):
        with run.cluster.buying(found):
            before = len(run.seen.standing())
            run.pods(load("chat", 1))
            run.settle()
            (newest,) = sorted(run.seen.standing(), key=lambda claim: claim.seen)[before:]
            steps.append((what, newest.node_pool, newest.type))
            record_property("conformance", f"{what}: the next pod gets {newest.type}, {newest.buying}")
    assert steps == [
        ("spot there", "chat-spot", pools.predicted("chat-spot", 1)),
        ("spot gone", "chat-on-demand", pools.predicted("chat-on-demand", 1)),
        ("spot back", "chat-spot", pools.predicted("chat-spot", 1)),
    ]
    assert {step[2] for step in steps} == {"g5.xlarge", "g6.xlarge"}
