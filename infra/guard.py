"""The guard file of this checkout, which everything that runs a program here gives to its gate.

A stack file, wherever it lies, cannot name another one.
"""

from __future__ import annotations

from pathlib import Path

from policies.guard.file import NAME, load
from policies.guard.model import Guard

GUARD = Path(__file__).resolve().parents[1] / NAME


def guard() -> Guard:
    """What the guard file holds. Raises Refused for every mistake in it."""
    return load(GUARD)
