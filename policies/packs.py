"""The registry of packs: the one list that the engine, the documentation and the tests walk."""

from __future__ import annotations

import functools
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path

from policies.budget import rules as budget
from policies.rule import Rule
from policies.security import rules as security

VERSION = "0.1.0"
"""Version of every pack; the project's own."""

PACKS: Mapping[str, tuple[Rule, ...]] = {"budget": budget.RULES, "security": security.RULES}
"""Pack -> its rules; names of rules are unique over all packs."""


def rules(pack: str = "") -> tuple[Rule, ...]:
    """The rules of one pack, or of all."""
    return PACKS[pack] if pack else tuple(rule for each in PACKS.values() for rule in each)


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


def run(arguments: Sequence[str], pack: str = "", guard: Path | None = None) -> None:
    """Serves one pack, or all, to the engine until it ends.

    `arguments` are the command's: `--guard FILE` names the guard file, and the engine appends its own address, which a pack does
    not need. `guard` holds where they name none. A run without either is refused.
    """
    from policies.analyzer import answer
    from policies.guard.file import load

    options = ArgumentParser(prog="policies")
    options.add_argument("--guard", type=Path, default=guard, required=guard is None)
    file: Path = options.parse_known_args(arguments)[0].guard
    answer(
        f"modelyard-{pack}" if pack else "modelyard", VERSION, rules(pack), functools.partial(load, file), read_ahead
    )
