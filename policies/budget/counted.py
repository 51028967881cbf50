"""What each resource costs by its own inputs, against what the plan has counted for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from policies.budget.bill import Unreadable, lines
from policies.budget.tree import component_of, inside, platform_of
from policies.graph import PLATFORM, Graph, Node
from policies.rule import Context, Finding, refuse
from pricing.bill import inputs
from pricing.bill.discounts import discounted
from pricing.bill.estimate import Estimator, stated_usage
from pricing.bill.free import why_free
from pricing.bill.priced import DECISIVE, NEIGHBOURS, PRICED
from pricing.book.book import PriceBook
from pricing.items.cost import ZERO, CostItem
from pricing.items.tokens import SCALER, STORAGE_CLASS
from pricing.items.usage import Usage

TOLERANCE = Decimal("0.00001")
"""USD; the plan writes its amounts with six decimals."""
SHARED = (STORAGE_CLASS, SCALER)
"""What decides the price of resources in other components too: classes of volumes, and how far workloads are scaled."""


@dataclass
class _Run:
    """What is worked out once in a run: the plan's lines, the usage that it states, and the items of each resource by URN."""

    planned: Mapping[tuple[str, str], Decimal]
    usage: Usage
    book: PriceBook
    today: datetime.date
    items: dict[str, tuple[CostItem, ...]] = field(default_factory=dict)


def as_counted(node: Node, context: Context) -> Iterator[Finding]:
    """What a resource costs by its own inputs is in the plan's bill, line by line.

    What decides the price of others has them judged again, so it does not matter which of them is registered first.
    """
    platform, component = platform_of(context), component_of(node, context.seen)
    if platform is None or component is None or node.type == PLATFORM:
        return  # told by in_the_plan, which is mandatory too
    region = platform.read("region")
    if _free(node, "" if region is None else str(region)):
        return
    try:
        run = _run(platform, context)
    except (Unreadable, ValueError) as wrong:
        yield refuse("", f"budget-undetermined: the plan cannot be read: {wrong}")
        return
    if node.type in DECISIVE:
        run.items.clear()
    yield from _judged(node, component, run, context)
    if node.type in NEIGHBOURS:
        yield from _again(node, component, run, context)


def _free(node: Node, region: str) -> bool:
    """Whether a resource costs nothing, whatever stands beside it, and decides no price of others."""
    if node.type in PRICED or node.type in DECISIVE or not why_free(node.type):
        return False
    return not inputs.findings(node, region)


def _again(node: Node, component: Node, run: _Run, context: Context) -> Iterator[Finding]:
    """Judges what may be priced by `node` and was registered before it."""
    others = context.seen.values() if node.type in SHARED else inside(component, context)
    for other in [each for each in others if each.type in PRICED and each.type != PLATFORM and each.urn != node.urn]:
        around = component_of(other, context.seen)
        for finding in _judged(other, around, run, context) if around else ():
            problem = replace(finding.problem, summary=f"with it, {other.name}: {finding.problem.summary}")
            yield replace(finding, problem=problem)


def _judged(node: Node, component: Node, run: _Run, context: Context) -> Iterator[Finding]:
    within = list(inside(component, context))
    shared = [each for each in context.seen.values() if each.type in SHARED and each not in within]
    estimator = Estimator(Graph((component, *within, *shared)), run.book, run.usage, run.today)
    run.items[node.urn] = found = estimator.items(node) or ()
    if not found:
        return
    alike = [each for each in (component, *within) if each.type in PRICED]
    for each in alike:
        if each.urn not in run.items:
            run.items[each.urn] = estimator.items(each) or ()
    for item in found:
        yield from _counted(node, item, run.planned, _together(item, [run.items[each.urn] for each in alike]))


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


def _together(item: CostItem, found: Iterable[tuple[CostItem, ...]]) -> Decimal:
    """What all resources of a component, of whatever type, can cost in one line: two cannot share what was counted once."""
    alike = (each.maximum for items in found for each in items if each.role == item.role)
    return sum((most for most in alike if most is not None), ZERO)


def _run(platform: Node, context: Context) -> _Run:
    """What the plan has counted for each line, the use that it states, and the prices; read once in a run."""
    if "budget" not in context.memory:
        region, today = platform.read("region"), datetime.date.today()
        book = PriceBook.embedded("" if region is None else str(region))
        context.memory["budget"] = _Run(
            planned={(line.component, line.role): line.maximum for line in lines(platform)},
            usage=stated_usage(Graph((platform,))),
            book=discounted(book, context.guard.discounts, today),
            today=today,
        )
    found: _Run = context.memory["budget"]
    return found
