"""How one declared resource names another: by URN while its id is not known yet, else by the id that stands there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from policies.graph import items, mapping
from pricing.items.graph import UNKNOWN, Graph, Node, Unknown

Key: TypeAlias = "str | Unknown"
"""A URN of the graph, the id of something that somebody else made, or UNKNOWN."""


def keys(node: Node, types: tuple[str, ...], *path: str) -> tuple[Key, ...]:
    """What the value at `path` names, resources of `types` only; a value that nothing explains is one UNKNOWN.

    The engine says for a top-level input which resources it comes from, so an id that is not known yet has a URN all the same.
    """
    leaves = list(_leaves(node.read(*path)))
    urns = tuple(urn for urn in node.references.get(path[0], ()) if type_of(urn) in types)
    if not leaves or len(urns) >= len(leaves):
        return urns if leaves else ()
    if urns:
        return (*urns, UNKNOWN)
    return tuple(leaves)


def key(node: Node, types: tuple[str, ...], *path: str) -> Key | None:
    """The one thing that the value at `path` names; None when nothing stands there."""
    return next(iter(keys(node, types, *path)), None)


def type_of(urn: str) -> str:
    """The type token inside a URN; empty for text that is none."""
    parts = urn.split("::", 3)
    return parts[2].rpartition("$")[2] if len(parts) == 4 else ""


def name_of(key: Key, graph: Graph) -> str:
    """What a reader calls it: the logical name of a declared resource, the id of any other."""
    if key is UNKNOWN:
        return "one that is not known yet"
    node = graph.get(str(key))
    return node.name if node else str(key).rpartition("::")[2]


def namespace_of(node: Node, graph: Graph) -> str:
    """The namespace of an object or a release; the name of a Namespace that it refers to; empty when nobody knows."""
    release = node.type.endswith(":Release")
    said = node.read("namespace") if release else node.read("metadata", "namespace")
    if isinstance(said, str):
        return said
    for urn in node.references.get("namespace" if release else "metadata", ()):
        found = graph.get(urn)
        if found is not None and found.type == NAMESPACE and isinstance(found.read("metadata", "name"), str):
            return str(found.read("metadata", "name"))
    return "default" if said is None else ""


def labels_of(value: object) -> dict[str, str]:
    """The labels that are known."""
    return {str(key): inner for key, inner in mapping(value).items() if isinstance(inner, str)}


def _leaves(value: Any) -> Iterator[Key]:
    if value is UNKNOWN or isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            # A selector by tags names nobody: what carries the tag is not to be seen.
            yield from _leaves(mapping(each).get("id", UNKNOWN) if not isinstance(each, str) else each)


NAMESPACE = "kubernetes:core/v1:Namespace"

__all__ = ["NAMESPACE", "UNKNOWN", "Graph", "Key", "Node", "items", "key", "keys", "labels_of", "mapping", "name_of"]
