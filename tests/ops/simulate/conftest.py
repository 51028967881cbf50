"""What prod declares, read once: the NodePools that the simulation is about."""

from __future__ import annotations

import pytest

from infra.declared import Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from ops.simulate.cluster.pools import Purchase, purchases
from tests.roots import ROOT


@pytest.fixture(scope="session")
def stack() -> Stack:
    return Stack.read(StackFile.read(ROOT / "Pulumi.prod.yaml"))


@pytest.fixture(scope="session")
def declared() -> dict[str, Declared]:
    return declare(make(LoadedStack.read("prod", ROOT / "Pulumi.prod.yaml")), project="modelyard", stack="prod")


@pytest.fixture(scope="session")
def asked(stack: Stack, declared: dict[str, Declared]) -> tuple[Purchase, ...]:
    return purchases(stack, declared)
