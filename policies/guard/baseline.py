"""What is deployed, priced from the resources in a stack's state: the judge's own figure, and never one that a program exports.

A program can export any amount, so its outputs prove nothing. What the state's resources cost at today's prices is what the
packs judged when they were made.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.problem import Refused
from engine.marks import SIGNATURE
from policies.graph import UNKNOWN, Graph
from policies.guard.deployed import Deployed
from policies.guard.model import Guard
from pricing.bill import breakdown as shares
from pricing.bill.discounts import discounted
from pricing.bill.estimate import Estimate, estimate, stated_usage
from pricing.book.book import PriceBook
from pricing.items.cost import ZERO
from pricing.items.graph import Node
from pricing.items.tokens import GPU_POOL, PLATFORM
from pricing.items.usage import Usage

AWS_PROVIDER = "pulumi:providers:aws"
TEXTS = {"aws:ssm/parameter:Parameter": ("insecureValue", "value", "valueWo")}
"""Texts by type whose length decides a price, and which a plan counts at their longest: it does not know them yet."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What is deployed for the gates, and the whole estimate behind it; None when nothing is deployed or it cannot be priced."""

    deployed: Deployed
    estimate: Estimate | None = None


def first_deployment(history: Iterable[Mapping[str, Any]]) -> bool:
    """Whether no update of a stack has ever succeeded, by the backend's history of it.

    What a first update leaves behind when it fails is no deployment that a second one would be held to. A stack that was deployed
    and emptied is one, so that deleting everything does not make the next step free.
    """
    return not any(each.get("kind") == "update" and each.get("result") == "succeeded" for each in history)


def baseline(
    state: Mapping[str, Any], *, stack: str, guard: Guard, today: datetime.date, planned: Usage | None = None
) -> Baseline:
    """Prices what the state of a stack holds, at the lower of the use that it states and of what is `planned`.

    No amount is above its ceiling in the guard file. What cannot be priced adds nothing, so that it makes no room for more.
    """
    try:
        graph = Graph.of(_records(state.get("resources") or ()))
        book = discounted(PriceBook.embedded(_region(graph)), guard.discounts, today)
        stated = stated_usage(graph)
        usages = [stated] if planned in (None, stated) else [stated, planned or stated]
        estimates = [estimate(graph, book, today, usage) for usage in usages]
    except (Refused, ValueError, _Unclear) as wrong:
        return Baseline(deployed=Deployed(unreadable=f"the state cannot be priced: {wrong}"))
    maxima, pools, teams = zip(*(_sums(each, graph) for each in estimates), strict=True)
    found = Deployed(maximum=min(maxima), parts={"pools": _lower(pools), "teams": _lower(teams)})
    parts = {"pools": guard.part_ceilings("Pool", stack), "teams": guard.part_ceilings("Team", stack)}
    return Baseline(deployed=found.at_most(guard.ceiling(stack, today), parts), estimate=estimates[0])


class _Unclear(Exception):
    """What of a state keeps it from being priced."""


def _records(resources: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, object]]:
    """The state's resources as the graph takes them, without those that another replaces or that are only read."""
    for each in resources:
        if each.get("delete") or each.get("external"):
            continue
        urn = str(each.get("urn", ""))
        yield {
            "urn": urn,
            "type": each.get("type"),
            "name": urn.split("::", 3)[-1],
            "parent": each.get("parent"),
            "inputs": _as_planned(each),
            "depends": each.get("dependencies") or (),
            "references": each.get("propertyDependencies") or {},
        }


def _as_planned(resource: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the plan knew them: a text or a number that another resource gave is not known, so it counts at its worst."""
    given = {key for key, urns in (resource.get("propertyDependencies") or {}).items() if urns}
    later = given.union(TEXTS.get(str(resource.get("type")), ()))
    return {
        key: UNKNOWN if key in later and not isinstance(value, Mapping | list) else _plain(value)
        for key, value in (resource.get("inputs") or {}).items()
    }


def _plain(value: Any) -> Any:
    """A value of the state; a secret, which stands there encrypted, is not known."""
    if isinstance(value, Mapping):
        return UNKNOWN if SIGNATURE in value else {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _region(graph: Graph) -> str:
    """The region of everything of AWS in a state, by its providers; empty where there is nothing of AWS."""
    if not any(node.type.startswith("aws:") for node in graph.nodes):
        return ""
    regions = {node.read("region") for node in graph.of_type(AWS_PROVIDER)}
    if len(regions) != 1 or not isinstance(region := regions.pop(), str):
        raise _Unclear("its providers of AWS do not name one region")
    return region


def _sums(priced: Estimate, graph: Graph) -> tuple[Decimal, dict[str, Decimal], dict[str, Decimal]]:
    """The maximum of everything, of each pool and of each team."""
    platform = next(graph.of_type(PLATFORM), None)
    owners = {shares.pool_of(node.name): _text(node, "spec", "owner") for node in graph.of_type(GPU_POOL)}
    owner = _text(platform, "owner") if platform else ""
    lines = [
        (item.component, shares.team_of(item.component, owners, owner), item.maximum)
        for item in priced.items
        if item.maximum is not None
    ]
    pools, teams = shares.maxima(lines)
    return sum((amount for _, _, amount in lines), ZERO), pools, teams


def _text(node: Node, *path: str) -> str:
    found = node.read(*path)
    return found if isinstance(found, str) else ""


def _lower(each: Sequence[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """The lowest amount of each name that every map has."""
    names = set(each[0]).intersection(*each)
    return {name: min(amounts[name] for amounts in each) for name in sorted(names)}
