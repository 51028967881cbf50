"""Stack files over their budget, each through the real engine: refused with any packs, and nothing is created."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from pricing.items.cost import CENT
from tests.policies.copies import changed

Engine = Any

pytestmark = pytest.mark.engine

LIMITS = "gpus: 2, monthlyUsd: 2700"
IN_THE_STACK_FILE = {
    "more GPUs than the budget holds": (LIMITS, "gpus: 5", "can cost more"),
    "a huge limit that few pods would ever use": (LIMITS, "gpus: 5000", "can cost more"),
    "a limit of dollars that the budget does not hold": (LIMITS, "monthlyUsd: 999999", "can cost more"),
    "a budget above the ceiling": (r"budget: .*", "budget: { monthlyUsd: 5000.01 }", "above the ceiling"),
    "another environment, whose ceiling is higher": (
        "environment: dev\n    owner: ml-platform\n    budget: .*",
        "environment: staging\n    owner: ml-platform\n    budget: { monthlyUsd: 20000 }",
        "above the ceiling",
    ),
    "a region without prices": ("us-east-1", "sa-east-1", "no on-demand price"),
    "a region with prices of machines only": ("us-east-1", "eu-central-1", "budget-undetermined|no on-demand price"),
    "use below zero": ("network:", "usage: { natGb: -1000000 }\n    network:", "greater than or equal to 0"),
    "use below zero of one resource": (
        "network:",
        "usage: { each: { nat-a.natGb: -1 } }\n    network:",
        "out of range",
    ),
    "a type whose price nobody knows": ("g6.xlarge, g6.2xlarge, g5.xlarge", "g9.xlarge", "g9.xlarge"),
}


ASKED = [(way, "none") for way in IN_THE_STACK_FILE] + [
    (way, packs)
    for way in ("more GPUs than the budget holds", "a budget above the ceiling")
    for packs in ("another", "all")
]


@pytest.mark.parametrize(("way", "packs"), ASKED)
def test_a_stack_file_over_the_budget_is_refused_with_any_pack_or_none(
    engine: Engine, security_pack: Path, tmp_path: Path, way: str, packs: str
) -> None:
    old, new, told = IN_THE_STACK_FILE[way]
    engine.packs = {"none": [], "another": [security_pack], "all": engine.packs}[packs]
    run = engine.run_whole("up", changed(tmp_path, old, new))
    assert not run.ok and re.search(told, run.output), run.output
    assert engine.made == []


def test_the_refusal_shows_its_arithmetic_and_where_it_stands(engine: Engine, tmp_path: Path) -> None:
    run = engine.run_whole("preview", changed(tmp_path, LIMITS, "gpus: 4"))
    assert "Pulumi.dev.yaml:7: budget.monthlyUsd: the stack can cost more than the budget allows" in run.output
    assert "gpu-pool-chat 4502.28 + general-pool 526.94" in run.output
    assert "lower the limits of gpuPools.chat" in run.output


def test_a_run_that_makes_nothing_dearer_is_warned_and_not_blocked(engine: Engine, tmp_path: Path) -> None:
    def exporting(maximum: str) -> Callable[[], None]:
        return lambda: pulumi.export("cost", {"maximumUsd": maximum})

    over = changed(tmp_path, "monthlyUsd: 5000,", "monthlyUsd: 4000,")
    engine.packs = []
    file = StackFile.read(tmp_path / "Pulumi.dev.yaml")
    maximum = plan(Stack.read(file), guard()).totals.maximum
    assert 4000 < maximum < 5000
    for deployed, lets in ((f"{maximum + CENT:.2f}", True), (f"{maximum - CENT:.2f}", False)):
        assert engine.run_whole("up", exporting(deployed)).ok
        run = engine.run_whole("preview", over)
        assert ("not more expensive than what is deployed" in run.output) is lets
        assert ("can cost more than the budget allows" in run.output) is not lets
