"""The registry of packs: the one list that the engine, the documentation and the tests walk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from policies import budget, security
from policies.rule import Rule

if TYPE_CHECKING:
    from policies.guard.model import Guard

VERSION = "0.1.0"
"""Version of every pack; the project's own."""

PACKS: Mapping[str, tuple[Rule, ...]] = {"budget": budget.RULES, "security": security.RULES}
"""Pack -> its rules; names of rules are unique over all packs."""

GUARD = Path(__file__).parent / "guard.yaml"


def rules(pack: str = "") -> tuple[Rule, ...]:
    """The rules of one pack, or of all."""
    return PACKS[pack] if pack else tuple(rule for each in PACKS.values() for rule in each)


def guard() -> Guard:
    """The guard file; raises Refused for a bad one."""
    from policies.guard.file import load

    return load(GUARD)


def read_ahead() -> None:
    """Reads what the first resources would otherwise wait for: schemas, facts of the pinned charts, prices and their inputs."""
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


def run(pack: str = "") -> None:
    """Serves one pack, or all, to the engine until it ends."""
    from policies.analyzer import answer

    answer(f"modelyard-{pack}" if pack else "modelyard", VERSION, rules(pack), guard, read_ahead)
