"""A real control plane for the tests of this folder, once a process; what they count is printed at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from sandbox.kubernetes.real.controlplane import ControlPlane
from tests.conformance.stacks.lasting import Start, lasting
from tests.roots import ROOT

NODE = "tests/conformance/node"
"""The folder whose tests share one real node, and so one worker."""


@pytest.fixture(scope="session")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """etcd, the API server, all controllers and the scheduler of the pinned Kubernetes."""
    folder = tmp_path_factory.mktemp("plane")
    with ControlPlane.started(ROOT, folder, say=lambda line: print(line, file=sys.stderr)) as running:
        yield running


@pytest.fixture
def registries() -> Iterator[Start]:
    """Starts the sandbox's registries so that they run on between a test's commands."""
    with lasting() as start:
        yield start


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leaves this folder unread where its tests are not wanted: what the labs need may not be installed there."""
    return True if config.option.markexpr == "not conformance" else None


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """Each file is one worker's, and so is the whole folder of the real node."""

    def _split_scope(self, nodeid: str) -> str:
        return NODE if nodeid.startswith(f"{NODE}/") else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    """Distributes by file where that is asked for."""
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what tests recorded as `conformance`."""
    passed = terminalreporter.getreports("passed")
    lines = [text for report in passed for name, text in report.user_properties if name == "conformance"]
    if lines:
        terminalreporter.section("conformance")
        for line in lines:
            terminalreporter.line(str(line))
