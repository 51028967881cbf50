"""A real MLflow server for each worker, and a project whose provider finds it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlflow_provider.api import Server
from sandbox.stack import mlflow_server as registry
from tests.conformance.registry.playground import Playground
from tests.roots import ROOT

PLANTED = "planted-secret-0f4e8d"


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.MlflowServer]:
    """A server that asks for a password; tests share it and use names of their own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    server = registry.start(tmp_path_factory.mktemp("mlflow"), ROOT / ".sandbox" / "cache", env, users=True)
    yield server
    server.close()


@pytest.fixture
def server(running: registry.MlflowServer) -> Server:
    """The server as its admin sees it."""
    return Server(running.url, registry.ADMIN, running.password)


@pytest.fixture
def fresh() -> Callable[[str], str]:
    """Makes a name that nobody else has on the shared server."""
    mark = uuid.uuid4().hex[:8]
    return lambda name: f"{name}-{mark}"


@pytest.fixture
def playground(tmp_path: Path, running: registry.MlflowServer) -> Callable[..., Playground]:
    """Makes a project whose provider finds the shared server, or another when variables say so."""

    return lambda **env: Playground.made(tmp_path / "root", env or running.variables())
