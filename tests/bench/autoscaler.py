"""How long the real Karpenter takes from pending pods to registered nodes, with KWOK nodes that register at once.

    python -m tests.bench.autoscaler     needs the Kubernetes programs, which are built the first time

It is Karpenter's own share of the way: deciding, and making the node known. A machine's boot is not in it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from tests.bench.result import Result, tell
from tests.conformance.karpenter.pools import Pools, load, running

ROUNDS = 5
POOL = {"many": {"purpose": "batch", "capacity": "onDemand", "instanceTypes": ["g6.xlarge"], "limits": {"gpus": 40}}}


def main() -> int:
    """Tells the median, the shortest and the longest for one pod, and for forty at once."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        pools = Pools.like_prod(Path(folder), POOL)
        with running(Path(folder) / "cluster", pools) as run, run.cluster.buying(pools.found):
            for count in (1, 40):
                seconds = []
                for _ in range(ROUNDS):
                    run.pods(load("many", count))
                    run.settle()
                    seconds.append(max(claim.registered or 0 for claim in run.seen.standing()))
                    run.clear()
                name = f"pending pod to node, {count} at once"
                for said, value in (
                    ("median", statistics.median(seconds)),
                    ("shortest", min(seconds)),
                    ("longest", max(seconds)),
                ):
                    results.append(Result(name=f"{name}: {said} of {ROUNDS}", value=value, unit="s"))
    return tell(results)


if __name__ == "__main__":
    sys.exit(main())
