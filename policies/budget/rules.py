"""The rules of the budget pack, in the order in which the page of policies lists them."""

from policies.budget import listed, providers, resources
from policies.budget import pools_and_teams as parts
from policies.budget import whole_stack as plan
from policies.rule import Rule

RULES: tuple[Rule, ...] = (*plan.RULES, *parts.RULES, *resources.RULES, *listed.RULES, *providers.RULES)
