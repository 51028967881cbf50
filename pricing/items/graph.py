"""The resource graph of one stack as plain values, shared by the cost estimate and the policy rules.

It is built from plain dicts only, so that neither needs the engine. A value that the engine does not know yet, or that
is no plain value at all, is `UNKNOWN`: whoever reads it has to decide, because it has no truth value.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TypeAlias

from core.problem import Problem, Refused


class Unknown(enum.Enum):
    """The type of `UNKNOWN`; test with `value is UNKNOWN`."""

    UNKNOWN = "unknown"

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: test it with `is UNKNOWN`")

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN = Unknown.UNKNOWN

Value: TypeAlias = "bool | int | float | str | Unknown | tuple[Value, ...] | Mapping[str, Value] | None"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One resource or component: its URN, type token, logical name, parent's URN, inputs and what it depends on.

    `references` says for an input from which resources its value comes; it is there even when the value is not known yet.
    """

    urn: str
    type: str
    name: str
    parent: str | None = None
    inputs: Mapping[str, Value] = field(default_factory=dict)
    depends: tuple[str, ...] = ()
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def read(self, *path: str | int) -> Value:
        """The input at a path (`read("limits", "gpus")`): None when absent, UNKNOWN when it or a part above is."""
        here: Value = self.inputs
        for step in path:
            if here is UNKNOWN:
                return UNKNOWN
            if isinstance(here, Mapping) and isinstance(step, str):
                here = here.get(step)
            elif isinstance(here, tuple) and isinstance(step, int) and 0 <= step < len(here):
                here = here[step]
            else:
                return None
        return here


@dataclass(frozen=True)
class Graph:
    """All resources of one stack in the order given; URNs are unique."""

    nodes: tuple[Node, ...] = ()

    @classmethod
    def of(cls, records: Iterable[Mapping[str, object]]) -> Graph:
        """A graph from dicts with `urn`, `type`, `name` and optionally `parent`, `inputs`, `depends`,
        `references`.

        Raises Refused when a record lacks one of the first three, when its inputs are no mapping, and when two have the
        same URN.
        """
        nodes: dict[str, Node] = {}
        problems: list[Problem] = []
        for index, record in enumerate(records):
            missing = [key for key in ("urn", "type", "name") if not isinstance(record.get(key), str)]
            if missing:
                problems.append(
                    Problem(summary="a resource needs a urn, a type and a name", where=f"[{index}].{missing[0]}")
                )
                continue
            if not isinstance(record.get("inputs", {}), Mapping):
                problems.append(Problem(summary="inputs must be a mapping", where=f"[{index}].inputs"))
                continue
            node = _node(record)
            if node.urn in nodes:
                problems.append(Problem(summary="two resources have the same urn", where=f"[{index}]", found=node.urn))
            nodes[node.urn] = node
        if problems:
            raise Refused(problems)
        return cls(tuple(nodes.values()))

    @cached_property
    def _by_urn(self) -> Mapping[str, Node]:
        return {node.urn: node for node in self.nodes}

    @cached_property
    def _by_parent(self) -> Mapping[str | None, tuple[Node, ...]]:
        grouped: dict[str | None, list[Node]] = {}
        for node in self.nodes:
            grouped.setdefault(node.parent, []).append(node)
        return {parent: tuple(children) for parent, children in grouped.items()}

    @cached_property
    def _by_type(self) -> Mapping[str, tuple[Node, ...]]:
        grouped: dict[str, list[Node]] = {}
        for node in self.nodes:
            grouped.setdefault(node.type, []).append(node)
        return {token: tuple(alike) for token, alike in grouped.items()}

    def get(self, urn: str) -> Node | None:
        """The resource of that URN, or None."""
        return self._by_urn.get(urn)

    def of_type(self, *types: str) -> Iterator[Node]:
        """Every resource whose type token is one of `types`, in order."""
        if len(types) == 1:
            return iter(self._by_type.get(types[0], ()))
        return (node for node in self.nodes if node.type in types)

    def children(self, node: Node) -> tuple[Node, ...]:
        """The resources whose parent is `node`, in order."""
        return self._by_parent.get(node.urn, ())

    def below(self, node: Node) -> Iterator[Node]:
        """Everything under `node`, children before grandchildren, each once even if parents form a ring."""
        seen = {node.urn}
        waiting = [node]
        while waiting:
            fresh = [child for parent in waiting for child in self.children(parent) if child.urn not in seen]
            seen.update(child.urn for child in fresh)
            yield from fresh
            waiting = fresh

    def above(self, node: Node) -> Iterator[Node]:
        """The ancestors of `node`, nearest first; a parent that is not in the graph (the stack, mostly) ends it."""
        seen = {node.urn}
        here = self.get(node.parent) if node.parent else None
        while here is not None and here.urn not in seen:
            seen.add(here.urn)
            yield here
            here = self.get(here.parent) if here.parent else None

    def owner(self, node: Node, *types: str) -> Node | None:
        """The nearest ancestor whose type token is one of `types`, or None when the resource stands outside of all."""
        return next((ancestor for ancestor in self.above(node) if ancestor.type in types), None)


def plain(value: object) -> Value:
    """The value with lists as tuples and read-only mappings; what is no plain value (an asset, say) is UNKNOWN."""
    if value is None or isinstance(value, bool | int | float | str | Unknown):
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({str(key): plain(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return UNKNOWN


def _node(record: Mapping[str, object]) -> Node:
    inputs = record.get("inputs", {})
    depends = record.get("depends", ())
    parent = record.get("parent")
    references = record.get("references", {})
    return Node(
        urn=str(record["urn"]),
        type=str(record["type"]),
        name=str(record["name"]),
        parent=parent if isinstance(parent, str) and parent else None,
        inputs=MappingProxyType({str(key): plain(item) for key, item in inputs.items()})
        if isinstance(inputs, Mapping)
        else MappingProxyType({}),
        depends=tuple(str(urn) for urn in depends) if isinstance(depends, list | tuple) else (),
        references=MappingProxyType({str(key): tuple(map(str, urns)) for key, urns in references.items()})
        if isinstance(references, Mapping)
        else MappingProxyType({}),
    )
