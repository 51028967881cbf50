"""Rules on the parts of the plan: each pool's and each team's maximum fits its budget, and each pool's payer is the plan's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from decimal import Decimal

from policies.budget.bill import Unreadable, amount, lines
from policies.graph import PLATFORM, Node, mapping, stack_of
from policies.guard import pools_and_teams
from policies.guard.deployed import Deployed
from policies.rule import Context, Finding, Rule, Severity, refuse
from pricing.bill import breakdown as shares
from pricing.items.tokens import GPU_POOL


def parts_within_budgets(node: Node, context: Context) -> Iterator[Finding]:
    """What the lines of a pool or of a team add up to fits the stack's budget for it and the guard file's ceiling."""
    stack = stack_of(node)
    try:
        pools, teams = shares.maxima((line.component, line.team, line.maximum) for line in lines(node))
    except Unreadable:
        return  # told by plan_is_determined, which is mandatory too
    deployed = Deployed.of_variables(os.environ).parts
    for kind, key, maxima in (("Pool", "pools", pools), ("Team", "teams", teams)):
        budgets: dict[str, Decimal] = {}
        for name, stated in mapping(node.read("budget", f"per{kind}")).items():
            found = amount(stated)
            if found is None:
                yield refuse(f"budget.per{kind}.{name}", "budget-undetermined: this budget is no known amount")
            else:
                budgets[name] = found
        bounds, environment = context.guard.part_ceilings(kind, stack), context.guard.environment(stack) or "*"
        for part in pools_and_teams.parts(kind, environment, maxima, budgets, bounds, deployed.get(key, {})):
            yield from (Finding(problem=problem) for problem in pools_and_teams.refusals(part))


def payer_as_planned(node: Node, context: Context) -> Iterator[Finding]:
    """A pool belongs to the team that pays for it in the plan."""
    platform = next((each for each in context.seen.values() if each.type == PLATFORM), None)
    if platform is None:
        return  # told by in_the_plan, which is mandatory too
    try:
        counted = {line.team for line in lines(platform) if line.component == node.name}
    except Unreadable:
        return
    payer = node.read("spec", "owner")
    payer = platform.read("owner") if payer is None else payer
    if counted - {payer}:
        yield refuse(
            "spec.owner",
            "the plan has counted the pool for another team",
            found=payer if isinstance(payer, str) else "a team that is not known",
            allowed=", ".join(sorted(counted)),
        )


RULES = (
    Rule(
        name="budget-parts",
        pack="budget",
        severity=Severity.HIGH,
        description="The maximum of each pool and of each team fits its budget, which fits the ceiling in the guard file.",
        fix="Lower the pool's limits, or raise its budget as far as its ceiling allows.",
        applies_to=(PLATFORM,),
        check=parts_within_budgets,
        exemptible=False,
    ),
    Rule(
        name="budget-payer",
        pack="budget",
        severity=Severity.HIGH,
        description="A pool belongs to the team that pays for it in the plan.",
        fix="Use one stack file for the plan and the pool.",
        applies_to=(GPU_POOL,),
        check=payer_as_planned,
        exemptible=False,
    ),
)
