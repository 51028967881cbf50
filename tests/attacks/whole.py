"""The declared stacks as the engine registers them, with one thing added or changed: which rules of the budget pack refuse it."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from infra.declared import as_graph, declare
from infra.guard import GUARD
from infra.loaded import LoadedStack
from infra.program import make
from policies.evaluate import Evaluator
from policies.guard.file import load
from policies.packs import rules
from policies.rule import Level
from pricing.items.graph import Graph, Node
from tests.roots import ROOT


@cache
def nodes(stack: str = "dev") -> tuple[Node, ...]:
    """Everything that a stack of the repository declares, as a rule on one resource sees it: without references."""
    loaded = LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")
    found = as_graph(declare(make(loaded), project="modelyard", stack=stack)).nodes
    return tuple(dataclasses.replace(each, references=MappingProxyType({}), depends=()) for each in found)


def find(name: str, token: str, stack: str = "dev") -> Node:
    """The resource of that name whose type token ends with `token`."""
    (found,) = [each for each in nodes(stack) if each.name == name and each.type.endswith(token)]
    return found


def under(component: str, token: str, name: str, inputs: Mapping[str, Any], stack: str = "dev") -> Node:
    """A resource in the component of that name; an empty one stands for none."""
    parents = [each for each in nodes(stack) if each.name == component and each.type.startswith("modelyard:index:")]
    above = parents[0].urn if component else f"urn:pulumi:{stack}::modelyard::pulumi:pulumi:Stack::modelyard-{stack}"
    urn = f"urn:pulumi:{stack}::modelyard::{above.split('::')[2]}${token}::{name}"
    return Graph.of([{"urn": urn, "type": token, "name": name, "parent": above, "inputs": inputs}]).nodes[0]


def put(inputs: Any, path: Sequence[str], value: Any) -> Any:
    """The inputs with `value` at a path of keys."""
    if not path:
        return value
    inner = inputs.get(path[0]) if isinstance(inputs, Mapping) else None
    return {**(inputs if isinstance(inputs, Mapping) else {}), path[0]: put(inner, path[1:], value)}


def changed(node: Node, path: str, value: Any) -> Node:
    """The resource with one input changed; `path` has dots between keys."""
    inputs = put(node.inputs, path.split("."), value)
    return Graph.of(
        [{"urn": node.urn, "type": node.type, "name": node.name, "parent": node.parent, "inputs": inputs}]
    ).nodes[0]


class Run:
    """A run of the budget pack that has let a whole stack through; more resources can then be asked about, one by one."""

    def __init__(self, stack: str = "dev") -> None:
        guard = load(GUARD)
        self._stack = stack
        self._evaluator = Evaluator(rules("budget"), lambda: guard, datetime.date.today())
        for each in nodes(stack):
            self.refused(each)

    def refused(self, node: Node) -> set[str]:
        """The names of the rules that refuse one resource, with the texts of what they say."""
        package = node.type.partition(":")[0]
        found = [each for each in nodes(self._stack) if each.type == f"pulumi:providers:{package}"]
        told = self._evaluator.resource(node, found[0] if found else None)
        return {f"{each.rule.name}: {each.message}" for each in told if each.level is Level.MANDATORY}


def refused(node: Node, *more: Node, stack: str = "dev") -> set[str]:
    """What refuses a resource, or the last of several, once the whole stack is there."""
    run = Run(stack)
    told = [run.refused(each) for each in (node, *more)]
    return set().union(*told)
