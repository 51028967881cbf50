"""Kills what runs a stack, again and again, and looks whether `recover` and the same command bring everything right.

python -m tests.chaos.run [--kills N] [--seed N] [--only NUMBER]     exits 1 when something did not hold
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from tests.chaos.kills import Kill, Work, plan
from tests.chaos.stage import UPDATED, Broken, Stage


def one(stage: Stage, kill: Kill) -> None:
    """One kill, `recover`, the same command again, and everything that must hold. Raises Broken."""
    stage.kill(kill)
    stage.finish("recover")
    stage.settled()
    stage.finish(kill.work)
    stage.settled()
    if kill.work is Work.DESTROY:
        stage.empty()
        return
    stage.whole()
    stage.finish("up")
    if "preview: nothing changes" not in stage.tail():
        raise Broken(f"a second run still has changes:\n{stage.tail()}")


def run(stage: Stage, kills: list[Kill], say: Callable[[str], None]) -> tuple[dict[Kill, float], list[Kill]]:
    """Each kill in turn, a line each: the seconds of those survived, and those after which something did not hold."""
    taken: dict[Kill, float] = {}
    broken: list[Kill] = []
    for kill in kills:
        started = time.monotonic()
        text = f"{kill.number:3}/{kills[-1].number} {kill.work.value:8}{kill.victim.value:8}{kill.where}"
        try:
            one(stage, kill)
        except Broken as why:
            say(f"{text}: NOT RIGHT AFTERWARDS\n{why}")
            broken.append(kill)
            stage.keep(kill)
            continue
        taken[kill] = time.monotonic() - started
        say(f"{text}: converged, {taken[kill]:.1f} s")
    return taken, broken


def table(taken: dict[Kill, float]) -> Table:
    """How many kills of what, and how long each took at most."""
    rows: dict[tuple[str, str], list[float]] = defaultdict(list)
    for kill, seconds in taken.items():
        rows[kill.work.value, "edge" if kill.edge else "random moment"].append(seconds)
    shown = Table("under way", "killed at", "kills", "converged", "longest, s")
    for (work, where), each in sorted(rows.items()):
        shown.add_row(work, where, str(len(each)), str(len(each)), f"{max(each):.0f}")
    shown.add_row("all", "", str(len(taken)), str(len(taken)), f"{max(taken.values(), default=0):.0f}")
    return shown


def main() -> int:
    """Runs the plan of a seed; 0 when every kill was survived, 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=44, help="how many (44); three quarters of them at edges")
    parser.add_argument("--seed", type=int, help="which plan (a new one each time)")
    parser.add_argument("--only", type=int, help="only this kill of the plan")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    console = Console(width=130, highlight=False, soft_wrap=True)
    started = time.monotonic()

    def say(line: str) -> None:
        console.print(line, markup=False)

    say(f"seed {seed}, {options.kills} kills; SIMULATED clouds, real engine")
    stage = Stage.make(small=False, say=say)
    kills = plan(seed, options.kills, stage.created, UPDATED)
    wanted = [kill for kill in kills if options.only in (None, kill.number)]
    taken, broken = run(stage, wanted, say)
    console.print(table(taken))
    say(f"seed {seed}: {len(taken)} of {len(wanted)} kills survived, {time.monotonic() - started:.0f} s")
    for kill in broken:
        say(f"again, alone: python -m tests.chaos.run --kills {options.kills} --seed {seed} --only {kill.number}")
    if broken:
        say(f"what they left: {stage.folder}/kept-*")
        return 1
    shutil.rmtree(stage.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
