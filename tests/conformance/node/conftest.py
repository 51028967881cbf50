"""One real node for the tests of this folder, and a namespace of it for each test."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator

import pytest

from sandbox import lab
from sandbox.lab import Lab
from sandbox.node.giving import give
from sandbox.node.node import Node, started
from tests.conformance.node.kube import Space
from tests.conformance.node.machine import Machine
from tests.roots import ROOT

_NUMBERS = itertools.count(1)


def say(line: str) -> None:
    print(line, file=sys.stderr)


@pytest.fixture(scope="session")
def before() -> Machine:
    """The machine before any node."""
    return Machine.now()


@pytest.fixture(scope="session")
def node(before: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with the Python image on it."""
    with started(ROOT, tmp_path_factory.mktemp("node"), say=say) as running:
        give(ROOT, running, "python", say)
        yield running


@pytest.fixture(scope="session")
def chain(before: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A cluster of its own with the controllers, the gateway and a model's image: a stack would meet them on `node`."""
    with lab.started(ROOT, tmp_path_factory.mktemp("chain"), say=say, images=["model-server"]) as found:
        yield found


@pytest.fixture
def space(node: Node) -> Iterator[Space]:
    """A namespace in which pods are held to `restricted`."""
    found = Space(node, f"test-{next(_NUMBERS)}")
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": found.name, "labels": level}})
    yield found
    found.kubectl("delete", "namespace", found.name, "--wait=false")
