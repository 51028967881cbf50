"""Every attack that is declared, found by walking the files of `kinds`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

from tests.attacks import kinds
from tests.attacks.attack import Attack, Harmless


def _modules() -> Iterator[ModuleType]:
    for found in sorted(pkgutil.walk_packages(kinds.__path__, f"{kinds.__name__}."), key=lambda each: each.name):
        yield importlib.import_module(found.name)


def attacks() -> tuple[Attack, ...]:
    """Every attack, in the order of the files' names."""
    return tuple(each for module in _modules() for each in getattr(module, "ATTACKS", ()))


def harmless() -> tuple[Harmless, ...]:
    """Every harmless neighbour of an attack."""
    return tuple(each for module in _modules() for each in getattr(module, "HARMLESS", ()))
