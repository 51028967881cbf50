"""`modelyard cluster`: which cluster is taken, what is written down, and that only what was started is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import ExitCode, Refused
from ops.cli import run
from ops.cluster import (
    install as cluster_install,
)
from ops.cluster import (
    kubeconfig as cluster_kubeconfig,
)
from ops.cluster import (
    running as cluster,
)
from ops.cluster import (
    start as cluster_start,
)
from ops.cluster.running import Cluster, Using
from sandbox import lock
from sandbox.images import catalogue
from sandbox.node.control import Control
from sandbox.node.layout import Layout
from tests.ops.cluster.theirs import CONFIG, UP, program
from tests.roots import ROOT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a node is a thing of Linux")
OWNER = """\
import json, os, sys, threading
from pathlib import Path
from sandbox.node.control import Control
folder, context, *images = sys.argv[2:]
ended = threading.Event()
def answer(question):
    if question["do"] == "stop": ended.set(); return {"stopping": os.getpid()}
    return {"owner": os.getpid(), "ready": True, "running": 1, "pods": 1, "images": images, "kubernetes": "v1"}
print("node: comes up", flush=True)
Path(folder, "kubeconfig").write_text(f"current-context: {context}\\n")
control = Control(Path(folder, "control"), answer)
ended.wait()
control.close()
"""


def stand_in_owner(monkeypatch: pytest.MonkeyPatch, home: Path, script: str) -> None:
    file = home / "owner.py"
    file.write_text(script)
    began = subprocess.Popen

    def start(command: list[str], **kwargs: Any) -> Any:
        python, _, _, *rest = command
        ours = str(ROOT)
        env = {**os.environ, "PYTHONPATH": ours}
        return began([python, str(file), "owner", *rest], **{**kwargs, "cwd": ours, "env": env})

    monkeypatch.setattr("subprocess.Popen", start)


@pytest.mark.parametrize(
    ("docker", "kind", "chosen"),
    [
        ("exit 0", "exit 0", Using.KIND),
        ("exit 1", "exit 0", Using.NODE),
        ("exit 0", None, Using.NODE),
        (None, "exit 0", Using.NODE),
    ],
    ids=["both", "Docker does not answer", "no kind", "no Docker"],
)
def test_kind_is_taken_only_where_docker_answers_and_kind_is_there(
    home: Path, docker: str | None, kind: str | None, chosen: Using
) -> None:
    for name, script in (("docker", docker), ("kind", kind)):
        if script:
            program(home, name, script)
    said: list[str] = []
    assert cluster_start.choose(Using.AUTO, said.append) is chosen
    assert (chosen is Using.NODE) == any("a node of our own" in line for line in said)
    assert cluster_start.choose(Using.NODE, said.append) is Using.NODE


def test_kind_that_is_asked_for_and_cannot_be_had_is_refused(home: Path) -> None:
    with pytest.raises(Refused, match="Docker does not answer") as refused:
        cluster_start.choose(Using.KIND, print)
    assert refused.value.code is ExitCode.UNAVAILABLE


@LINUX
def test_a_detached_owner_runs_on_and_is_ended_by_stop_alone(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in_owner(monkeypatch, home, OWNER)
    (home / "below").mkdir()
    monkeypatch.chdir(home / "below")
    command = ["cluster", "start", "--load", "mlflow", "--load", "app.tar", "--format", "json"]
    assert run(command) == ExitCode.OK
    started = json.loads(capsys.readouterr().out)
    assert (started["using"], started["context"]) == ("node", "modelyard")
    assert started["images"] == ["mlflow", str(home / "below" / "app.tar")], "the owner works in another folder"
    assert Path(f"/proc/{started['owner']}").exists()
    assert run(["cluster", "start", "--format", "json"]) == ExitCode.OK, "what runs is left as it is"
    assert json.loads(capsys.readouterr().out)["owner"] == started["owner"]
    assert run(["cluster", "status"]) == ExitCode.OK
    assert "1 of 1 pods running" in capsys.readouterr().out
    assert run(["cluster", "stop"]) == ExitCode.OK
    assert not Cluster(home, "modelyard").layout.kubeconfig.exists()
    assert run(["cluster", "status"]) == ExitCode.UNAVAILABLE
    assert run(["cluster", "stop"]) == ExitCode.UNAVAILABLE, "there is nothing to stop"


def test_an_owner_that_ends_before_its_cluster_is_ready_says_why_and_leaves_nothing_noted(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = """\
import sys
from core.problem import ExitCode, Problem, Refused
from sandbox.node import owner
def refuse(root, folder, say, **_):
    say("node: tries")
    user = Problem(summary="a node of our own needs root", found="user 1000", fix="sudo")
    packages = Problem(summary="programs are not installed", found="not here: runc", fix="apt-get install runc")
    raise Refused([user, packages], ExitCode.UNAVAILABLE)
