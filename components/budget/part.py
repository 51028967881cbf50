"""The AWS Budget as a part."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import meters as lines


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    """A budget that acts; one that only tells, and anomaly detection, are free."""
    if stack.settings.budget.watch.action is not None:
        yield from lines.budget_action(meters.at("budget", "nothing-new"))


PART = Part(
    name="budget",
    about="the budget that AWS itself watches, and what it does when the money is spent",
    when="in AWS, unless `budget.watch.enabled` is false",
    there=lambda stack: stack.aws is not None and stack.settings.budget.watch.enabled,
    components=lambda _stack: ("Budget::budget",),
    bill=_bill,
)
