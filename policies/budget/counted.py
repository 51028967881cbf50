"""What each resource costs by its own inputs, against what the plan has counted for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from policies.budget.bill import Unreadable, lines
from policies.budget.tree import component_of, platform_of
from policies.graph import PLATFORM, Graph, Node
from policies.rule import Context, Finding, refuse
from pricing.bill import inputs
from pricing.bill.discounts import discounted
from pricing.bill.estimate import Estimator, stated_usage
from pricing.bill.free import why_free
from pricing.bill.priced import PRICED
from pricing.book.book import PriceBook
from pricing.items.cost import ZERO, CostItem
from pricing.items.tokens import SCALER, STORAGE_CLASS
from pricing.items.usage import Usage

TOLERANCE = Decimal("0.00001")
"""USD; the plan writes its amounts with six decimals."""
SHARED = (STORAGE_CLASS, SCALER)
"""What decides the price of resources in other components too: classes of volumes, and how far workloads are scaled."""


def as_counted(node: Node, context: Context) -> Iterator[Finding]:
    """What a resource costs by its own inputs is in the plan's bill, line by line."""
    platform, component = platform_of(context), component_of(node, context.seen)
    free = node.type not in PRICED and why_free(node.type) and node.type not in inputs.tables()
    if platform is None or component is None or node.type == PLATFORM or free:
        return
    try:
        planned, usage = _bill(platform, context)
    except (Unreadable, ValueError) as wrong:
        yield refuse("", f"budget-undetermined: the plan cannot be read: {wrong}")
        return
    inside = [each for each in context.seen.values() if component_of(each, context.seen) is component]
    region = platform.read("region")
    today = datetime.date.today()
    book = discounted(PriceBook.embedded("" if region is None else str(region)), context.guard.discounts, today)
    shared = [each for each in context.seen.values() if each.type in SHARED and each not in inside]
    estimator = Estimator(Graph((component, *inside, *shared)), book, usage, today)
    alike = [each for each in inside if each.type == node.type]
    for item in estimator.items(node) or ():
        yield from _counted(node, item, planned, _together(item, alike, estimator))


def _counted(
    node: Node, item: CostItem, planned: Mapping[tuple[str, str], Decimal], most: Decimal
) -> Iterator[Finding]:
    counted = planned.get((item.component, item.role))
    if item.maximum is None:
        why = "; ".join(item.assumptions)
        yield refuse("", f"budget-undetermined: what it costs cannot be determined: {why}", found=node.type)
    elif counted is None and most:
        yield refuse("", f"the plan has not counted `{item.role}`", found=f"at most {most:.2f} USD a month")
    elif counted is not None and most > counted + TOLERANCE:
        yield refuse(
            "",
            f"`{item.role}` can cost more than the plan has counted",
            found=f"at most {most:.2f} USD a month",
            allowed=f"{counted:.2f} USD",
        )


def _together(item: CostItem, alike: Sequence[Node], estimator: Estimator) -> Decimal:
    """What all resources of a type in a component can cost in one line: two cannot share what was counted once."""
    items = (each for node in alike for each in estimator.items(node) or ())
    return sum(
        (cost_item.maximum for cost_item in items if cost_item.role == item.role and cost_item.maximum is not None),
        ZERO,
    )


def _bill(platform: Node, context: Context) -> tuple[dict[tuple[str, str], Decimal], Usage]:
    """What the plan has counted for each line, and the use that it states; read once in a run."""
    if "budget" not in context.memory:
        planned = {(line.component, line.role): line.maximum for line in lines(platform)}
        context.memory["budget"] = planned, stated_usage(Graph((platform,)))
    found: tuple[dict[tuple[str, str], Decimal], Usage] = context.memory["budget"]
    return found
