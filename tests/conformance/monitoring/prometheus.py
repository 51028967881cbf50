"""A real Prometheus for one test: the platform's rules at a pace that a test can wait for, one scraped server, and questions."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import yaml

from components.catalogue import GROUPS
from sandbox.programs import tools
from tests.roots import ROOT


def tool(name: str) -> Path:
    """The file of a real program, built when it is not there yet."""
    return tools.ensure(ROOT, [name], lambda line: print(line, file=sys.stderr))[name]


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus at `url`."""

    url: str

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The series that a query gives now, each with `metric` and `value`."""
        return list(self._data("query", query=query)["result"])

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire now, by name."""
        alerts = self._data("alerts")["alerts"]
        return {each["labels"]["alertname"]: each for each in alerts if each["state"] == "firing"}

    def wait(self, what: Callable[[], bool], seconds: float) -> float:
        """Waits until `what` holds and gives how long that took (seconds). Raises AssertionError when it takes longer."""
        began = time.monotonic()
        while not what():
            assert time.monotonic() - began < seconds, self.firing()
            time.sleep(0.2)
        return time.monotonic() - began

    def _data(self, path: str, **params: str) -> dict[str, Any]:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=params, timeout=10).json()
        assert answer["status"] == "success", answer
        found: dict[str, Any] = answer["data"]
        return found


def hurried(group: Mapping[str, Any], hold: str) -> dict[str, Any]:
    """A group's spec that is evaluated every second and holds each alert for `hold`; its expressions stay as they are."""
    (only,) = group["groups"]
    rules = [{**rule, "for": hold} if "alert" in rule else rule for rule in only["rules"]]
    return {"groups": [{**only, "interval": "1s", "rules": rules}]}


@contextlib.contextmanager
def watching(folder: Path, target: Mapping[str, Any], *, hold: str) -> Iterator[Prometheus]:
    """A Prometheus under `folder` that scrapes `target` (a scrape config) and has every hurried rule loaded."""
    folder.mkdir()
    files = []
    for group in GROUPS:
        path = folder / f"{group.name}.rules.yaml"
        path.write_text(yaml.safe_dump(hurried(group.spec(), hold), width=1000))
        files.append(path.name)
    paced = {"evaluation_interval": "1s", "scrape_interval": "3s", "scrape_timeout": "3s"}
    config = {"global": paced, "rule_files": files, "scrape_configs": [dict(target)]}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(tool("prometheus")),
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while not _ready(url):
                assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
                time.sleep(0.2)
            yield Prometheus(url)
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/-/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False
