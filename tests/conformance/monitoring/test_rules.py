"""A real Prometheus takes every rule, and promtool sees every alert fire on one series and stay silent on another."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.catalogue import GROUPS, alerts, recordings
from sandbox.programs import tools
from tests.components.monitoring.promtool import write_rules, write_tests
from tests.conformance.monitoring.prometheus import PATIENCE
from tests.roots import ROOT

pytestmark = pytest.mark.conformance


def tool(name: str) -> Path:
    return tools.ensure(ROOT, [name], lambda line: print(line, file=sys.stderr))[name]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_promtool_takes_every_rule(tmp_path: Path) -> None:
    done = run(tool("promtool"), "check", "rules", *(path.name for path in write_rules(tmp_path)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for group in GROUPS:
        assert f"SUCCESS: {len(group.alerts) + len(group.recordings)} rules found" in done.stdout


def test_every_alert_fires_where_it_should_and_nowhere_else(tmp_path: Path, record_property: Any) -> None:
    rules = write_rules(tmp_path)
    done = run(tool("promtool"), "test", "rules", write_tests(tmp_path, rules).name, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    record_property(
        "conformance", f"promtool: {len(alerts())} alerts, each on one series that fires and one that does not"
    )


def test_promtool_sees_a_wrong_threshold(tmp_path: Path) -> None:
    rules = write_rules(tmp_path)
    (wrong,) = (path for path in rules if "GpuThermalThrottling" in path.read_text())
    text = wrong.read_text()
    assert "> 0.05" in text
    wrong.write_text(text.replace("> 0.05", "> 0.5"))
    done = run(tool("promtool"), "test", "rules", write_tests(tmp_path, rules).name, cwd=tmp_path)
    assert done.returncode != 0
    assert "GpuThermalThrottling" in done.stdout + done.stderr


def test_a_real_prometheus_loads_every_rule(tmp_path: Path, record_property: Any) -> None:
    rules = write_rules(tmp_path)
    for path in rules:
        # A group is first looked at within its interval, and nobody wants to wait a minute for that.
        path.write_text(path.read_text().replace("interval: 1m", "interval: 1s"))
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(path) for path in rules]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        str(tool("prometheus")),
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            found = evaluated(f"http://127.0.0.1:{port}/api/v1/rules")
        finally:
            server.terminate()
    names = {rule["name"] for group in found for rule in group["rules"]}
    assert names == {alert.name for alert in alerts()} | {rule.record for rule in recordings()}
    broken = [rule["name"] for group in found for rule in group["rules"] if rule["health"] != "ok"]
    assert broken == []
    record_property("conformance", f"a real Prometheus loaded and evaluated {len(names)} rules in {len(found)} groups")


def evaluated(url: str) -> list[Any]:
    """Every group, once each of its rules has been evaluated."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        time.sleep(0.25)
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own server
                groups: list[Any] = json.load(answer)["data"]["groups"]
        except OSError:
            continue
        if groups and all(rule["health"] != "unknown" for group in groups for rule in group["rules"]):
            return groups
    raise AssertionError(f"Prometheus did not evaluate its rules within {PATIENCE:.0f} s")
