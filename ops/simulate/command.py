"""`modelyard simulate`: asks the real Karpenter what it would buy for a load, and says so."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from components.general_pool import POOL as GENERAL
from infra.declared import declare
from infra.settings import Stack
from infra.stackfile import StackFile
from ops import commands
from ops.show import Show
from ops.simulate import loads, page
from ops.simulate.cluster import Cluster
from ops.simulate.loads import Load
from ops.simulate.machines import machines
from ops.simulate.pools import purchases
from ops.simulate.report import Report, report
from ops.simulate.watch import Timeline
from ops.world import Place
from pricing.book import PriceBook
from problem import ExitCode


def simulate(place: Place, file: Path, show: Show, *, spot: bool = True) -> ExitCode:
    """Reports what the stack's autoscaler would do with the pods of a file; `PENDING` when some of them find no node.

    Raises Refused for a bad stack file or load before anything starts.
    """
    stack = Stack.read(StackFile.read(place.stack_file))
    asked, skipped = loads.read(file, [*stack.settings.gpu_pools, GENERAL])
    found = run(place, stack, asked, skipped, show, spot=spot)
    if show.as_json:
        show.value(found.model_dump(mode="json", by_alias=True))
    else:
        page.write(found, show)
    return ExitCode.OK if found.fits else ExitCode.PENDING


def run(place: Place, stack: Stack, wanted: list[Load], skipped: list[str], show: Show, *, spot: bool) -> Report:
    """The report on loads, from a cluster that is there for this run only."""
    book = PriceBook.embedded(stack.region)
    asked = purchases(stack, declare(commands.program(place), project="modelyard", stack=place.stack))
    found = machines(asked, book, spot=spot)
    home = place.root / ".sandbox"
    home.mkdir(exist_ok=True, mode=0o700)
    seen = Timeline()
    with (
        tempfile.TemporaryDirectory(prefix="simulate-", dir=home) as folder,
        Cluster.started(place.root, Path(folder), asked, found, say=show.say) as cluster,
        cluster.buying(found),
    ):
        pods = [pod for number, load in enumerate(wanted) for pod in load.pods(number)]
        show.say(f"simulate: {len(pods)} pods are made; Karpenter decides")
        began = time.monotonic()
        cluster.create(pods)
        cluster.settle(seen, began)
        messages = cluster.said()
    return report(
        stack=place.stack,
        book=book,
        asked=asked,
        loads=wanted,
        skipped=skipped,
        seen=seen,
        messages=messages,
        spot=spot,
    )
