"""The sandbox's registry of a stack, run on from one command to the next as a real one is: loading MLflow takes seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from sandbox.stack.mlflow_server import MlflowServer, start

Start = Callable[..., MlflowServer]


class Lasting(MlflowServer):
    """A registry that a command does not end."""

    def close(self) -> None:
        """Left to whoever started it."""


@contextlib.contextmanager
def lasting() -> Iterator[Start]:
    """Stands in for `sandbox.stack.mlflow_server.start`: one server for each folder, for the block."""
    running: dict[tuple[Path, bool], MlflowServer] = {}

    def again(folder: Path, cache: Path, env: Mapping[str, str], *, users: bool) -> MlflowServer:
        key = (folder, users)
        if key not in running:
            running[key] = start(folder, cache, env, users=users)
        return Lasting(running[key].url, running[key].password, running[key].process)

    try:
        yield again
    finally:
        for server in running.values():
            server.close()
