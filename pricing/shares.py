"""Who causes a bill: its lines summed by component, by pool, or by whatever a reader sorts them by. Nothing is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pricing.cost import CostItem, Totals, totals

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
    if item.component == "general-pool":
        return "general"
    return item.component.removeprefix("gpu-pool-") if item.component.startswith("gpu-pool-") else SHARED
