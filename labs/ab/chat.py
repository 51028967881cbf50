"""The app under test, as its image runs it: `python -m app` with its own settings, on a loopback port."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx

from core.problem import ExitCode, Problem, Refused

READY_SECONDS = 60.0


@contextlib.contextmanager
def serving(root: Path, settings: Mapping[str, str], log: Path) -> Iterator[str]:
    """The app while the block runs; gives its URL. Raises Refused (`FAILED`) when it does not become ready, with its reason."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    env = {"PATH": os.environ.get("PATH", ""), **settings, "HOST": "127.0.0.1", "PORT": str(port)}
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "app"], cwd=root, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        _ready(url, process, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until, why = time.monotonic() + READY_SECONDS, "it does not listen"
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = httpx.get(f"{url}/readyz", timeout=10, trust_env=False)
            if answer.status_code == httpx.codes.OK:
                return
            why = str(answer.json()["why"])
        time.sleep(0.2)
    raise Refused(Problem(summary="the app is not ready", found=why, fix=f"read {log}"), ExitCode.FAILED)
