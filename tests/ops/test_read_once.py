"""Every command that needs a stack reads its file once and plans it at most once, its program included."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

import infra.plan
from core.problem import Problem, Refused
from infra.declared import declare
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops import cli
from ops.doctor.account import Account
from ops.engine.automation import Outcome, Program
from ops.engine.events import EngineEvents, Operation
from ops.engine.process import EngineCommand
from ops.images.oci import Registries, Unread
from ops.prices import refresh as prices
from ops.show import Show
from ops.simulate.cluster.cluster import Cluster
from ops.worlds import cloud, sandbox
from sandbox.programs import toolchain
from sandbox.stack import mlflow_server as registry
from tests.ops.doctor.healthy import Healthy
from tests.roots import ROOT

PLANS = (
    "preview --stack dev --sandbox",
    "up --stack dev --sandbox",
    "up --stack dev --cloud --yes",
    "render --stack dev --from-state --sandbox --out OUT",
    "cost --stack dev",
    "cost --stack dev --compare prod",
    "doctor --stack dev --cloud",
    "simulate --stack prod --pods examples/pods.yaml",
)
READS = (
    "refresh --stack dev --sandbox",
    "destroy --stack dev --sandbox",
    "recover --stack dev --sandbox",
    "deployed --stack dev --sandbox",
    "outputs --stack dev --sandbox",
    "config --stack dev",
    "doctor --stack dev",
    "shell --stack dev",
    "registry import --stack dev --look",
    "registry open --stack dev",
    "models list --stack dev",
    "models list --stack dev --cloud",
    "models show assistant --stack dev",
    "models compare assistant --stack dev",
    "release pin chat --stack dev",
    "report runner --stack prod",
    "prices refresh --dry-run",
)
ELSEWHERE = {"cluster install"}
"""Commands with `--stack` that need a cluster to run: `tests/conformance` runs them."""


@dataclass(kw_only=True)
class Declaring:
    """An engine whose every operation runs the program, as the real one does in this process; nothing is deployed."""

    command: EngineCommand
    workdir: Path
    stack: str
    env: Mapping[str, str]
    program: Program

    def preview(self, **_: Any) -> Outcome:
        declare(self.program, project="modelyard", stack=self.stack)
        return self.refresh()

    def up(self, **_: Any) -> Outcome:
        return self.preview()

    def refresh(self, **_: Any) -> Outcome:
        return Outcome(operation=Operation.PREVIEW, ok=True, events=EngineEvents(planning=True), seconds=0.0)

    def destroy(self, **_: Any) -> Outcome:
        return self.refresh()

    def outputs(self) -> dict[str, Any]:
        return {}

    def state(self) -> dict[str, Any]:
        return {"resources": []}

    def history(self) -> Iterator[dict[str, Any]]:
        return iter(())

    def tell(self, variables: Mapping[str, str], *, instead_of: Sequence[str] = ()) -> None: ...


@dataclass
class Counted:
    """How often each stack file was read, and each stack planned."""

    read: Counter[str]
    planned: Counter[str]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    read, plan, found = StackFile.read, infra.plan.plan, Counted(Counter(), Counter())

    def reading(path: Path) -> StackFile:
        found.read[path.name] += 1
        return read(path)

    def planning(stack: Stack, *more: Any, **named: Any) -> infra.plan.Plan:
        found.planned[stack.settings.full_name] += 1
        return plan(stack, *more, **named)

    monkeypatch.setattr(StackFile, "read", reading)
    monkeypatch.setattr(infra.plan, "plan", planning)
    return found


def refused(*_: Any, **__: Any) -> Any:
    raise Refused(Problem(summary="this is as far as it goes without an engine"))


def unread(*_: Any) -> Any:
    raise Unread("nobody is asked")


@pytest.fixture(autouse=True)
def without_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing outside this process is started or asked."""
    (tmp_path / "world").mkdir()
    monkeypatch.chdir(ROOT)
    for name in ("CI", "MODELYARD_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    tools = SimpleNamespace(pulumi=Path("pulumi"), version="v3.999.0")

    @contextlib.contextmanager
    def session(*of: Any, **_: Any) -> Iterator[Any]:
        yield SimpleNamespace(toolchain=tools, env={"PATH": ""}, workdir=tmp_path, stack_name=of[2])

    def in_account(place: Any, program: Program, say: Any) -> Declaring:
        command = EngineCommand(tools.pulumi, tools.version, {}, say)
        return Declaring(command=command, workdir=tmp_path, stack=place.stack, env={}, program=program)

    monkeypatch.setattr(sandbox, "Session", SimpleNamespace(open=session))
    monkeypatch.setattr(sandbox, "Engine", Declaring)
    monkeypatch.setattr(cloud, "_engine", in_account)
    monkeypatch.setattr(toolchain, "ensure", lambda *_, **__: tools)
    monkeypatch.setattr(registry, "start", refused)
    monkeypatch.setattr(Account, "of", lambda _: Healthy())
    monkeypatch.setattr(Registries, "manifest", unread)
    monkeypatch.setattr(Cluster, "started", refused)
    monkeypatch.setattr(prices, "refresh", lambda *_, **__: prices.Refresh(moved={}))
    monkeypatch.setattr("ops.prices.reader.of_account", lambda *_: None)
    monkeypatch.setattr(Show, "problems", lambda *_: None)


@pytest.mark.parametrize("command", [*PLANS, *READS])
def test_a_stack_file_is_read_once_and_planned_at_most_once(command: str, counted: Counted, tmp_path: Path) -> None:
    cli.run([str(tmp_path / "out") if each == "OUT" else each for each in command.split()])
    assert counted.read and set(counted.read.values()) == {1}, counted
    assert set(counted.planned.values()) == ({1} if command in PLANS else set()), counted


def test_every_command_that_takes_a_stack_is_among_them() -> None:
    tried = {*PLANS, *READS}
    missing = [each for each in taking_a_stack() if not any(f"{said} ".startswith(f"{each} ") for said in tried)]
    assert set(missing) == ELSEWHERE


def taking_a_stack() -> Iterator[str]:
    def walk(command: Any, name: str) -> Iterator[str]:
        for each, inner in getattr(command, "commands", {}).items():
            yield from walk(inner, f"{name} {each}".strip())
        if any(param.name == "stack" for param in command.params):
            yield name

    return walk(typer.main.get_command(cli.app), "")
