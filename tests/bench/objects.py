"""How many objects a second a real API server takes from the sandbox's provider, as `make conformance` puts them there.

    python -m tests.bench.objects     needs the Kubernetes programs, which are built the first time

Each object is checked by a dry run and then applied, pods of templates by dry run too, one after the other.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sandbox.faults import Faults
from sandbox.items import ItemStore
from sandbox.kubernetes.real.controlplane import ControlPlane
from sandbox.kubernetes.real.live import LiveCloud
from tests.bench.result import Result, tell
from tests.conformance.kubernetes.declared import in_cluster
from tests.conformance.kubernetes.putting import put, take_away
from tests.roots import ROOT

ROUNDS = 3
STACK = "prod"


def main() -> int:
    """Applies every object of prod, some rounds of it; tells the median."""
    found, rates = in_cluster(STACK), []
    with (
        tempfile.TemporaryDirectory() as folder,
        ControlPlane.started(ROOT, Path(folder) / "plane", say=lambda line: print(line, file=sys.stderr)) as plane,
    ):
        for turn in range(ROUNDS + 1):
            cloud = LiveCloud(ItemStore(Path(folder) / f"world-{turn}"), Faults(), plane.api)
            started = time.perf_counter()
            made = [(declared.token, *put(cloud, declared.token, declared.urn, declared.inputs)) for declared in found]
            rates.append(len(made) / (time.perf_counter() - started))
            take_away(cloud, made)
    median = statistics.median(rates[1:])
    return tell([Result(name=f"{STACK}: objects and releases applied to a real API", value=median, unit="a second")])


if __name__ == "__main__":
    sys.exit(main())
