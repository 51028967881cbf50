"""Copies that a test may change: the stack file of dev under the platform's own program, and the packs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from infra.guard import GUARD
from infra.loaded import LoadedStack
from infra.program import make
from tests.roots import ROOT

STACK_FILE = ROOT / "Pulumi.dev.yaml"


def changed(folder: Path, old: str, new: str, guard: Path = GUARD) -> Callable[[], None]:
    """The platform's own program, of dev's stack file with one change."""
    text = STACK_FILE.read_text()
    file = folder / "Pulumi.dev.yaml"
    file.write_text(re.sub(old, new, text))
    assert file.read_text() != text
    return lambda: make(replace(LoadedStack.read("dev", file), guard_file=guard))()


def copied_packs(folder: Path) -> Path:
    """A checkout with the packs and what they stand on, in `folder`."""
    copy = folder / "copy"
    for room in ("core", "engine", "kube", "policies", "pricing"):
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "guard.yaml", copy / "guard.yaml")
    return copy
