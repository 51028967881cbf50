"""Where the price of a resource depends on others, this is how they are found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from pricing.items.graph import Node


class Neighbours(Protocol):
    """Finds what a resource's price depends on."""

    def template(self, node: Node) -> Node | None:
        """The launch template that a group or an instance starts from."""

    def node_class(self, name: str) -> Node | None:
        """The EC2NodeClass of that name."""

    def owner(self, node: Node, token: str) -> Node | None:
        """The component of that type that a resource stands in."""

    def of_type(self, *types: str) -> Iterable[Node]:
        """Every resource of those types in the stack."""


def only(found: Iterable[Node]) -> Node | None:
    """The one that answers to a reference; None when none does, or when two do and nobody knows which is meant."""
    candidates = list(found)
    return candidates[0] if len(candidates) == 1 else None
