"""A repository in miniature and a command on it: the real engine, a tiny provider, a program of two resources."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest

from ops.commands import Job
from ops.show import Show
from ops.worlds.sandbox import SandboxWorld
from ops.worlds.world import Place
from sandbox.programs import toolchain
from sandbox.stack import session
from tests.roots import ROOT


class Thing(pulumi.CustomResource):
    """A resource of the tiny provider: any properties."""

    def __init__(self, name: str, properties: dict[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("tiny:index:Thing", name, properties, opts)


@dataclass
class Program:
    """A program whose resources a test may change between two runs."""

    things: dict[str, dict[str, Any]] = field(default_factory=lambda: {"first": {"size": 1}, "second": {"size": 2}})
    protect: bool = False
    fail: Exception | None = None

    def __call__(self) -> None:
        if self.fail is not None:
            raise self.fail
        for name, properties in self.things.items():
            Thing(name, properties, pulumi.ResourceOptions(protect=self.protect))
        pulumi.export("platform", {"things": len(self.things), "token": pulumi.Output.secret("hush-hush")})


@pytest.fixture(scope="session")
def tools() -> toolchain.Toolchain:
    """The engine, once for all tests of a process."""
    return toolchain.ensure(ROOT, say=logging.getLogger(__name__).info)


@pytest.fixture
def small_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tools: toolchain.Toolchain) -> Path:
    """A repository with one stack file; its simulated cloud is the tiny provider."""
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: modelyard\nmain: infra/\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  aws:region: us-east-1\n")
    (tmp_path / "guard.yaml").write_text("maxMonthlyUsd: { dev: 1 }\nstacks: { dev: dev }\nrequiredTags: [Owner]\n")
    monkeypatch.setattr(session, "HOST", (sys.executable, str(Path(__file__).with_name("tiny_host.py"))))
    monkeypatch.setattr(session, "ensure", lambda root, **_: tools)
    return tmp_path


@pytest.fixture
def program() -> Program:
    """Two resources and one output."""
    return Program()


@pytest.fixture
def job(small_root: Path, program: Program) -> Callable[..., Job]:
    """Makes a command on the small repository's stack."""

    def make(*, as_json: bool = False, **more: Any) -> Job:
        place = Place(root=small_root, stack="dev", stack_file=small_root / "Pulumi.dev.yaml", world=SandboxWorld())
        values = {"packs": (), "confirm": lambda _: True, "program": program, "priced": False, **more}
        return Job(place=place, show=Show(as_json=as_json), **values)

    return make
