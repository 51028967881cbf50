"""What prod declares, read once: the NodePools that the simulation is about."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.declared import Declared, declare
from infra.loaded import LoadedStack
from infra.program import make
from infra.stack.file import StackFile
from infra.stack.settings import Stack
from ops.simulate.pools import Purchase, purchases

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def stack() -> Stack:
    return Stack.read(StackFile.read(ROOT / "Pulumi.prod.yaml"))


@pytest.fixture(scope="session")
def declared() -> dict[str, Declared]:
    return declare(make(LoadedStack.read("prod", ROOT / "Pulumi.prod.yaml")), project="modelyard", stack="prod")


@pytest.fixture(scope="session")
def asked(stack: Stack, declared: dict[str, Declared]) -> tuple[Purchase, ...]:
    return purchases(stack, declared)
