"""Rules on every other resource: it stands in a component of the plan, and costs no more than the plan has counted for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from policies.budget.bill import Unreadable, lines
from policies.graph import PLATFORM, UNKNOWN, Graph, Node, items
from policies.rule import Context, Finding, Rule, Severity, refuse
from pricing.bill import inputs
from pricing.bill.discounts import discounted
from pricing.bill.estimate import Estimator, stated_usage
from pricing.bill.free import why_free
from pricing.bill.priced import PRICED
from pricing.book.book import PriceBook
from pricing.items.cost import ZERO, CostItem
from pricing.items.tokens import COMPONENT, GPU_POOL, LAUNCH_TEMPLATE, NODE_CLASS, NODE_POOL, SCALER, STORAGE_CLASS
from pricing.items.usage import Usage

TOLERANCE = Decimal("0.00001")
"""USD; the plan writes its amounts with six decimals."""
POOLS = (f"{COMPONENT}GeneralPool", GPU_POOL)
HOMES = {NODE_POOL: POOLS, NODE_CLASS: POOLS, LAUNCH_TEMPLATE: (f"{COMPONENT}SystemNodes",)}
"""Where nodes and their templates may stand: a template is free by itself, but decides what a node costs."""
SHARED = (STORAGE_CLASS, SCALER)
"""What decides the price of resources in other components too: classes of volumes, and how far workloads are scaled."""


def in_the_plan(node: Node, context: Context) -> Iterator[Finding]:
    """A resource that no component of the plan has made is one that nobody has counted."""
    if node.type.startswith("pulumi:") or node.type == PLATFORM:
        return
    platform = _platform(context)
    if platform is None:
        yield refuse(
            "",
            "it comes before, or without, the plan of the stack",
            allowed="resources under the platform, whose plan is judged first",
            fix="declare it through the platform; with --target, target the platform too",
        )
        return
    if node.type.startswith(COMPONENT):
        if not _planned(node, platform):
            yield refuse("", "a component that the plan does not name", found=_name(node))
        return
    component = _component(node, context.seen)
    if component is None:
        yield refuse("", "a resource outside a component, so its cost is in no plan", found=node.type)
    elif component.urn != platform.urn and not _planned(component, platform):
        yield refuse("", "it stands in a component that the plan does not name", found=_name(component))
    elif (home := HOMES.get(node.type)) and component.type not in home:
        yield refuse(
            "",
            "what decides how many nodes there are, and how large, stands only where the plan counts nodes",
            found=_name(component),
            allowed=", ".join(home),
        )
    elif any(_same_template(node, each) for each in context.seen.values()):
        yield refuse("", "a second template under one name, so nobody knows which one nodes are made from")


def priced_where_planned(node: Node, context: Context) -> Iterator[Finding]:
    """The plan's prices are those of its region, so a provider for another region would make it worthless."""
    platform = _platform(context)
    if platform is None or not node.type.startswith("aws:"):
        return
    if platform.read("region") is None:
        yield refuse("", "the plan has nothing of AWS in it", found=node.type, fix="plan it on AWS: name aws:region")
        return
    region = context.provider.read("region") if context.provider else None
    if region != platform.read("region"):
        shown = "a region that is not known" if region in (None, UNKNOWN) else region
        yield refuse(
            "",
            "budget-undetermined: its provider works in another region than the plan was priced for",
            found=shown,
            allowed=str(platform.read("region")),
            fix="take the platform's own provider",
        )


def as_counted(node: Node, context: Context) -> Iterator[Finding]:
    """What a resource costs by its own inputs is in the plan's bill, line by line."""
    platform, component = _platform(context), _component(node, context.seen)
    free = node.type not in PRICED and why_free(node.type) and node.type not in inputs.tables()
    if platform is None or component is None or node.type == PLATFORM or free:
        return
    try:
        planned, usage = _bill(platform, context)
    except (Unreadable, ValueError) as wrong:
        yield refuse("", f"budget-undetermined: the plan cannot be read: {wrong}")
        return
    inside = [each for each in context.seen.values() if _component(each, context.seen) is component]
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


def _platform(context: Context) -> Node | None:
    return next((node for node in context.seen.values() if node.type == PLATFORM), None)


def _component(node: Node, seen: Mapping[str, Node]) -> Node | None:
    """The nearest component above, by the parents that the engine names."""
    here, left = node, 50
    while here.parent and left:
        found = seen.get(here.parent)
        if found is None:
            return None
        if found.type.startswith(COMPONENT):
            return found
        here, left = found, left - 1
    return None


def _same_template(node: Node, other: Node) -> bool:
    if node.urn == other.urn or node.type != other.type:
        return False
    if node.type == LAUNCH_TEMPLATE:
        return node.parent == other.parent
    names = [each.read("metadata", "name") for each in (node, other)]
    return node.type == NODE_CLASS and (UNKNOWN in names or names[0] == names[1])


def _planned(component: Node, platform: Node) -> bool:
    named = items(platform.read("components"))
    return component.parent == platform.urn and _name(component) in named


def _name(component: Node) -> str:
    return f"{component.type.removeprefix(COMPONENT)}::{component.name}"


RULES = (
    Rule(
        name="resources-in-plan",
        pack="budget",
        severity=Severity.HIGH,
        description="Every resource is inside a component that the plan names.",
        fix="Declare it in a component, and count it in its part's bill.",
        applies_to=("",),
        check=in_the_plan,
    ),
    Rule(
        name="priced-region",
        pack="budget",
        severity=Severity.HIGH,
        description="Every AWS resource is created in the region whose prices the plan uses.",
        fix="Use the platform's own provider.",
        applies_to=("aws:",),
        check=priced_where_planned,
    ),
    Rule(
        name="resources-as-counted",
        pack="budget",
        severity=Severity.HIGH,
        description="No resource can cost more than the plan's bill has counted for it.",
        fix="Count it in its part's bill, or change the settings that the plan is made from.",
        applies_to=("aws:", "kubernetes:"),
        check=as_counted,
        exemptible=False,
    ),
)
