"""However a node ends, nothing of it stays on the machine; and two do not meet."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sandbox.node import control
from sandbox.node.isolation import cgroups
from sandbox.node.layout import Layout
from sandbox.node.node import Node
from tests.conformance.node.kube import Space, deployment, until
from tests.conformance.node.machine import Machine, left_over
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
Record = Callable[[str, object], None]


@dataclass
class Scene:
    """A folder for a cluster of the test's own, and the owners that were started for it."""

    folder: Path
    owners: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.before = Machine.now()

    def start(self, word: str) -> subprocess.Popen[str]:
        """Starts an owner and waits until it has said something."""
        command = [sys.executable, "-m", "sandbox.node.owner", str(self.folder), "modelyard"]
        owner = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.owners.append(owner)
        assert owner.stdout is not None
        for line in owner.stdout:
            print(line, end="", file=sys.stderr)
            if word in line:
                self.marks = (str(self.folder), f"{cgroups.PREFIX}{cgroups.token(owner.pid)}-")
                return owner
        raise AssertionError(f"the owner ended with {owner.wait()} before it said: {word}")

    def keeper(self) -> int:
        """The number of the running owner's keeper."""
        number = self.owners[-1].pid
        (found,) = map(int, Path(f"/proc/{number}/task/{number}/children").read_text().split())
        return found

    def left(self, *, within: float = 60.0) -> tuple[dict[str, object], float]:
        """What is left on the machine of the last owner's node, and after how many seconds nothing was."""
        return left_over(self.before, *self.marks, within=within)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A scene whose owners do not outlive the test."""
    found = Scene(tmp_path / "cluster")
    yield found
    for owner in found.owners:
        owner.kill()
        owner.wait()


@pytest.mark.parametrize(
    "moment", ["process namespaces are there", "containerd answers", "the API server is ready", "DNS answers"]
)
def test_after_the_owner_is_killed_nothing_is_left(scene: Scene, moment: str, record_property: Record) -> None:
    owner = scene.start(moment)
    assert {"processes", "groups"} == set(scene.left(within=0)[0]), "there is something to leave"
    owner.kill()
    owner.wait()
    left, seconds = scene.left()
    assert left == {}
    layout = Layout(scene.folder)
    assert not layout.data.exists() and not layout.kubeconfig.exists(), (
        "neither keys nor data, with nobody to start anew"
    )
    record_property("conformance", f"real node: owner killed at `{moment}`: nothing left after {seconds:.1f} s")


def test_after_owner_and_keeper_are_killed_at_once_only_empty_groups_are_left_and_the_next_start_sweeps_them(
    scene: Scene,
) -> None:
    owner = scene.start("containerd answers")
    os.kill(scene.keeper(), signal.SIGKILL)
    owner.kill()
    owner.wait()
    assert set(scene.left(within=5)[0]) == {"groups"}
    marks = scene.marks
    again = scene.start("DNS answers")
    assert left_over(scene.before, marks[1], within=0)[0] == {}, "swept before it came up"
    again.send_signal(signal.SIGTERM)
    assert again.wait(300) == 0
    assert scene.left()[0] == {}


def test_an_owner_whose_node_ends_says_so_and_fails(scene: Scene) -> None:
    owner = scene.start("DNS answers")
    os.kill(scene.keeper(), signal.SIGKILL)
    assert owner.wait(300) == 1
    assert owner.stdout is not None and "ended by itself" in owner.stdout.read()
    assert scene.left()[0] == {}
    layout = Layout(scene.folder)
    assert not layout.data.exists() and (layout.logs / "kube-apiserver.log").exists()


def test_an_owner_that_is_told_to_end_while_its_node_comes_up_ends(scene: Scene) -> None:
    owner = scene.start("process namespaces are there")
    owner.send_signal(signal.SIGTERM)
    assert owner.wait(300) == 130
    assert scene.left()[0] == {}


def test_two_nodes_run_at_once_and_the_end_of_one_is_not_that_of_the_other(
    node: Node, space: Space, scene: Scene, record_property: Record
) -> None:
    owner = scene.start("DNS answers")
    other = Layout(scene.folder)
    until(lambda: (control.ask(other.control, {"do": "status"}) or {}).get("ready") is True, 300)
    space.apply(deployment("web"))
    space.available("web")
    listed = ["kubectl", f"--kubeconfig={other.kubeconfig}", "get", "deployments", "-A", "-o", "name"]
    assert subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split() == [
        "deployment.apps/coredns"
    ]
    began = time.monotonic()
    assert control.ask(other.control, {"do": "stop"}) == {"stopping": owner.pid}
    assert owner.wait(300) == 0
    record_property(
        "conformance", f"real node: stopped in {time.monotonic() - began:.1f} s, beside another that ran on"
    )
    assert scene.left()[0] == {}
    assert node.running and space.pod("web")


def test_a_folder_is_one_owners_alone(node: Node) -> None:
    command = [sys.executable, "-m", "sandbox.node.owner", str(node.layout.folder), "modelyard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 4 and "another command is using the cluster" in done.stdout
    assert node.running and node.kubeconfig.exists()
