"""Which AWS services somebody calls, read from the role that it has: a permission that nobody uses is not granted here."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import yaml_lines
from policies.paths.keys import UNKNOWN, Graph, Key, Node, items, key, keys, mapping

ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
POLICY = "aws:iam/policy:Policy"
INLINE = "aws:iam/rolePolicy:RolePolicy"

HIDDEN = "?"
"""What stands for a call that cannot be read: the role is not declared, or its policy is one that nobody knows."""
LATER = "later"
"""What stands for the calls of a policy that holds another resource's id, which only deployment tells."""


@functools.cache
def _table() -> Mapping[str, Any]:
    text = (Path(__file__).parent / "data" / "services.yaml").read_text(encoding="utf-8")
    return yaml_lines.load(text)  # type: ignore[no-any-return]


class Calls:
    """The roles of a graph, each with the services that its policies name."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._of: dict[Key, set[str]] = {}
        self._takes: dict[Key, set[str]] = {}
        self._named = {node.read("name"): node.urn for node in graph.of_type(ROLE)}
        for node in graph.of_type(ATTACHMENT):
            self._add(node, self._attached(node))
        for node in graph.of_type(INLINE):
            self._add(node, _services(node))
            role = key(node, (ROLE,), "role")
            if role is not None:
                self._takes.setdefault(role, set()).update(_taken(node))

    def of(self, role: Key | None) -> frozenset[str]:
        """The services that the holder of a role calls, by their endpoints' names; HIDDEN among them when not all is known.

        What the roles allow that it may take counts too: it calls with them from where it stands.
        """
        if role is None or role is UNKNOWN or self._graph.get(str(role)) is None:
            return frozenset((HIDDEN,))
        found, left = set[Key](), [role]
        while left:
            each = left.pop()
            if each not in found:
                found.add(each)
                left += [self._named[name] for name in self._takes.get(each, ()) if name in self._named]
        return frozenset(service for each in found for service in self._of.get(each, ()))

    def _add(self, node: Node, services: Iterator[str]) -> None:
        role = key(node, (ROLE,), "role")
        if role is not None:
            self._of.setdefault(role, set()).update(services)

    def _attached(self, node: Node) -> Iterator[str]:
        named = node.read("policyArn")
        name = named.rpartition("/")[2] if isinstance(named, str) else ""
        if name in _table()["managed"]:
            yield from _endpoints(_table()["managed"][name])
            return
        own = [self._graph.get(str(key)) for key in keys(node, (POLICY,), "policyArn")]
        for policy in own:
            yield from (HIDDEN,) if policy is None else _services(policy)


def _services(policy: Node) -> Iterator[str]:
    document = policy.read("policy")
    if not isinstance(document, str):
        yield LATER if policy.references.get("policy") else HIDDEN
        return
    allowed = _allowed(document)
    if allowed is None:
        yield HIDDEN
        return
    for statement in allowed:
        prefixes = {text.partition(":")[0] for text in _texts(statement.get("Action", "*"))}
        yield from _endpoints(sorted(prefixes - _table()["quiet"].keys()))


def _taken(policy: Node) -> Iterator[str]:
    """The names of the roles that a policy lets its holder take."""
    document = policy.read("policy")
    for statement in (_allowed(document) if isinstance(document, str) else None) or ():
        if "sts:AssumeRole" in _texts(statement.get("Action")):
            yield from (text.rpartition("/")[2] for text in _texts(statement.get("Resource")))


def _allowed(document: str) -> list[Mapping[str, Any]] | None:
    """The statements of a policy document that allow something; None when it cannot be read."""
    try:
        statements = mapping(json.loads(document)).get("Statement")
    except ValueError:
        return None
    listed = [statements] if isinstance(statements, Mapping) else items(statements)
    return [mapping(each) for each in listed if mapping(each).get("Effect") == "Allow"]


def _texts(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in items(value)]


def _endpoints(prefixes: list[str]) -> Iterator[str]:
    for prefix in prefixes:
        yield from _table()["services"].get(prefix, (HIDDEN,))
