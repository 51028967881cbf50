"""The registry of a cluster is its own pod where pods run, and the sandbox's where none can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.worlds.sandbox import runs_pods
from sandbox.kubernetes.real.api import Api
from sandbox.kubernetes.real.awaiting import KWOK_NODE

REAL, FAKE = {"metadata": {"name": "a"}}, {"metadata": {"name": "b", "annotations": {KWOK_NODE: "fake"}}}


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    """A kubeconfig of a server that does not answer."""
    file = tmp_path / "kubeconfig"
    context = {"name": "one", "context": {"cluster": "one", "user": "one"}}
    cluster = {"name": "one", "cluster": {"server": "https://127.0.0.1:9"}}
    users = [{"name": "one", "user": {"token": "x"}}]
    file.write_text(
        yaml.safe_dump({"current-context": "one", "contexts": [context], "clusters": [cluster], "users": users})
    )
    return file


@pytest.mark.parametrize(
    ("nodes", "found"), [([], False), ([FAKE], False), ([REAL], True), ([FAKE, REAL], True)], ids=str
)
def test_pods_run_where_one_node_is_no_simulation(
    kubeconfig: Path, monkeypatch: pytest.MonkeyPatch, nodes: list[dict[str, Any]], found: bool
) -> None:
    def request(_: Api, method: str, path: str, **__: object) -> dict[str, Any]:
        assert (method, path) == ("GET", "/api/v1/nodes")
        return {"items": nodes}

    monkeypatch.setattr(Api, "request", request)
    assert runs_pods(kubeconfig) is found


def test_a_cluster_that_does_not_answer_runs_none(kubeconfig: Path) -> None:
    assert not runs_pods(kubeconfig)
