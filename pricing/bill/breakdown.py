"""Who causes a bill: its lines summed by component, by pool, or by whatever a reader sorts them by. Nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from pricing.items.cost import ZERO, CostItem, Totals, totals

SHARED = "shared"
"""What no pool causes by itself: network, control plane, system nodes."""


def by(items: Iterable[CostItem], key: Callable[[CostItem], str]) -> dict[str, Totals]:
    """The sums for each value of `key`, dearest first; they add up to the sums over all items, unpriced ones included."""
    groups: dict[str, list[CostItem]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    summed = {name: totals(group) for name, group in groups.items()}
    return dict(sorted(summed.items(), key=lambda each: (-each[1].maximum, each[0])))


def component(item: CostItem) -> str:
    """The component that a line belongs to."""
    return item.component


def pool(item: CostItem) -> str:
    """The pool that a line belongs to, `general` for the general pool, SHARED for the rest."""
    return pool_of(item.component) or SHARED


def pool_of(component: str) -> str:
    """The pool that a component is, `general` for the general pool; empty for what no pool causes."""
    if component == "general-pool":
        return "general"
    return component.removeprefix("gpu-pool-") if component.startswith("gpu-pool-") else ""


def team_of(component: str, owners: Mapping[str, str], owner: str) -> str:
    """The team that answers for a component: its pool's own, else the stack's `owner`."""
    return owners.get(pool_of(component)) or owner


def maxima(lines: Iterable[tuple[str, str, Decimal]]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The maxima (USD a month) of every pool and of every team, from lines of (component, team, maximum)."""
    pools: dict[str, Decimal] = {}
    teams: dict[str, Decimal] = {}
    for component_name, team, maximum in lines:
        teams[team] = teams.get(team, ZERO) + maximum
        if name := pool_of(component_name):
            pools[name] = pools.get(name, ZERO) + maximum
    return pools, teams
