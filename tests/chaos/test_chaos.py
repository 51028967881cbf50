"""The short form of `make chaos`: one kill of each victim, on a small program; and what a plan promises."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys

import pytest

from tests.chaos.kills import EDGES, Victim, Work, plan
from tests.chaos.run import run
from tests.chaos.stage import Stage

TYPES = ("aws:ec2/subnet:Subnet", "aws:sqs/queue:Queue")
SEED = 128


@pytest.mark.engine
@pytest.mark.chaos
def test_after_four_kills_recover_and_the_same_command_bring_everything_right() -> None:
    lines: list[str] = []
    stage = Stage.make(small=True, say=lines.append)
    kills = plan(SEED, 4, stage.created, ())
    assert {kill.work for kill in kills} == {Work.UP, Work.DESTROY}
    _, broken = run(stage, kills, lines.append)
    logging.getLogger(__name__).info("\n".join(lines))
    assert not broken, "\n".join(lines)
    shutil.rmtree(stage.folder)


def test_the_same_seed_gives_the_same_plan_and_another_gives_another() -> None:
    assert plan(1, 44, TYPES, TYPES) == plan(1, 44, tuple(reversed(TYPES)), TYPES)
    assert plan(1, 44, TYPES, TYPES) != plan(2, 44, TYPES, TYPES)


@pytest.mark.parametrize("count", [40, 44, 60])
def test_a_whole_plan_has_every_edge_of_every_victim_and_ten_random_moments(count: int) -> None:
    kills = plan(7, count, TYPES, TYPES)
    assert [kill.number for kill in kills] == list(range(1, count + 1))
    edges = {(kill.work, kill.victim, kill.edge) for kill in kills if kill.edge}
    wanted = {(work, victim, edge) for work in (Work.UP, Work.DESTROY) for victim in Victim for edge in EDGES}
    assert wanted <= edges
    assert sum(not kill.edge for kill in kills) >= 10


def test_a_program_that_waits_for_a_dead_provider_does_not_hold_the_command_s_end() -> None:
    stuck = (
        "import time; from concurrent.futures import ThreadPoolExecutor; from ops import cli\n"
        "cli.run = lambda _: (ThreadPoolExecutor().submit(time.sleep, 3600), print('said'), 3)[-1]\n"
        "cli.main([])"
    )
    done = subprocess.run([sys.executable, "-c", stuck], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout) == (3, "said\n")
