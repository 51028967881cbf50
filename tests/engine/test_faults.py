"""Bad days in the clouds, through `modelyard up --faults`: what is survived, what is said, and that the next `up` converges."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode
from ops import cli, commands
from sandbox.items import ItemStore
from tests.chaos.small import program
from tests.roots import ROOT, lay

pytestmark = pytest.mark.engine


QUEUE = "aws:sqs/queue:Queue"


@dataclass
class Town:
    """A folder with one stack of the program in miniature."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, faults: list[dict[str, Any]] | None = None) -> tuple[int, str]:
        """One `modelyard` command: its exit code and all that it said."""
        extra = []
        if faults is not None:
            file = self.folder / "faults.json"
            file.write_text(json.dumps(faults))
            extra = ["--faults", str(file)]
        self.capsys.readouterr()
        code = cli.run([*arguments, "--stack", "dev", "--sandbox", *extra])
        said = self.capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return code, said.out + said.err

    @property
    def stack(self) -> Path:
        return self.folder / ".sandbox" / "dev"

    def world(self) -> dict[str, str]:
        """What was made, by URN."""
        return {item.urn: item.id for item in ItemStore(self.stack / "world").everything() if item.urn}

    def state(self) -> dict[str, str]:
        """The resources that the state holds, by URN."""
        (file,) = (self.stack / "backend" / ".pulumi" / "stacks").rglob("dev.json")
        resources = json.loads(file.read_text())["checkpoint"]["latest"]["resources"]
        return {resource["urn"]: resource["id"] for resource in resources if resource["type"].startswith("aws:")}

    def converges(self) -> None:
        """The next `up` makes everything, and the one after it nothing."""
        code, said = self.run("up")
        assert code == ExitCode.OK, said
        assert self.state() == self.world()
        assert ": nothing changes" in self.run("preview")[1]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Town]:
    def make(*, small: bool = True) -> Town:
        lay(tmp_path)
        (tmp_path / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
        monkeypatch.chdir(tmp_path)
        if small:
            monkeypatch.setattr(commands, "program", lambda _: program)
            monkeypatch.setattr(commands, "packs", lambda _: ())
        return Town(tmp_path, capsys)

    return make


@pytest.fixture
def town(empty: Callable[..., Town]) -> Town:
    return empty()


def test_throttling_within_the_retries_is_survived_and_not_even_told(town: Town) -> None:
    code, said = town.run("up", faults=[{"kind": "throttle", "type": QUEUE, "times": 4}])
    assert code == ExitCode.OK
    assert "Rate exceeded" not in said
    town.converges()


def test_throttling_without_end_is_given_up_with_aws_s_words_and_a_true_state(town: Town) -> None:
    code, said = town.run("up", faults=[{"kind": "throttle", "type": QUEUE, "times": 1000}])
    assert code == ExitCode.FAILED
    assert said.count("ThrottlingException: Rate exceeded") == 1
    assert not [urn for urn in town.state() if QUEUE in urn]
    assert town.state() == town.world()
    town.converges()


def test_a_slow_call_is_waited_for(town: Town) -> None:
    started = time.monotonic()
    code, _ = town.run("up", faults=[{"kind": "slow", "type": "aws:ec2/vpc:Vpc", "seconds": 2.0}])
    assert code == ExitCode.OK
    assert time.monotonic() - started > 2.0
    town.converges()


@pytest.mark.parametrize("edge", ["before", "after-write", "after-reply"])
@pytest.mark.parametrize("call", ["create", "delete"])
def test_after_a_crash_of_the_provider_recover_and_the_same_command_converge(town: Town, call: str, edge: str) -> None:
    crash = {"kind": "crash", "type": QUEUE, "call": call, "edge": edge}
    if call == "create":
        assert town.run("up", faults=[crash])[0] == ExitCode.FAILED
        code, said = town.run("recover")
        assert code == ExitCode.OK, said
        assert town.state() == town.world()
    town.converges()
    if call == "delete":
        (town.folder / "faults.json").write_text(json.dumps([crash]))
        command = [sys.executable, "-m", "tests.chaos.command", str(town.folder / "faults.json"), os.devnull, "small"]
        done = subprocess.run([*command, "destroy", "--stack", "dev", "--sandbox"], env=_env(), check=False)
        assert done.returncode == ExitCode.FAILED
        assert town.run("recover")[0] == ExitCode.OK
        assert town.state() == town.world()
        assert town.run("destroy")[0] == ExitCode.OK
        assert town.world() == {}


def test_a_platform_without_capacity_for_its_nodes_says_so_and_comes_up_when_there_is(
    empty: Callable[..., Town],
) -> None:
    town = empty(small=False)
    code, said = town.run("up", faults=[{"kind": "no-capacity", "type": "aws:eks/nodeGroup:NodeGroup"}])
    assert code == ExitCode.FAILED
    assert said.count("InsufficientInstanceCapacity: We currently do not have sufficient capacity") == 1
    assert not [urn for urn in town.state() if "NodeGroup" in urn]
    assert set(town.state()) <= set(town.world())
    assert town.run("up")[0] == ExitCode.OK
    assert ": nothing changes" in town.run("preview")[1]


def test_drift_is_shown_then_taken_into_the_state_then_put_right(town: Town) -> None:
    town.converges()
    world = ItemStore(town.stack / "world")
    (role,) = [item for item in world.all("aws", "aws:iam/role:Role") if item.urn]
    (queue,) = [item for item in world.all("aws", QUEUE) if item.name == "work-1"]
    role.inputs["tags"] = {"Owner": "by hand"}
    world.put(role)
    world.remove(queue)

    before = town.state()
    code, said = town.run("refresh", "--only-look")
    assert code == ExitCode.OK
    assert "~ aws:iam/role:Role nodes" in said
    assert f"- {QUEUE} work-1" in said
    assert town.state() == before

    assert town.run("refresh")[0] == ExitCode.OK
    assert queue.urn not in town.state()
    town.converges()
    (mended,) = [item for item in ItemStore(town.stack / "world").all("aws", "aws:iam/role:Role") if item.urn]
    assert mended.inputs["tags"] == {"Owner": "one"}


def test_a_second_command_on_the_stack_is_refused_with_the_name_of_the_first(town: Town) -> None:
    faults, calls = town.folder / "slow.json", town.folder / "calls"
    faults.write_text(json.dumps([{"kind": "slow", "type": "aws:ec2/vpc:Vpc", "seconds": 4.0}]))
    calls.write_text("")
    command = [sys.executable, "-m", "tests.chaos.command", str(faults), str(calls), "small"]
    with subprocess.Popen([*command, "up", "--stack", "dev", "--sandbox"], env=_env()) as first:
        while '"create"' not in calls.read_text():
            assert first.poll() is None
            time.sleep(0.05)
        first.send_signal(signal.SIGSTOP)
        try:
            code, said = town.run("up")
        finally:
            first.send_signal(signal.SIGCONT)
        assert code == ExitCode.UNAVAILABLE
        assert "another command is using the sandbox stack `dev`" in said
        assert f"process {first.pid}" in said
    assert first.returncode == ExitCode.OK
    assert ": nothing changes" in town.run("preview")[1]


def _env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
