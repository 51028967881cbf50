"""Where a resource is in the tree of a stack: the platform that holds the plan, and the component around the resource."""

from __future__ import annotations

from collections.abc import Mapping

from policies.graph import PLATFORM, Node
from policies.rule import Context
from pricing.items.tokens import COMPONENT


def platform_of(context: Context) -> Node | None:
    """The platform of the stack, as far as it has been seen."""
    return next((node for node in context.seen.values() if node.type == PLATFORM), None)


def component_of(node: Node, seen: Mapping[str, Node]) -> Node | None:
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
