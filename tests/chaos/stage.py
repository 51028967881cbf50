"""Where the kills happen: a folder that looks like the repository, with one sandbox stack that can be put back at will."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from sandbox.items import ItemStore
from tests.chaos import content
from tests.chaos.kills import Kill, Victim, Work
from tests.roots import ROOT, lay

STACK = "dev"
CHANGES = {"owner: ml-platform": "owner: somebody-else"}
UPDATED = ("aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:eks/cluster:Cluster", "aws:iam/role:Role")
"""Types that the changed stack file updates in place."""

_HOLD_SECONDS = 2.5
_PATIENCE = 600.0
_LATE = 0.7


class Broken(Exception):
    """What must hold after a kill does not; the text says what, and what the commands said."""


@dataclass
class Stage:
    """One root folder and its stack; `small` takes the program in miniature instead of the platform."""

    folder: Path
    small: bool
    say: Callable[[str], None]
    created: tuple[str, ...] = ()
    seconds: dict[Work, float] = field(default_factory=dict)
    urns: Counter[str] = field(default_factory=Counter)
    names: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def make(cls, *, small: bool, say: Callable[[str], None]) -> Stage:
        """A new folder, the stack brought up in it once and kept as a snapshot; a destroy is taken to last half as long."""
        folder = Path(tempfile.mkdtemp(prefix="modelyard-chaos-"))
        stage = cls(folder, small, say)
        lay(folder)
        stage._prepare()
        return stage

    def _prepare(self) -> None:
        self.put_back(Work.UP)
        calls = self.folder / "calls"
        self.say("preparing: up, once")
        self.seconds[Work.UP] = self.seconds[Work.CHANGE] = self.finish(Work.UP)
        made = [json.loads(line) for line in calls.read_text().splitlines()]
        self.created = tuple(sorted({call["type"] for call in made if call["call"] == "create"}))
        shutil.copytree(self._stack, self._snapshot, symlinks=True)
        self.urns, self.names = self._shape()
        self.say(f"preparing: {len(self.urns)} objects are up, {self.seconds[Work.UP]:.0f} s")
        self.seconds[Work.DESTROY] = self.seconds[Work.UP] / 2

    @property
    def _stack(self) -> Path:
        return self.folder / ".sandbox" / STACK

    @property
    def _snapshot(self) -> Path:
        return self.folder / "snapshot"

    def put_back(self, work: Work) -> None:
        """The stack as it is before `work`: nothing for an up, the snapshot for the others; the stack file fits."""
        shutil.rmtree(self._stack, ignore_errors=True)
        text = (ROOT / "Pulumi.dev.yaml").read_text()
        if work is not Work.UP:
            shutil.copytree(self._snapshot, self._stack, symlinks=True)
        for before, after in CHANGES.items() if work is Work.CHANGE else ():
            text = text.replace(before, after)
        (self.folder / f"Pulumi.{STACK}.yaml").write_text(text)

    def start(self, work: str, faults: Path | None = None) -> subprocess.Popen[str]:
        """One `modelyard` command of its own session; what it says goes to the file `said`."""
        calls = self.folder / "calls"
        calls.write_text("")
        owner = "two" if CHANGES["owner: ml-platform"] in (self.folder / f"Pulumi.{STACK}.yaml").read_text() else "one"
        arguments = [str(faults or "-"), str(calls), "small" if self.small else "whole"]
        command = [sys.executable, "-m", "tests.chaos.command", *arguments]
        with (self.folder / "said").open("w") as said:
            return subprocess.Popen(
                [*command, work, "--stack", STACK, "--sandbox"],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "CHAOS_OWNER": owner},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

    def finish(self, work: Work | str) -> float:
        """One command to its end: its seconds. Raises Broken when it fails."""
        name = work if isinstance(work, str) else "destroy" if work is Work.DESTROY else "up"
        started = time.monotonic()
        code = self.wait(self.start(name))
        if code != 0:
            raise Broken(f"`modelyard {name}` ended with {code}:\n{self.tail()}")
        return time.monotonic() - started

    def wait(self, process: subprocess.Popen[str]) -> int:
        """The exit code. Raises Broken when the command does not end, after having ended it."""
        try:
            return process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            _end(_tree(process))
            raise Broken(f"a command did not end within {_PATIENCE:.0f} s:\n{self.tail()}") from None

    def keep(self, kill: Kill) -> None:
        """A copy of the stack as a kill has left it, for a person to look at."""
        shutil.copytree(self._stack, self.folder / f"kept-{kill.number}", symlinks=True, dirs_exist_ok=True)
        shutil.copy(self.folder / "said", self.folder / f"kept-{kill.number}")

    def tail(self) -> str:
        """The last lines of what the last command said."""
        return "\n".join((self.folder / "said").read_text().splitlines()[-25:])

    def kill(self, kill: Kill) -> None:
        """The work of `kill`, killed where the plan says. Raises Broken when the moment never comes."""
        moment = kill.moment
        while True:
            self.put_back(kill.work)
            if self._killed(kill, moment):
                return
            moment *= _LATE

    def _killed(self, kill: Kill, moment: float) -> bool:
        faults = self.folder / "faults.json"
        rule = {
            "kind": "slow", "type": kill.type, "call": kill.work.call, "edge": kill.edge, "seconds": _HOLD_SECONDS
        }  # fmt: skip
        faults.write_text(json.dumps([rule] if kill.edge else []))
        started = time.monotonic()
        process = self.start("destroy" if kill.work is Work.DESTROY else "up", faults)
        while not self._reached(kill) if kill.edge else time.monotonic() - started < moment * self.seconds[kill.work]:
            if process.poll() is not None:
                if kill.edge:
                    raise Broken(f"the command ended with {process.returncode}, edge not met:\n{self.tail()}")
                return False
            time.sleep(0.01)
        _end(_chosen(kill.victim, process))
        self.wait(process)
        return True

    def _reached(self, kill: Kill) -> bool:
        wanted = {"edge": kill.edge, "call": kill.work.call, "type": kill.type}
        for line in (self.folder / "calls").read_text().splitlines(keepends=True):
            if line.endswith("\n") and wanted.items() <= json.loads(line).items():
                return True
        return False

    def settled(self) -> None:
        """The state holds exactly what the world holds, each once, and nothing that the registry lacks. Raises Broken."""
        state = [each for each in self._state() if _is_object(each)]
        lacking = _content(state) - content.held(self._stack / "mlflow")
        if lacking:
            raise Broken(f"in the state, not in the registry: {sorted(lacking)}")
        held = Counter((each["urn"], each["id"]) for each in state if not _is_content(each))
        there = Counter((item.urn, item.id) for item in self._objects())
        if held != there:
            raise Broken(f"lost (in the world only): {sorted(there - held)}\nnot there: {sorted(held - there)}")

    def whole(self) -> None:
        """World and registry hold what one `up` makes: nothing less, no URN and no name twice. Raises Broken."""
        lost = content.held(self._stack / "mlflow") - _content(self._state())
        if lost:
            raise Broken(f"in the registry, not in the state: {sorted(lost)}")
        urns, names = self._shape()
        if urns != self.urns or names - self.names:
            raise Broken(
                f"twice or too much: {sorted(urns - self.urns)} {sorted(names - self.names)}\n"
                f"missing: {sorted(self.urns - urns)}"
            )

    def empty(self) -> None:
        """Neither the world nor the state holds anything of the stack. Raises Broken."""
        left = [f"{item.urn} {item.id}" for item in self._objects()] + [str(each["urn"]) for each in self._state()]
        if left:
            raise Broken(f"left after destroy: {left}")

    def _state(self) -> list[dict[str, Any]]:
        (file,) = (self._stack / "backend" / ".pulumi" / "stacks" / "modelyard").glob(f"{STACK}.json")
        latest = json.loads(file.read_text())["checkpoint"]["latest"] or {}
        if latest.get("pending_operations"):
            raise Broken(f"still pending: {latest['pending_operations']}")
        return list(latest.get("resources") or [])

    def _objects(self) -> list[Any]:
        """What was made on behalf of the stack's resources and is not on its way out."""
        everything = ItemStore(self._stack / "world").everything()
        return [item for item in everything if item.urn and not item.pending and _own(item.urn) == item.type]

    def _shape(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """How often each URN stands in the world, and each name that stands there more than once."""
        objects = self._objects()
        names = Counter((item.type, item.name) for item in objects if item.name)
        return Counter(item.urn for item in objects), Counter({key: n for key, n in names.items() if n > 1})


def _own(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _is_object(entry: dict[str, Any]) -> bool:
    return bool(entry.get("custom")) and not str(entry["type"]).startswith("pulumi:")


def _is_content(entry: dict[str, Any]) -> bool:
    return str(entry["type"]).startswith(content.MODULE)


def _content(state: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    return Counter((str(each["type"]), str(each["id"])) for each in state if _is_content(each))


def _tree(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        top = psutil.Process(process.pid)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _chosen(victim: Victim, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The processes to kill; the program itself when a random moment comes before the victim is there."""
    tree = _tree(process)
    processes = {
        Victim.ENGINE: [each for each in tree if _said_by(each)[:1] == ["pulumi"]],
        Victim.HOST: [each for each in tree if "sandbox.host" in _said_by(each)],
        Victim.GROUP: tree,
        Victim.PROGRAM: tree[:1],
    }[victim]
    return processes or tree[:1]


def _said_by(process: psutil.Process) -> list[str]:
    try:
        first, *rest = process.cmdline() or [""]
        return [Path(first).name, *rest]
    except psutil.Error:
        return []


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
