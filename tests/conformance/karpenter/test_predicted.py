"""The real Karpenter on the pools of dev and prod buys what the estimate predicts, way by way; KWOK plays the nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.karpenter.pools import Pools, load, running
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
Record = Callable[[str, object], None]


def table(title: str, rows: list[tuple[str, str, int, str, str]]) -> list[str]:
    head = ("nodepool", "bought", "GPUs a pod", "predicted", "actual")
    cells = [head, *(tuple(map(str, row)) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [title, *(f"  {line}" for line in lines)]


@pytest.mark.parametrize(
    ("stack", "asks"),
    [
        # One pod more than the pool's NodePools can hold, so that each of them is filled and the limit is met.
        ("dev", {"chat": (3, 1, {"chat-spot": 1, "chat-on-demand": 1})}),
        (
            "prod",
            {
                "chat": (15, 1, {"chat-spot": 10, "chat-on-demand": 4}),
                "embed": (17, 1, {"embed-spot": 4}),
                "tune": (2, 8, {"tune-reserved": 1}),
            },
        ),
    ],
)
def test_gpu_pods_get_the_instance_types_that_the_estimate_predicted(
    stack: str,
    asks: dict[str, tuple[int, int, dict[str, int]]],
    tmp_path: Path,
    record_property: Record,
) -> None:
    pools = Pools.of(ROOT / f"Pulumi.{stack}.yaml")
    with running(tmp_path, pools) as run, run.cluster.buying(pools.found):
        for pool, (count, gpus, _) in asks.items():
            run.pods(load(pool, count, gpus=gpus, cpu="500m"))
        run.settle()
        rows = []
        for _, (_, gpus, nodes) in asks.items():
            for node_pool, count in nodes.items():
                actual = run.nodes(node_pool)
                predicted = pools.predicted(node_pool, gpus)
                said = f"{len(actual)} x {', '.join(sorted(set(actual)))}"
                rows.append((node_pool, pools.named(node_pool).buying.value, gpus, f"{count} x {predicted}", said))
                assert actual == [predicted] * count, node_pool
        run.until(lambda: len(run.seen.pending()) == len(asks), "one pod too many in each pool")
        for line in table(f"{stack}: instance types, predicted and actual", rows):
            record_property("conformance", line)
        times = sorted(claim.registered or 0 for claim in run.seen.standing())
        record_property(
            "conformance",
            f"  from pending pod to registered node: {times[0]:.1f} to {times[-1]:.1f} s, {len(times)} nodes",
        )


def test_a_pod_of_several_gpus_gets_the_cheapest_type_that_holds_it(tmp_path: Path, record_property: Record) -> None:
    types = ["g6.xlarge", "g6.12xlarge", "g6.48xlarge", "g5.xlarge", "g5.12xlarge"]
    ask = {"purpose": "serving", "capacity": "onDemand", "instanceTypes": types, "limits": {"gpus": 16}}
    pools = Pools.like_prod(tmp_path, {"any": ask})
    with running(tmp_path / "cluster", pools) as run, run.cluster.buying(pools.found):
        rows = []
        for gpus in (1, 2, 8):
            run.pods(load("any", 1, gpus=gpus))
            run.settle()
            (actual,) = run.nodes("any-on-demand")
            predicted = pools.predicted("any-on-demand", gpus)
            rows.append(("any-on-demand", "on-demand", gpus, predicted, actual))
            run.clear()
        for line in table("one pod alone: instance types, predicted and actual", rows):
            record_property("conformance", line)
        assert [row[3] for row in rows] == [row[4] for row in rows]
        assert len({row[3] for row in rows}) > 2, "the prediction must depend on what is asked for"
