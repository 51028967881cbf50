"""The declared stacks as the engine registers them, with one thing added or changed: which rules of the budget pack refuse it."""

from __future__ import annotations

import copy
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


def refused(node: Node, *more: Node, stack: str = "dev") -> set[str]:
    """What refuses a resource, or any of several, once the whole stack is there: names of rules with what they say."""
    evaluator = _once_more(_passed(stack))
    return {
        f"{told.rule.name}: {told.message}"
        for each in (node, *more)
        for told in evaluator.resource(each, _provider(each, stack))
        if told.level is Level.MANDATORY
    }


@cache
def _passed(stack: str) -> Evaluator:
    """The budget pack after it has let a whole stack through."""
    guard = load(GUARD)
    evaluator = Evaluator(rules("budget"), lambda: guard, datetime.date.today())
    for each in nodes(stack):
        evaluator.resource(each, _provider(each, stack))
    return evaluator


def _once_more(passed: Evaluator) -> Evaluator:
    """The same, as if it had just let the stack through, so that one attack does not see another."""
    again = copy.copy(passed)
    vars(again).update(_seen=dict(vars(passed)["_seen"]), _memory={}, _undetermined={})
    return again


def _provider(node: Node, stack: str) -> Node | None:
    """The stack's own provider of a resource's package."""
    token = f"pulumi:providers:{node.type.partition(':')[0]}"
    return next((each for each in nodes(stack) if each.type == token), None)
