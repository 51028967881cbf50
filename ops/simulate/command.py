"""`modelyard simulate`: asks the real Karpenter what it would buy for a load, and says so."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from components.nodes.general_pool import POOL as GENERAL
from core.problem import ExitCode, Refused
from infra.declared import declare
from infra.stack.stack import Stack
from ops import commands
from ops.show import Show
from ops.simulate.answer import nodes, page
from ops.simulate.answer.report import Report, report
from ops.simulate.cluster.cluster import Cluster
from ops.simulate.cluster.machines import machines
from ops.simulate.cluster.pools import purchases
from ops.simulate.cluster.watch import Timeline
from ops.simulate.workload import loads
from ops.simulate.workload.loads import Asked
from ops.worlds.world import Place
from pricing.book.book import PriceBook


def simulate(place: Place, file: Path, show: Show, *, spot: bool = True) -> ExitCode:
    """Reports what the stack's autoscaler would do with the pods of a file.

    `UNDETERMINED` when something of the file could change the answer and nobody here knows how, else `PENDING` when some pods
    find no node. Raises Refused for a bad stack file or load before anything starts.
    """
    stack = place.loaded.stack
    storage = stack.settings.storage
    own_class = "" if storage.existing else storage.class_name
    report = run(place, stack, loads.read(file, [*stack.settings.gpu_pools, GENERAL], own_class), show, spot=spot)
    if show.as_json:
        show.value(report.model_dump(mode="json", by_alias=True))
    else:
        page.write(report, show)
    return code(report)


def code(found: Report) -> ExitCode:
    """How a simulation ends: a doubt comes before pods that stay pending, as it may be why they do."""
    if found.undetermined or any(load.undetermined for load in found.loads):
        return ExitCode.UNDETERMINED
    return ExitCode.OK if found.fits else ExitCode.PENDING


def run(place: Place, stack: Stack, wanted: Asked, show: Show, *, spot: bool) -> Report:
    """The report on loads, from a cluster that is there for this run only."""
    book = PriceBook.embedded(stack.region)
    asked = purchases(stack, declare(commands.program(place), project="modelyard", stack=place.stack))
    found = machines(asked, book, spot=spot)
    if never := [problem for load in wanted.loads for problem in nodes.problems(load, asked)]:
        raise Refused(never)
    judged = [replace(load, doubts=(*load.doubts, *nodes.doubts(load, asked))) for load in wanted.loads]
    home = place.root / ".sandbox"
    home.mkdir(exist_ok=True, mode=0o700)
    seen = Timeline()
    with (
        tempfile.TemporaryDirectory(prefix="simulate-", dir=home) as folder,
        Cluster.started(place.root, Path(folder), asked, found, say=show.say) as cluster,
        cluster.buying(found),
    ):
        cluster.surround(wanted.around, {load.namespace for load in judged})
        pods = [pod for number, load in enumerate(judged) for pod in load.pods(number)]
        show.say(f"simulate: {len(pods)} pods are made; Karpenter decides")
        began = time.monotonic()
        cluster.create(pods)
        cluster.settle(seen, began)
        messages = cluster.said()
    return report(
        stack=place.stack,
        book=book,
        asked=asked,
        loads=judged,
        skipped=wanted.skipped,
        undetermined=wanted.doubts,
        seen=seen,
        messages=messages,
        spot=spot,
    )
