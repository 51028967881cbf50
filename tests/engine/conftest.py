"""Whole stacks in the real engine: each test has a scratch copy of the repository, under git, with a sandbox of its own.

A stack comes up once for all tests and workers; a test that changes it works on a copy of the deployed folder.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import ExitCode, Refused
from infra import program as wiring
from ops import commands
from ops.commands import Job
from ops.engine.automation import Engine, Outcome, Program
from ops.preview import command as reporting
from ops.show import Show
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from sandbox.items import Item, ItemStore
from sandbox.programs import toolchain
from sandbox.stack import session
from tests.roots import ROOT

AS_SOMEBODY = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.invalid")


class Heard(Show):
    """A voice that also keeps every outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[Outcome] = []

    def outcome(self, outcome: Outcome, *, steps: bool = True) -> None:
        self.outcomes.append(outcome)
        super().outcome(outcome, steps=steps)


@dataclass(frozen=True)
class Stage:
    """One stack in a scratch copy of the repository; `program` stands in for the platform's own when it is given."""

    root: Path
    stack: str
    file: Path
    program: Program | None = None
    packs: tuple[Path, ...] = (ROOT / "policies" / "run",)
    pack: str = ""
    priced: bool = True
    show: Heard = field(default_factory=Heard)

    @property
    def place(self) -> Place:
        return Place(root=self.root, stack=self.stack, stack_file=self.file, world=SandboxWorld())

    @property
    def job(self) -> Job:
        place = self.place
        return Job(
            place=place,
            program=self.program or commands.program(place),
            packs=self.packs,
            pack=self.pack,
            priced=self.priced,
            show=self.show,
            confirm=lambda _: True,
        )

    def run(self, command: Callable[..., ExitCode], expected: ExitCode = ExitCode.OK, **options: Any) -> Outcome:
        """The last outcome of a command, which must end as `expected`."""
        assert command(self.job, **options) is expected, self.show.outcomes[-1].events
        return self.show.outcomes[-1]

    def preview(self) -> Outcome:
        """The outcome of a preview, which must end well."""
        found = reporting.look(self.job)
        assert found.outcome is not None and found.outcome.ok, found
        return found.outcome

    def refused(self, command: Callable[..., ExitCode]) -> str:
        """What a command says that must not succeed."""
        try:
            assert command(self.job) is not ExitCode.OK
        except Refused as refused:
            return str(refused)
        events = self.show.outcomes[-1].events
        return "\n".join(
            [error.message for error in events.errors] + [violation.message for violation in events.mandatory]
        )

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The engine on this stack, for what no command does."""
        place = self.place
        program = self.program or wiring.make(place.loaded)
        with place.world.opened(place, program, self.show.say) as engine:
            yield engine

    def state(self) -> list[dict[str, Any]]:
        """The state's resources as the backend holds them, secrets encrypted."""
        file = (
            self.root / ".sandbox" / self.stack / "backend" / ".pulumi" / "stacks" / "modelyard" / f"{self.stack}.json"
        )
        latest = json.loads(file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
        return list(latest.get("resources") or [])

    def export(self) -> list[dict[str, Any]]:
        """The exported state's resources with their secrets in clear."""
        with self.engine() as engine:
            exported = json.loads(engine.ask("stack", "export", "--show-secrets"))
        return list(exported["deployment"]["resources"])

    def size(self) -> int:
        """How many resources the engine counts: all but the providers that it adds by itself."""
        return len([each for each in self.state() if "::default" not in each["urn"]])

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs."""
        with self.engine() as engine:
            return engine.outputs()

    def made(self) -> list[Item]:
        """What the world holds of this stack's; what AWS deletes later is marked `pending`."""
        world = ItemStore(self.root / ".sandbox" / self.stack / "world")
        return [item for item in world.everything() if item.urn]

    def git(self) -> str:
        """What `git status` has to say about the scratch copy."""
        done = subprocess.run(
            ["git", "status", "--porcelain"], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout

    def commit(self) -> None:
        """Takes the scratch copy as it is now for what it was."""
        commit(self.root)

    def edited(self, change: Mapping[str, Any], file: Path) -> Stage:
        """The same stack from a copy of its file in which the platform's settings are changed, map by map."""
        content = yaml.safe_load(self.file.read_text(encoding="utf-8"))
        settings = content["config"]["modelyard:platform"]
        for path, value in change.items():
            *steps, last = path.split(".")
            at = settings
            for step in steps:
                at = at.setdefault(step, {})
            at[last] = value
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        return replace(self, file=file)


def copy_repository(root: Path) -> None:
    """Everything that git knows or would take, committed; what was read from the SDKs is linked."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    cache = ROOT / ".sandbox" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    (root / ".sandbox").mkdir()
    (root / ".sandbox" / "cache").symlink_to(cache)
    commit(root)


def commit(root: Path) -> None:
    """Commits everything under `root`, which becomes a repository if it is none."""
    for arguments in (["init", "-q"], ["add", "-A"], [*AS_SOMEBODY, "commit", "-qm", "as it was"]):
        subprocess.run(["git", *arguments], cwd=root, check=True)


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository's own engine and language host for every scratch copy."""
    ensure = toolchain.ensure

    def of_the_repository(_: Path, **options: Any) -> toolchain.Toolchain:
        return ensure(ROOT, **options)

    monkeypatch.setattr(toolchain, "ensure", of_the_repository)
    monkeypatch.setattr(session, "ensure", of_the_repository)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Whether the caller is the first to make `folder`; others wait until it is whole."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        whole = folder.with_suffix(".whole")
        first = not whole.exists()
        if first:
            shutil.rmtree(folder, ignore_errors=True)
        yield first
        whole.touch()


@pytest.fixture
def stage(shared: Path, tmp_path: Path) -> Callable[..., Stage]:
    """Makes a scratch repository with nothing deployed."""

    def make(stack: str, file: Path | None = None, **more: Any) -> Stage:
        kept, root = shared / "repository", tmp_path / "root"
        with once(kept) as first:
            if first:
                copy_repository(kept)
        shutil.copytree(kept, root, symlinks=True)
        return Stage(root, stack, file or root / f"Pulumi.{stack}.yaml", **more)

    return make


@pytest.fixture
def deployed(shared: Path, tmp_path: Path) -> Callable[..., Stage]:
    """Makes a scratch repository in which a stack is up, with the policy packs on."""

    def make(
        stack: str, root: Path = tmp_path / "root", *, name: str = "", file: Path | None = None, **more: Any
    ) -> Stage:
        kept = shared / f"deployed-{name or stack}"
        with once(kept) as first:
            if first:
                copy_repository(kept)
                Stage(kept, stack, file or kept / f"Pulumi.{stack}.yaml", **more).run(commands.up)
        shutil.copytree(kept, root, symlinks=True)
        return Stage(root, stack, file or root / f"Pulumi.{stack}.yaml", **more)

    return make
