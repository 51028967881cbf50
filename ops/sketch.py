"""What a stack's plan says by itself: its settings and its pools' arithmetic, with no engine, cloud or toolchain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from components.nodes.nodepools import arithmetic
from infra.declared import declare
from ops import commands
from ops.worlds.world import Place


def lines(place: Place) -> Iterator[str]:
    """The plan for a person, a line at a time. Raises Refused for a stack file that cannot be."""
    stack = place.loaded.stack
    settings = stack.settings
    declared = declare(commands.program(place), project="modelyard", stack=place.stack)
    kinds = Counter(each.token.partition(":")[0] for each in declared.values() if each.custom)
    where = stack.region or "a cluster outside AWS"
    yield f"{settings.full_name} in {where}: budget {settings.budget.monthly_usd} USD a month"
    yield f"it declares {kinds['aws']} AWS resources and {kinds['kubernetes']} Kubernetes objects"
    for name, bound in stack.pools.items():
        yield from arithmetic(name, bound).splitlines()
