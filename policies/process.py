"""The process of one pack, or of all: it tells the engine first where it listens, and loads rules and facts meanwhile."""

from __future__ import annotations

import functools
import gc
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from policies.analyzer import answer

if TYPE_CHECKING:
    from policies.guard.model import Guard
    from policies.rule import Rule

VERSION = "0.1.0"
"""Version of every pack; the project's own."""


def run(arguments: Sequence[str], pack: str = "", guard: Path | None = None) -> None:
    """Serves one pack, or all, to the engine until it ends.

    `arguments` are the command's: `--guard FILE` names the guard file, and the engine appends its own address, which a pack does
    not need. `guard` holds where they name none. A run without either is refused.
    """
    # What is loaded here stays for good, so a search for garbage in it finds nothing.
    gc.disable()
    options = ArgumentParser(prog="policies")
    options.add_argument("--guard", type=Path, default=guard, required=guard is None)
    file: Path = options.parse_known_args(arguments)[0].guard
    answer(
        f"modelyard-{pack}" if pack else "modelyard",
        VERSION,
        functools.partial(_rules, pack),
        functools.partial(_guard, file),
        read_ahead,
    )


def _rules(pack: str) -> Sequence[Rule]:
    from policies.packs import rules

    return rules(pack)


def _guard(file: Path) -> Guard:
    from policies.guard.file import load

    return load(file)


def read_ahead() -> None:
    """Reads what the first resources would otherwise wait for: schemas, facts of the pinned charts, prices and their inputs."""
    import policies.budget.counted
    import policies.paths.reachable  # noqa: F401
    from core.versions import CHARTS
    from kube import charts, custom
    from kube.builtin import schemas
    from pricing.bill import inputs
    from pricing.book.book import PriceBook

    PriceBook.embedded("us-east-1")
    inputs.tables()
    schemas()
    for api_version, kind in custom.kinds():
        custom.custom(api_version, kind)
    for chart in CHARTS.values():
        charts.crds(chart.name, chart.version)
    gc.freeze()
    gc.enable()
