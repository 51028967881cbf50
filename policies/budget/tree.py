"""Where a resource is in the tree of a stack: the platform that holds the plan, and the component around the resource."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from policies.graph import PLATFORM, Node
from policies.rule import Context
from pricing.items.tokens import COMPONENT


@dataclass
class _Places:
    """How many resources have been placed, and which stand in each component, by URN."""

    seen: int = 0
    inside: dict[str, list[str]] = field(default_factory=dict)


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


def inside(component: Node, context: Context) -> Iterator[Node]:
    """Every resource that has been seen in a component, nearest component only; each one's place is worked out once in a run."""
    known: _Places = context.memory.setdefault("tree", _Places())
    for urn, node in islice(context.seen.items(), known.seen, None):
        around = component_of(node, context.seen)
        if around is not None:
            known.inside.setdefault(around.urn, []).append(urn)
    known.seen = len(context.seen)
    return (context.seen[urn] for urn in known.inside.get(component.urn, ()))
