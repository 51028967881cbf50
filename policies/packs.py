"""The registry of packs: the one list that the engine, the documentation and the tests walk."""

from __future__ import annotations

from collections.abc import Mapping

from policies.budget import rules as budget
from policies.rule import Rule
from policies.security import rules as security

PACKS: Mapping[str, tuple[Rule, ...]] = {"budget": budget.RULES, "security": security.RULES}
"""Pack -> its rules; names of rules are unique over all packs."""


def rules(pack: str = "") -> tuple[Rule, ...]:
    """The rules of one pack, or of all."""
    return PACKS[pack] if pack else tuple(rule for each in PACKS.values() for rule in each)
