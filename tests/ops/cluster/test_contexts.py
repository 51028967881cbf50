"""A cluster of the user's own, named by a context of a kubeconfig: taken, never ended, and refused when it cannot run pods."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import ExitCode, Refused
from ops.cli import run
from ops.cluster import kubeconfig as cluster_kubeconfig
from ops.cluster import running as cluster
from ops.cluster import start as cluster_start
from ops.cluster.running import Cluster
from tests.ops.cluster.theirs import UP, program


def test_a_cluster_of_the_users_is_taken_and_never_ended(
    home: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = program(home, "kind", "exit 0")
    monkeypatch.setattr(cluster_start, "reached", lambda _: UP)
    monkeypatch.setattr(cluster, "reached", lambda _: UP)
    before = kubeconfig.read_text()
    assert run(["cluster", "start", "--context", "mine", "--kubeconfig", str(kubeconfig)]) == ExitCode.OK
    found = yaml.safe_load(Cluster(home, "modelyard").layout.kubeconfig.read_text())
    assert (found["current-context"], found["clusters"][0]["cluster"]["server"]) == ("modelyard", "https://127.0.0.1:1")
    assert found["contexts"][0]["name"] == "modelyard", "which is what the stack names"
    assert found["clusters"][0]["cluster"]["certificate-authority"] == str(home / "ca.crt"), "it stands elsewhere now"
    assert "secret" not in yaml.safe_dump(found), "only what the context needs is copied"
    assert run(["cluster", "start", "--context", "mine"]) == ExitCode.OK, "it is taken already"
    for asked in (["--context", "other"], ["--using", "node"], ["--context", "mine", "--load", "mlflow"]):
        assert run(["cluster", "start", *asked]) == ExitCode.USAGE, asked
    assert run(["cluster", "load", "mlflow"]) == ExitCode.REFUSED
    assert run(["cluster", "stop"]) == ExitCode.OK
    assert (log.read_text(), kubeconfig.read_text()) == ("", before)


@pytest.mark.parametrize(
    ("answer", "said"),
    [(None, "does not answer"), ({**UP, "ready": False}, "has no ready node")],
    ids=["dead", "no node"],
)
def test_a_cluster_of_the_users_that_cannot_run_pods_is_refused_and_not_noted(
    home: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | None, said: str
) -> None:
    monkeypatch.setattr(cluster_start, "reached", lambda _: answer)
    with pytest.raises(Refused, match=said) as refused:
        cluster_start.start_context(Cluster(home, "one"), [kubeconfig], "mine")
    assert refused.value.code is ExitCode.UNAVAILABLE
    assert Cluster(home, "one").using is None and not Cluster(home, "one").layout.kubeconfig.exists()


def test_a_context_that_the_file_does_not_have_is_refused_with_those_it_has(
    home: Path, kubeconfig: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["cluster", "start", "--context", "mne", "--kubeconfig", str(kubeconfig)]) == ExitCode.USAGE
    assert "mine, other" in capsys.readouterr().err
    assert run(["cluster", "start", "--context", "mine", "--kubeconfig", str(home / "none")]) == ExitCode.USAGE


def test_a_context_is_looked_for_in_each_file_of_kubeconfig_and_the_first_counts(
    home: Path, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_start, "reached", lambda _: UP)
    first = home / "below" / "first"
    first.parent.mkdir()
    user = {"client-certificate": "me.crt"}
    first.write_text(yaml.safe_dump({"users": [{"name": "me", "user": user}], "contexts": None}))
    monkeypatch.setenv("KUBECONFIG", f"{home / 'none'}:{first}:{kubeconfig}")
    cluster_start.start_context(Cluster(home, "one"), cluster_kubeconfig.own(), "mine")
    found = yaml.safe_load(Cluster(home, "one").layout.kubeconfig.read_text())
    assert found["users"] == [{"name": "me", "user": {"client-certificate": str(home / "below" / "me.crt")}}]
    assert found["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"


@pytest.mark.parametrize(
    "content",
    [
        b"a plain string",
        b"\xff\xfe\x00",
        b"- a list",
        b"a: {",
        b"contexts: [{name: mine}]",
        b"contexts: [mine, 3]",
        b"contexts: {mine: here}",
        b"contexts: [{name: mine, context: {cluster: gone}}]",
    ],
    ids=["text", "binary", "list", "broken", "bare context", "names", "mapping", "no cluster"],
)
def test_a_file_that_is_no_kubeconfig_is_refused_and_not_noted(home: Path, content: bytes) -> None:
    (home / "theirs").write_bytes(content)
    assert run(["cluster", "start", "--context", "mine", "--kubeconfig", str(home / "theirs")]) == ExitCode.USAGE
    assert Cluster(home, "modelyard").using is None
