"""How the provider finds a registry that is only in the cluster, and who it is there; `kubectl` is a script of the test's."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mlflow_provider.api import Unavailable
from mlflow_provider.connection import URL, Connection
from mlflow_provider.credentials import Secrets

KUBECTL = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
case "$*" in
  *"get secret registry-keys --namespace modelyard-registry --output jsonpath={.data.adminPassword}") echo KEPT ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:4711 -> 5000"; exec sleep 60 ;;
  *) echo "Error: hunter2 is not here" >&2; exit 1 ;;
esac
"""
WAY = {"namespace": "modelyard-registry", "service": "registry", "port": 5000, "context": "kind-modelyard"}
KEPT = {"secret": "registry-keys", "secretKey": "adminPassword"}


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """What the script was called with; the cluster's Secret holds `correct-horse`."""
    script = tmp_path / "kubectl"
    script.write_text(KUBECTL.replace("KEPT", base64.b64encode(b"correct-horse").decode()))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    yield tmp_path / "asked"


def connected(way: dict[str, object], **environ: str) -> Connection:
    return Connection({"user": "admin", "portForward": way}, Secrets({}, environ))


def test_the_admins_password_is_read_from_the_clusters_own_secret_when_the_server_is_asked(asked: Path) -> None:
    connection = connected({**WAY, **KEPT})
    assert connection.near_key is None and not asked.exists()
    with closing(connection):
        server = connection.server()
    assert (server.url, server.user, server.password) == ("http://127.0.0.1:4711", "admin", "correct-horse")
    assert all(line.startswith("--context kind-modelyard ") for line in asked.read_text().splitlines())


def test_without_a_secret_nobody_signs_in(asked: Path) -> None:
    with closing(connected(WAY)) as connection:
        server = connection.server()
    assert (server.user, server.password, connection.near_key) == ("", "", "")
    assert "secret" not in asked.read_text()


def test_another_address_leaves_the_cluster_alone(asked: Path) -> None:
    connection = connected({**WAY, **KEPT}, **{URL: "http://127.0.0.1:9"})
    assert (connection.server().url, connection.server().user) == ("http://127.0.0.1:9", "")
    assert not asked.exists()


def test_a_secret_that_is_not_there_is_named_and_what_kubectl_says_is_not_repeated(asked: Path) -> None:
    with pytest.raises(Unavailable, match="Secret modelyard-registry/other") as told:
        connected({**WAY, **KEPT, "secret": "other"}).server()
    assert "hunter2" not in str(told.value) and asked.exists()


def test_an_address_of_ones_own_names_no_user_since_it_is_said_when_nobody_answers() -> None:
    assert connected({}, **{URL: "https://mlflow.example.org/a@b"}).server().url == "https://mlflow.example.org/a@b"
    with pytest.raises(Unavailable, match="has a user or a password in it") as found:
        connected({}, **{URL: "https://admin:hunter2@mlflow.example.org"}).server()
    assert "hunter2" not in str(found.value)