owner.own = refuse
sys.exit(owner.main(sys.argv[2:]))
"""
    stand_in_owner(monkeypatch, home, script)
    assert run(["cluster", "start"]) == ExitCode.UNAVAILABLE
    said = capsys.readouterr().err
    assert "node: tries" in said
    for part in ("needs root", "found: user 1000", "to fix: sudo", "not installed", "to fix: apt-get install runc"):
        assert said.count(part) == 1, part
    assert Cluster(home, "modelyard").using is None


def test_an_owner_that_crashes_is_told_by_its_last_line(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in_owner(monkeypatch, home, "raise SystemError('it broke')\n")
    assert run(["cluster", "start"]) == ExitCode.FAILED
    said = capsys.readouterr().err
    assert "SystemError: it broke" in said and str(Cluster(home, "modelyard").layout.owner_log) in said


def test_a_kind_cluster_is_made_with_a_context_of_its_own_name_and_deleted_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(home, "docker", "exit 0")
    config = {**CONFIG, "current-context": "mine"}
    (home / "made").write_text(yaml.safe_dump(config))
    log = program(
        home, "kind", f'case "$1$2" in createcluster) cp {home}/made "$6";; getclusters) echo modelyard;; esac'
    )
    monkeypatch.setattr(cluster, "reached", lambda _: UP)
    assert run(["cluster", "start"]) == ExitCode.OK
    found = Cluster(home, "modelyard")
    assert found.using is Using.KIND and cluster_kubeconfig.context_of(found.layout.kubeconfig) == "modelyard"
    assert found.status() is not None
    archive = home / "image.tar"
    archive.touch()
    assert run(["cluster", "load", str(archive)]) == ExitCode.OK
    assert run(["cluster", "stop"]) == ExitCode.OK
    calls = log.read_text().splitlines()
    assert f"load image-archive {archive} --name modelyard" in calls and calls[-1] == "delete cluster --name modelyard"


@pytest.mark.parametrize("name", ["../up", "", "a b", "ä", "a/b"])
def test_a_name_that_is_no_name_is_refused(home: Path, name: str) -> None:
    assert run(["cluster", "start", "--name", name]) == ExitCode.USAGE


def test_after_a_killed_owner_stop_sweeps_and_start_starts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster = Cluster(home, "modelyard")
    cluster.remember(Using.NODE)
    (cluster.layout.data / "etcd").mkdir(parents=True)
    assert cluster.status() is None
    monkeypatch.setattr("sandbox.node.isolation.cgroups.sweep", lambda: [Path("/sys/fs/cgroup/left")])
    assert run(["cluster", "stop"]) == ExitCode.OK
    captured = capsys.readouterr()
    assert "swept /sys/fs/cgroup/left" in captured.err and "had ended before" in captured.out
    assert not cluster.layout.data.exists()


@pytest.mark.parametrize("held", ["lock", "starting"], ids=["an owner that comes up", "a start before its owner is"])
@pytest.mark.parametrize(
    "command",
    [["start"], ["start", "--foreground"], ["start", "--context", "mine", "--kubeconfig", "theirs"], ["stop"]],
    ids=" ".join,
)
def test_while_a_cluster_comes_up_neither_start_nor_stop_touches_it(
    home: Path, kubeconfig: Path, capsys: pytest.CaptureFixture[str], command: list[str], held: str
) -> None:
    cluster = Cluster(home, "modelyard")
    cluster.remember(Using.NODE)
    (cluster.layout.data / "etcd").mkdir(parents=True)
    for file in (cluster.layout.owner_log, cluster.layout.kubeconfig):
        file.write_text("of the first\n")
    with lock.take(cluster.layout.folder / held, "cluster"):
        assert run(["cluster", *command]) == ExitCode.UNAVAILABLE
    said = capsys.readouterr().err
    assert "is being started" in said and f"tail -f {cluster.layout.owner_log}" in said
    assert cluster.using is Using.NODE and (cluster.layout.data / "etcd").is_dir()
    assert {path.read_text() for path in (cluster.layout.owner_log, cluster.layout.kubeconfig)} == {"of the first\n"}


@LINUX
def test_a_service_is_published_by_the_owner(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found, heard = Cluster(home, "modelyard"), list[Mapping[str, Any]]()
    found.remember(Using.NODE)

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        heard.append(question)
        return {"port": 8123}

    owner = Control(Layout(found.layout.folder).control, answer)
    try:
        assert run(["cluster", "publish", "apps/web", "80", "--port", "8123"]) == ExitCode.OK
    finally:
        owner.close()
    assert heard == [{"do": "publish", "namespace": "apps", "service": "web", "target": 80, "port": 8123}]
    assert capsys.readouterr().out == "http://127.0.0.1:8123\n"
    assert run(["cluster", "publish", "web", "80"]) == ExitCode.USAGE
    assert run(["cluster", "publish", "apps/web", "80"]) == ExitCode.UNAVAILABLE, "nobody is there any more"


def test_help_names_every_image_that_can_be_loaded_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["cluster", "load", "--help"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert [name for name in catalogue.RECIPES if name not in told] == ["pause", "coredns"]


INSTALLED: dict[str, Any] = {
    "type": "kubernetes:helm.sh/v3:Release",
    "inputs": {"chart": "oci://docker.io/envoyproxy/gateway-helm", "values": {"config": {"envoyGateway": {}}}},
}


@LINUX
def test_releases_are_installed_with_the_values_that_the_stack_gives_them(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = {"type": INSTALLED["type"], "inputs": {"chart": "external-secrets", "values": {"a": 1}}}
    values = cluster_install.declared([INSTALLED, other, {"type": "kubernetes:core/v1:Namespace"}])
    assert values == {"gateway-helm": {"config": {"envoyGateway": {}}}}, "nothing stands in for the other"
    here = Cluster(home, "modelyard")
    here.remember(Using.NODE)
    heard: list[Mapping[str, Any]] = []

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        heard.append(question)
        return {"lines": ["stood in for"]}

    owner = Control(here.layout.control, answer)
    try:
        assert cluster_install.install(here, list(values), values) == ["stood in for"]
        assert run(["cluster", "install", "argo-rollouts"]) == ExitCode.OK
    finally:
        owner.close()
    assert heard[0] == {"do": "install", "charts": ["gateway-helm"], "values": values}
    assert heard[1] == {"do": "install", "charts": ["argo-rollouts"], "values": {}}
    assert capsys.readouterr().out == "stood in for\n"
    assert run(["cluster", "install"]) == ExitCode.UNAVAILABLE, "nobody is there any more"


@pytest.mark.parametrize("using", [Using.KIND, Using.CONTEXT])
def test_charts_come_themselves_where_a_cluster_can_fetch_them(home: Path, using: Using) -> None:
    here = Cluster(home, "modelyard")
    here.remember(using)
    with pytest.raises(Refused, match="only a node of our own needs stand-ins"):
        cluster_install.install(here, ["argo-rollouts"], {})
