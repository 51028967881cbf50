"""What a rule may read: the graph's plain values, and how to find one's way in a URN and in a nest of properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pricing.items.graph import UNKNOWN, Graph, Node, Value
from pricing.items.tokens import PLATFORM

__all__ = [
    "PLATFORM",
    "UNKNOWN",
    "Graph",
    "Node",
    "Value",
    "inputs_of",
    "inside",
    "items",
    "label",
    "mapping",
    "places",
    "stack_of",
]


def _qualified_types(urn: str) -> list[str]:
    parts = urn.split("::", 3)
    return parts[2].split("$") if len(parts) == 4 else []


def inside(node: Node, component: str) -> bool:
    """Whether the resource stands under a component of this type, at any depth; its URN says so."""
    return component in _qualified_types(node.urn)[:-1]


def stack_of(node: Node) -> str:
    """The name of the stack that a resource is of; its URN says so."""
    return node.urn.split("::", 1)[0].removeprefix("urn:pulumi:")


def label(node: Node) -> str:
    """The resource as an exemption names it: its type token and its logical name."""
    return f"{node.type}::{node.name}"


def mapping(value: object) -> Mapping[str, Any]:
    """`value` when it is a map, else an empty one: absent and unknown hold nothing to look at."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> tuple[Any, ...]:
    """The items of a list; one map alone, as a block that may stand once is written, counts as a list of one."""
    if isinstance(value, Mapping):
        return (value,)
    return tuple(value) if isinstance(value, list | tuple) else ()


def places(value: object, path: str = "") -> Iterator[tuple[str, str, Any]]:
    """Every (path, key, value) under `value`, maps and lists themselves included, outermost first."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            here = f"{path}.{key}" if path else str(key)
            yield here, str(key), inner
            yield from places(inner, here)
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from places(inner, f"{path}[{index}]")


_walked: dict[str, tuple[Node, tuple[tuple[str, str, Any], ...]]] = {}


def inputs_of(node: Node) -> tuple[tuple[str, str, Any], ...]:
    """Every place of a resource's inputs; kept for the last resource, for one rule after the other asks."""
    known = _walked.get(node.urn)
    if known is None or known[0] is not node:
        _walked.clear()
        known = _walked[node.urn] = (node, tuple(places(node.inputs)))
    return known[1]
