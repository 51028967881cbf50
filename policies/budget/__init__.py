"""The budget pack: the plan fits its ceiling, and nothing is made that the plan has not counted."""

from policies.budget import parts, plan, resources
from policies.rule import Rule

RULES: tuple[Rule, ...] = (*plan.RULES, *parts.RULES, *resources.RULES)
