"""The policy packs' rules over a made-up stack: what refuses the last resource registered, or the whole stack."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from policies.evaluate import Evaluator, Verdict
from policies.guard.model import Guard
from policies.packs import rules
from policies.rule import Level
from pricing.items.graph import Graph, Node

TODAY = datetime.date(2026, 11, 24)
GUARD = Guard(
    max_monthly_usd={"dev": Decimal(5000), "prod": Decimal(90000)},
    required_tags=("Environment", "ManagedBy", "Owner"),
    stacks={"dev": "dev", "prod": "prod"},
)


def node(
    token: str,
    inputs: Mapping[str, Any],
    *,
    name: str = "it",
    under: str = "",
    stack: str = "dev",
    references: Mapping[str, Sequence[str]] | None = None,
) -> Node:
    """A resource of a stack, `dev` unless it is named; `under` is the URN of its parent."""
    above = f"{under.split('::')[2]}$" if under else ""
    urn = f"urn:pulumi:{stack}::modelyard::{above}{token}::{name}"
    made = {
        "urn": urn,
        "type": token,
        "name": name,
        "inputs": inputs,
        "parent": under or f"urn:pulumi:{stack}::modelyard::pulumi:pulumi:Stack::modelyard-{stack}",
    }
    return Graph.of([{**made, "references": references} if references else made]).nodes[0]


def refusals(
    nodes: Sequence[Node], *, pack: str = "", provider: Node | None = None, guard: Guard = GUARD, whole: bool = False
) -> set[str]:
    """The names of the rules that refuse the last of `nodes`, or with `whole` the stack of all of them."""
    evaluator = Evaluator(rules(pack), lambda: guard, TODAY)
    told: list[Verdict] = []
    for each in nodes:
        told = evaluator.resource(each, provider)
    if whole:
        told = [*told, *evaluator.stack(nodes)]
    return {verdict.rule.name for verdict in told if verdict.level is Level.MANDATORY}
