"""The rules of the budget pack, in the order in which the page of policies lists them."""

from policies.budget import parts, plan, resources
from policies.rule import Rule

RULES: tuple[Rule, ...] = (*plan.RULES, *parts.RULES, *resources.RULES)
