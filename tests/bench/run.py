"""Runs the measurements, prints a table, writes .bench/results.json.

    python -m tests.bench.run [--rounds N]     exits 1 when a bar is missed

Every ratio is of runs that took turns in one process on one toolchain; single seconds are for orientation only.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import yaml

from infra.declared import declare
from infra.guard import GUARD
from infra.loaded import LoadedStack
from infra.program import make
from ops.commands import Job
from ops.engine.automation import Engine, Program
from ops.engine.process import EngineCommand
from ops.preview import command as reporting
from ops.report.fit import fitted
from ops.report.make import make as report_of
from ops.show import Show
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from policies.guard.deployed import Deployed
from policies.packs import rules
from sandbox.stack.session import Session
from tests.bench.flat import flat_program
from tests.bench.result import Result, tell
from tests.roots import ROOT, lay

PACKS = (ROOT / "policies" / "run",)
"""Ours alone is judged by the packs: the flat program has no plan, so they would refuse it."""
POOLS = (10, 55, 100)
T = TypeVar("T")
SETTLE = 0.7
"""Seconds between two runs: processes that one leaves ending would weigh on the next, always the same one."""
NOISE_MIB = 16.0
"""Differences of peak memory below this are the allocator's: growth is held against at least as much."""


@contextmanager
def opened(stack: str, stack_file: Path, program: Program) -> Iterator[Engine]:
    """An engine on a stack in a sandbox of its own: the guard file knows the stack by its name."""
    with tempfile.TemporaryDirectory() as folder, Session.open(_laid(folder), stack_file, stack) as session:
        command = EngineCommand(session.toolchain.pulumi, session.toolchain.version, session.env, lambda _: None)
        engine = Engine(
            command=command, workdir=session.workdir, stack=session.stack_name, env=session.env, program=program
        )
        engine.tell(Deployed().variables())
        yield engine


def _laid(folder: str) -> Path:
    lay(Path(folder))
    return Path(folder)


def seconds(engine: Engine, packs: tuple[Path, ...] = ()) -> float:
    """One preview of a stack that does not exist yet. Raises RuntimeError when it does not succeed."""
    started = time.perf_counter()
    outcome = engine.preview(packs=packs)
    if not outcome.ok:
        raise RuntimeError(f"the preview failed: {[error.message for error in outcome.events.errors][:3]}")
    return time.perf_counter() - started


def in_turn(rounds: int, *tries: Callable[[], T]) -> list[list[T]]:
    """Each try `rounds` times, one after the other in turn, after one run each that does not count."""
    for each in tries:
        each()
    taken: list[list[T]] = [[] for _ in tries]
    for _ in range(rounds):
        for each, times in zip(tries, taken, strict=True):
            time.sleep(SETTLE)
            times.append(each())
    return taken


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the pairs' ratios, so that a machine that slows down slows both."""
    return statistics.median(one / two for one, two in zip(above, below, strict=True))


