"""How long 500 declared items take, against the same items made one after the other by MLflow's own client.

    python -m tests.bench.registry [--rounds N]     exits 1 when a bar is missed

Both work on a real MLflow server (sqlite, with its users) that holds nothing yet, each on one of its own, in turn, and both go
through the door that counts requests.
"""

from __future__ import annotations

import argparse
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from unittest import mock

from mlflow_provider.api import Server
from sandbox.stack import mlflow_server as registry
from tests.bench.result import Result, tell
from tests.conformance.registry.door import Door
from tests.conformance.registry.playground import Playground
from tests.roots import ROOT

MODELS, PROMPTS = 200, 150
"""Each prompt has an alias: 500 items."""


@contextmanager
def empty(folder: Path) -> Iterator[registry.MlflowServer]:
    """A server with nothing in it, loaded and answering."""
    server = registry.start(folder, ROOT / ".sandbox" / "cache", os.environ, users=True)
    try:
        Server(server.url, registry.ADMIN, server.password).get("2.0/mlflow/users/current")
        yield server
    finally:
        server.close()


def bare(server: registry.MlflowServer) -> tuple[float, int]:
    """Seconds and requests that MLflow's own client needs, one call after the other; its import does not count."""
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    door = Door(server.url)
    with closing(door), mock.patch.dict(os.environ, server.variables()):
        client = mlflow.MlflowClient(door.url)
        started = time.perf_counter()
        for number in range(MODELS):
            client.create_registered_model(f"model-{number}", tags={"team": "ml"}, description=f"The {number}th")
        for number in range(PROMPTS):
            client.register_prompt(f"prompt-{number}", f"Answer {number} kindly.", tags={"team": "ml"})
            client.set_prompt_alias(f"prompt-{number}", "live", 1)
        return time.perf_counter() - started, door.requests


def declared(play: Playground) -> None:
    """The same items in a stack file's block."""
    about = {"tags": {"team": "ml"}}
    play.content = {
        "models": {f"model-{number}": {"description": f"The {number}th", **about} for number in range(MODELS)},
        "prompts": {
            f"prompt-{number}": {
                "file": play.prompt(f"{number}.md", f"Answer {number} kindly."),
                "aliases": {"live": {}},
                **about,
            }
            for number in range(PROMPTS)
        },
    }


def ours(folder: Path, server: registry.MlflowServer) -> tuple[float, int, int]:
    """Seconds of the `up`, the requests that it made, and those of a preview after it."""
    door = Door(server.url)
    play = Playground.made(folder / "project", {**server.variables(), "MODELYARD_REGISTRY_URL": door.url})
    declared(play)
    with closing(door), play.engine() as engine:
        started = time.perf_counter()
        done = engine.up()
        seconds = time.perf_counter() - started
        made = done.events.changes.get("create", 0)
        if not done.ok or made < MODELS + 2 * PROMPTS:
            raise RuntimeError(f"up: {done.events.changes} {[error.message for error in done.events.errors][:3]}")
        asked = door.requests
        again = engine.preview()
        if not again.ok or again.events.touched:
            raise RuntimeError(f"a preview finds changes: {again.events.changes}")
        return seconds, asked, door.requests - asked


def main() -> int:
    """Measures and tells; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each (3)")
    rounds: int = parser.parse_args().rounds
    loops, ups, calls, asked, previewed = [], [], 0, 0, 0
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as text:
            folder = Path(text)
            with empty(folder / "bare") as server:
                seconds, calls = bare(server)
                loops.append(seconds)
            with empty(folder / "ours") as server:
                seconds, asked, more = ours(folder, server)
                ups.append(seconds)
                previewed = max(previewed, more)
        sys.stderr.write(f"round {number + 1}: client {loops[-1]:.1f} s, up {ups[-1]:.1f} s\n")
    count = MODELS + 2 * PROMPTS
    results = [
        Result(name=f"registry: {count} items by MLflow's client", value=statistics.median(loops), unit="s"),
        Result(name=f"registry: up of {count} items", value=statistics.median(ups), unit="s"),
        Result(
            name="registry: up / client",
            value=statistics.median(up / loop for up, loop in zip(ups, loops, strict=True)),
            unit="ratio",
            bar=1.0,
        ),
        Result(name="registry: requests of the client", value=calls, unit="requests"),
        Result(name="registry: requests of the up", value=asked, unit="requests"),
        Result(name="registry: requests of a preview without a change", value=previewed, unit="requests", bar=0),
    ]
    return tell(results)


if __name__ == "__main__":
    sys.exit(main())
