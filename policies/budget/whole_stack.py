"""Rules on the root component, which registers the plan of the whole stack before anything else exists."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator

from policies.budget.bill import Unreadable, amount, lines, maximum
from policies.graph import PLATFORM, Node, stack_of
from policies.guard.ceilings import Bounds, refusals
from policies.guard.deployed import Deployed
from policies.rule import Context, Finding, Rule, Severity, refuse
from pricing.bill.discounts import discounted
from pricing.book.book import PriceBook


def plan_is_determined(node: Node, context: Context) -> Iterator[Finding]:
    """Every line of the bill has its amounts, they add up, and they were made with the prices that the pack has."""
    try:
        maximum(node)
    except Unreadable as wrong:
        yield refuse(
            wrong.where,
            f"budget-undetermined: {wrong}",
            allowed="a price for every line, and lines that add up to the total",
        )
        return
    region, version = node.read("region"), node.read("bill", "priceBook")
    book = PriceBook.embedded("" if region is None else str(region))
    known = discounted(book, context.guard.discounts, datetime.date.today()).version
    if version != known:
        yield refuse(
            "bill.priceBook",
            "budget-undetermined: the plan was made with other prices or discounts than these policies have",
            found=version,
            allowed=known,
            fix="let program and policies come from one checkout",
        )


def plan_within_ceiling(node: Node, context: Context) -> Iterator[Finding]:
    """The maximum fits the guard file's ceiling and the stack's own budget, which can only be the lower one."""
    stack, guard, today = stack_of(node), context.guard, datetime.date.today()
    deployed = Deployed.of_variables(os.environ)
    try:
        items = lines(node)
    except Unreadable:
        return  # told by plan_is_determined, which is mandatory too
    budget = amount(node.read("budget", "monthlyUsd"))
    if budget is None:
        yield refuse("budget.monthlyUsd", "budget-undetermined: the budget is no known amount")
        return
    bounds = Bounds(
        stack=stack,
        environment=guard.environment(stack),
        misnamed=tuple(guard.misnamed(stack, str(node.read("environment")))),
        budget=budget,
        ceiling=guard.ceiling(stack, today),
        deployed=deployed,
        most_after=guard.most_after(stack, deployed, today),
    )
    yield from (Finding(problem=problem) for problem in refusals(items, bounds))


def one_plan(node: Node, context: Context) -> Iterator[Finding]:
    """A second plan would be a second budget, and a plan under something is not the whole stack's."""
    others = [urn for urn, each in context.seen.items() if each.type == PLATFORM and urn != node.urn]
    if others:
        yield refuse("", "a second platform in one stack", found=node.name, allowed="one plan, one budget")
    if node.parent and not node.parent.split("::")[2].endswith("pulumi:pulumi:Stack"):
        yield refuse("", "the platform stands under another resource", found=node.parent.rpartition("::")[2])


RULES = (
    Rule(
        name="budget-undetermined",
        pack="budget",
        severity=Severity.HIGH,
        description="Every line of the plan's bill has a price, and the lines add up to its total.",
        fix="Use types and regions whose prices are known, set limits, or refresh the price book.",
        applies_to=(PLATFORM,),
        check=plan_is_determined,
        exemptible=False,
    ),
    Rule(
        name="budget-ceiling",
        pack="budget",
        severity=Severity.HIGH,
        description="The plan's maximum fits the stack's budget, which fits the ceiling of its environment.",
        fix="Lower limits, or let a guardian raise the ceiling in guard.yaml.",
        applies_to=(PLATFORM,),
        check=plan_within_ceiling,
        exemptible=False,
    ),
    Rule(
        name="one-plan",
        pack="budget",
        severity=Severity.HIGH,
        description="A stack has exactly one platform, directly under the stack. It holds the plan of the whole stack.",
        fix="Declare everything in one platform.",
        applies_to=(PLATFORM,),
        check=one_plan,
        exemptible=False,
    ),
)
