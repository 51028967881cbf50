"""The local stack's whole life on a real Kubernetes API: up, nothing to change, drift, a crash, gone; and nothing of AWS."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from core.problem import ExitCode, Refused
from ops import commands
from ops.commands import Job
from ops.engine.automation import Outcome
from ops.recover import command as recover
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
LOST, NAMESPACE = ("modelyard-serving", "modelyard-training"), "kubernetes:core/v1:Namespace"
"""The namespaces that somebody deletes, and their type."""

pytestmark = pytest.mark.conformance


class Heard(Show):
    """A voice that keeps every outcome and every line."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: list[Outcome] = []
        self.lines: list[str] = []

    def line(self, text: str = "", style: str = "") -> None:
        self.lines.append(text)
        super().line(text, style)

    def outcome(self, outcome: Outcome, *, steps: bool = True) -> None:
        self.outcomes.append(outcome)
        super().outcome(outcome, steps=steps)


@pytest.fixture
def place(plane: ControlPlane, registries: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A scratch project with the local stack, which names the control plane's context."""
    tools = toolchain.ensure(ROOT, say=print)
    monkeypatch.setattr(session, "ensure", lambda root, **_: tools)
    monkeypatch.setattr(registry, "start", registries)
    # Pulumi.yaml says where the registry's provider is.
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / "mlflow_provider").symlink_to(ROOT / "mlflow_provider")
    (tmp_path / "infra").mkdir()
    content = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())
    content["config"]["modelyard:platform"]["kubernetes"]["context"] = "own"
    file = tmp_path / "Pulumi.local.yaml"
    file.write_text(yaml.safe_dump(content))
    (tmp_path / "guard.yaml").symlink_to(ROOT / "guard.yaml")
    return Place(root=tmp_path, stack="local", stack_file=file, world=KubeconfigWorld(plane.kubeconfig))


def kubectl(plane: ControlPlane, *arguments: str) -> str:
    """What `kubectl` says on the real server."""
    command = ["kubectl", "--kubeconfig", str(plane.kubeconfig), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_local_comes_up_stays_drifts_survives_a_crash_and_goes_on_a_real_api(
    plane: ControlPlane, place: Place, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    show, before = Heard(), kubectl(plane, "get", "namespaces", "-o", "name").split()
    job = Job(place=place, program=commands.program(place), packs=PACKS, show=show, confirm=lambda _: True)

    def run(command: Callable[..., ExitCode]) -> Outcome:
        assert command(job) is ExitCode.OK, show.outcomes[-1].events
        return show.outcomes[-1]

    up = run(commands.up)
    resources = up.events.changes["create"]
    assert up.events.changes == {"create": resources}
    with place.world.opened(place, commands.program(place), show.say) as engine:
        state, outputs = engine.state()["resources"], engine.outputs()
    assert not [each for each in state if each["type"].startswith(("aws:", "pulumi:providers:aws"))]
    assert (outputs["contractVersion"], outputs["storageClass"]) == (2, "standard")
    promised = kubectl(plane, "get", "configmap", "-n", "kube-public", "modelyard-platform", "-o", "json")
    assert json.loads(json.loads(promised)["data"]["outputs.json"]) == {
        key: outputs[key] for key in outputs if key != "cost"
    }

    assert run(commands.refresh).events.changes == {"same": resources}
    kubectl(plane, "delete", "namespace", *LOST)
    lost = len([each for each in state if each.get("id", "").split("/")[0] in LOST])
    assert lost > len(LOST), "what is in them goes with them"
    assert run(commands.refresh).events.changes == {"same": resources - lost, "delete": lost}

    faults = tmp_path / "faults.json"
    faults.write_text(json.dumps([{"kind": "crash", "type": NAMESPACE, "call": "create", "edge": "after-write"}]))
    assert commands.up(dataclasses.replace(job, faults=faults)) is ExitCode.FAILED
    run(recover.recover)
    run(commands.up)
    assert run(commands.refresh).events.changes == {"same": resources}

    out = tmp_path / "rendered"
    assert commands.render(place, out, commands.known_values(job), show) is ExitCode.OK
    left = json.loads((out / "index.json").read_text())
    assert not [each for each in left if each.endswith("#id}")], "a deployed stack knows every id"

    gone = run(commands.destroy)
    assert gone.events.changes == {"delete": resources}
    assert kubectl(plane, "get", "namespaces", "-o", "name").split() == before
    told = f"local, real engine and real API: {resources} resources up in {up.seconds:.1f} s"
    record_property("conformance", f"{told}, gone in {gone.seconds:.1f} s")


def test_a_shell_for_another_context_than_the_stack_names_is_refused(place: Place, plane: ControlPlane) -> None:
    place.stack_file.write_text(place.stack_file.read_text().replace("context: own", "context: kind-modelyard"))
    command = ["modelyard", "shell", "--stack", "local", "--kubeconfig", str(plane.kubeconfig), "--", "echo", "ran"]
    done = subprocess.run(command, cwd=place.root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (ExitCode.REFUSED, "")
    assert "kubernetes.context" in done.stderr


def test_another_context_than_the_stack_names_is_refused_before_anything_starts(place: Place) -> None:
    place.stack_file.write_text(place.stack_file.read_text().replace("context: own", "context: kind-modelyard"))
    with pytest.raises(Refused) as refused:
        commands.program(place)
    (problem,) = refused.value.problems
    assert (problem.where, problem.found, problem.allowed) == ("kubernetes.context", "own", "kind-modelyard")
