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
from typing import Any, TypeVar

import requests
import yaml

from components.catalogue import GROUPS
from sandbox.programs import tools
from tests.roots import ROOT

T = TypeVar("T")
PATIENCE = 300.0
"""Seconds after which a test gives up. Nothing takes nearly so long, on a machine that has much else to do either."""


def tool(name: str) -> Path:
    """The file of a real program, built when it is not there yet."""
    return tools.ensure(ROOT, [name], lambda line: print(line, file=sys.stderr))[name]


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus at `url`."""

    url: str

    def ask(self, query: str, at: float | None = None) -> list[dict[str, Any]]:
        """The series that a query gives now, or `at` a moment (seconds since the epoch), each with `metric` and `value`."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        return list(self._data("query", query=query, **moment)["result"])

    def scraped(self) -> float:
        """Waits for a scrape that begins after this call and is answered, and gives its moment (seconds since the epoch).

        All that the target counted before the call is in what Prometheus has at that moment.
        """
        called = time.time()

        def later() -> float:
            moments = (float(each["value"][1]) for each in self.ask("timestamp(up) and up == 1"))
            return max((moment for moment in moments if moment > called), default=0)

        return self.wait(later)

    def firing(self) -> dict[str, dict[str, Any]]:
        """The alerts that fire now, by name."""
        alerts = self._data("alerts")["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"}

    def wait(self, what: Callable[[], T]) -> T:
        """Waits until `what` gives something true, and gives that. Raises AssertionError after PATIENCE."""
        ends = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < ends, self.firing()
            time.sleep(0.2)
        return found

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
            deadline = time.monotonic() + PATIENCE
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