def previews(stack: str, rounds: int) -> list[Result]:
    """Ours against the flat program, and ours with the policy packs against without."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    loaded = LoadedStack.read(stack, file)
    declared_resources = declare(make(loaded), project="modelyard", stack=stack)
    count = sum(declared.custom for declared in declared_resources.values())
    with (
        opened(stack, file, make(loaded)) as ours,
        opened(stack, file, flat_program(declared_resources)) as flat,
    ):
        house, plain, judged = in_turn(
            rounds, lambda: seconds(ours), lambda: seconds(flat), lambda: seconds(ours, PACKS)
        )
    return [
        Result(name=f"{stack}: preview ({count} resources)", value=statistics.median(house), unit="s"),
        Result(name=f"{stack}: flat program, same resources", value=statistics.median(plain), unit="s"),
        Result(name=f"{stack}: preview / flat", value=ratio(house, plain), unit="ratio", bar=1.15),
        Result(
            name=f"{stack}: with {len(rules())} policies / without", value=ratio(judged, house), unit="ratio", bar=1.4
        ),
    ]


def reports(stack: str, rounds: int) -> list[Result]:
    """The whole report, the bill and the state included, against the bare preview with the same packs."""
    file = ROOT / f"Pulumi.{stack}.yaml"
    place = Place(root=ROOT, stack=stack, stack_file=file, world=SandboxWorld())
    show = Show(as_json=True)
    job = Job(place=place, program=make(place.loaded), packs=PACKS, show=show, confirm=lambda _: False)

    def whole(engine: Engine) -> float:
        started = time.perf_counter()
        found = reporting.look(job, engine=engine)
        for form, write in reporting.WRITERS.items():
            if not fitted(report_of(found), write):
                raise RuntimeError(f"an empty report: {form}")
        return time.perf_counter() - started

    with opened(stack, file, make(place.loaded)) as engine:
        bare, alone, all_of_it = in_turn(
            rounds, lambda: seconds(engine, PACKS), lambda: seconds(engine), lambda: whole(engine)
        )
    cost = statistics.median(one - two for one, two in zip(bare, alone, strict=True))
    return [
        Result(name=f"{stack}: the packs in one preview", value=cost, unit="s"),
        Result(name=f"{stack}: the whole report", value=statistics.median(all_of_it), unit="s", bar=5),
        Result(name=f"{stack}: report / preview, same packs", value=ratio(all_of_it, bare), unit="ratio", bar=1.15),
    ]


def many_pools(count: int, folder: Path) -> Path:
    """A stack file like dev's with `count` GPU pools."""
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    platform = document["config"]["modelyard:platform"]
    (pool,) = platform["gpuPools"].values()
    platform["releases"] = []
    platform["gpuPools"] = {f"pool-{number}": copy.deepcopy(pool) for number in range(count)}
    platform["budget"]["monthlyUsd"] = 1_000_000
    path = folder / f"Pulumi.pools{count}.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def grown(file: Path) -> None:
    """For each line on standard input, says the seconds of a preview of one stack file and this process's peak memory (MiB)."""
    # A hundred pools are worth more than any ceiling: this process measures under a guard file of its own.
    guard_file = file.with_suffix(".guard.yaml")
    guard_file.write_text(GUARD.read_text().replace("dev: 5000", "dev: 1000000"))
    with opened("dev", file, make(dataclasses.replace(LoadedStack.read("dev", file), guard_file=guard_file))) as engine:
        for _ in sys.stdin:
            sys.stdout.write(f"{seconds(engine)} {_peak() / 2**20}\n")
            sys.stdout.flush()


@contextmanager
def growing(file: Path) -> Iterator[Callable[[], tuple[float, float]]]:
    """A process of its own for one stack file; each call is a preview there: its seconds and the process's peak memory (MiB)."""
    command = [sys.executable, "-m", "tests.bench.run", "--grown", str(file)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )

    def once() -> tuple[float, float]:
        assert process.stdin and process.stdout and process.stderr
        process.stdin.write("\n")
        process.stdin.flush()
        answer = process.stdout.readline().split()
        if len(answer) != 2:
            raise RuntimeError(f"{file.name}: {process.stderr.read()[-2000:]}")
        return float(answer[0]), float(answer[1])

    try:
        yield once
    finally:
        process.communicate()


def _peak() -> float:
    """This process's peak memory in bytes."""
    import resource

    status = Path("/proc/self/status")
    if status.exists():
        # What getrusage says on Linux is at least the memory of the process that started this one.
        return float(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)


def growth(rounds: int) -> list[Result]:
    """Time and memory of the program as GPU pools go from 10 to 100; each count in a process of its own, all in turn."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as processes:
        each = [processes.enter_context(growing(many_pools(count, Path(folder)))) for count in POOLS]
        runs = in_turn(rounds, *each)
    times = {count: statistics.median(taken for taken, _ in found) for count, found in zip(POOLS, runs, strict=True)}
    peaks = {count: found[-1][1] for count, found in zip(POOLS, runs, strict=True)}
    few, some, many = POOLS
    return [
        Result(name=f"preview with {few} / {some} / {many} GPU pools", value=times[many], unit="s"),
        Result(
            name=f"time: (t{many} - t{some}) / (t{some} - t{few})",
            value=(times[many] - times[some]) / (times[some] - times[few]),
            unit="ratio",
            bar=1.15,
        ),
        Result(
            name=f"memory: (m{many} - m{some}) / (m{some} - m{few})",
            value=(peaks[many] - peaks[some]) / max(peaks[some] - peaks[few], NOISE_MIB),
            unit="ratio",
            bar=1.15,
        ),
        Result(name=f"peak memory of the program, {few} GPU pools", value=peaks[few], unit="MiB"),
        Result(name=f"peak memory of the program, {many} GPU pools", value=peaks[many], unit="MiB"),
    ]


def main() -> int:
    """Measures everything, prints the table, writes the results; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="counted runs of each (5)")
    parser.add_argument(
        "--grown", type=Path, help="measure one stack file in this process, once for each line on standard input"
    )
    arguments = parser.parse_args()
    rounds = arguments.rounds
    if arguments.grown:
        grown(arguments.grown)
        return 0
    results = [*previews("dev", rounds), *previews("prod", rounds), *reports("prod", rounds), *growth(rounds)]
    return tell(results)


if __name__ == "__main__":
    sys.exit(main())
