"""A stack's whole life on a real Kubernetes API, by the commands that a person runs: the real engine on both sides."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode
from infra import program as wiring
from ops import commands
from ops.commands import Job
from ops.engine.automation import Outcome, Program
from ops.show import Show
from ops.worlds.kubeconfig import KubeconfigWorld
from ops.worlds.world import Place
from sandbox.kubernetes.real.controlplane import ControlPlane
from sandbox.programs import toolchain
from sandbox.stack import mlflow_server as registry
from sandbox.stack import session
from tests.conformance.stacks.lasting import Start
from tests.roots import ROOT

PACKS = (ROOT / "policies" / "run",)

pytestmark = pytest.mark.conformance


class Heard(Show):
    """A voice that keeps every outcome."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[Outcome] = []

    def outcome(self, outcome: Outcome, *, steps: bool = True) -> None:
        self.outcomes.append(outcome)
        super().outcome(outcome, steps=steps)


@dataclass
class Stage:
    """A stack brought to a control plane."""

    place: Place
    program: Program
    packs: tuple[Path, ...]
    show: Heard = field(default_factory=Heard)

    def run(self, command: Callable[..., ExitCode], **options: Any) -> Outcome:
        job = Job(place=self.place, program=self.program, packs=self.packs, show=self.show, confirm=lambda _: True)
        assert command(job, **options) is ExitCode.OK, self.show.outcomes[-1].events
        return self.show.outcomes[-1]

    def preview(self) -> Outcome:
        with self.place.world.opened(self.place, self.program, self.show.say) as engine:
            outcome = engine.preview(packs=self.packs)
        assert outcome.ok, outcome.events
        return outcome


@pytest.fixture
def stage(
    plane: ControlPlane, registries: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Stage]:
    """Makes a scratch project of a stack, with the repository's engine and a world of its own."""
    tools = toolchain.ensure(ROOT, say=print)
    monkeypatch.setattr(session, "ensure", lambda root, **_: tools)
    monkeypatch.setattr(registry, "start", registries)

    def make(stack: str) -> Stage:
        (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
        (tmp_path / "infra").mkdir()
        for part in ("mlflow_provider", "prompts", ".venv"):
            if (ROOT / part).exists():
                (tmp_path / part).symlink_to(ROOT / part)
        file = tmp_path / f"Pulumi.{stack}.yaml"
        file.write_text((ROOT / file.name).read_text())
        (tmp_path / "guard.yaml").symlink_to(ROOT / "guard.yaml")
        place = Place(root=tmp_path, stack=stack, stack_file=file, world=KubeconfigWorld(plane.kubeconfig))
        return Stage(place, wiring.make(place.loaded), PACKS)

    return make


def kubectl(plane: ControlPlane, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", str(plane.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_dev_comes_up_stays_as_it_is_drifts_and_goes(
    plane: ControlPlane, stage: Callable[..., Stage], record_property: Callable[[str, object], None]
) -> None:
    before = kubectl(plane, "get", "namespaces", "-o", "name").split()
    dev = stage("dev")
    up = dev.run(commands.up)
    resources = up.events.changes["create"]
    assert up.events.changes == {"create": resources}
    pools = json.loads(kubectl(plane, "get", "nodepools", "-o", "json"))["items"]
    assert {pool["metadata"]["name"] for pool in pools} >= {"chat-spot", "chat-on-demand"}
    for unchanged in (dev.preview, lambda: dev.run(commands.refresh)):
        outcome = unchanged()
        assert outcome.events.changes == {"same": resources}, outcome.events.steps

    kubectl(plane, "patch", "nodepool", "chat-spot", "--type=merge", "-p", '{"spec":{"weight":7}}')
    planned = dev.preview()
    assert planned.events.changes == {"same": resources - 1, "update": 1}
    kubectl(plane, "delete", "networkpolicy", "-n", "modelyard-serving", "default-deny")
    drifted = dev.run(commands.refresh)
    assert drifted.events.changes == {"same": resources - 2, "update": 1, "delete": 1}
    mended = dev.run(commands.up)
    assert mended.events.changes == {"same": resources - 2, "update": 1, "create": 1}
    assert dev.preview().events.changes == {"same": resources}

    gone = dev.run(commands.destroy)
    assert gone.events.changes == {"delete": resources}
    assert kubectl(plane, "get", "namespaces", "-o", "name").split() == before
    assert "nodepools" not in kubectl(plane, "get", "crds", "-o", "name")
    told = f"dev, real engine and real API: {resources} resources up in {up.seconds:.1f} s"
    record_property("conformance", f"{told}, drift by kubectl found and mended, gone in {gone.seconds:.1f} s")
