"""What is deployed of a stack and of its parts, as program and packs learn it through the real engine."""

from __future__ import annotations

from pathlib import Path

import pulumi
import pytest

from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from pricing.items.cost import CENT
from tests.policies.conftest import Engine, engine
from tests.policies.copies import changed

pytestmark = pytest.mark.conformance
__all__ = ["engine"]


def test_the_program_knows_what_is_deployed_of_each_part(engine: Engine, tmp_path: Path) -> None:
    over = changed(tmp_path, "budget: .*", "budget: { monthlyUsd: 5000, perPool: { chat: 100 } }")
    engine.packs = []
    planned = plan(Stack.read(StackFile.read(tmp_path / "Pulumi.dev.yaml")), guard())
    chat = planned.maxima[0]["chat"]
    for deployed, lets in ((chat, True), (chat - CENT, False)):
        cost = {"maximumUsd": format(planned.totals.maximum, "f"), "parts": {"pools": {"chat": format(deployed, "f")}}}
        assert engine.run_whole("up", lambda cost=cost: pulumi.export("cost", cost)).ok  # type: ignore[misc]
        run = engine.run_whole("preview", over)
        assert ("over its budget, but not more expensive than what is deployed" in run.output) is lets
        assert ("this part of the stack can cost more than its budget" in run.output) is not lets


def test_packs_that_nobody_has_told_what_is_deployed_refuse_what_is_over(engine: Engine, tmp_path: Path) -> None:
    over = changed(tmp_path, "monthlyUsd: 5000,", "monthlyUsd: 4000,")
    most = format(plan(Stack.read(StackFile.read(tmp_path / "Pulumi.dev.yaml")), guard()).totals.maximum, "f")
    packs, engine.packs = engine.packs, []
    assert engine.run_whole("up", lambda: pulumi.export("cost", {"maximumUsd": most})).ok
    engine.packs = packs
    run = engine.run_whole("preview", over)
    assert "not more expensive than what is deployed" in run.output
    assert ("budget-ceiling", "platform") in run.refused
    engine.env = {"MODELYARD_DEPLOYED_MAXIMUM_USD": most}
    assert ("budget-ceiling", "platform") not in engine.run_whole("preview", over).refused
