"""The engine's steps as changes that a person reads: one for each resource, grouped by component, the grave ones apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi.automation.events import StepEventMetadata

from ops.report import diff
from ops.report.danger import REPLACES, danger
from ops.report.model import Change, Danger, Group, Property
from pricing.items.tokens import COMPONENT, PLATFORM

STACK = "pulumi:pulumi:Stack"
SUMMED_UP = {PLATFORM: ("bill", "digest")}
"""Properties that another part of the report tells better."""
FEW = 20
"""How many new resources are shown with their properties; of more, only their names."""
_ORDER = ("delete", "replace", "update", "create", "import")

Step = StepEventMetadata


def operation(step: Step) -> str:
    """What happens to the resource, the steps of a replacement taken for one."""
    op = str(getattr(step.op, "value", step.op))
    return "replace" if op in REPLACES else op


def gravity(op: str) -> tuple[int, str]:
    """Sorts operations: what takes something away first."""
    return (_ORDER.index(op) if op in _ORDER else len(_ORDER), op)


def kind(urn: str) -> str:
    """A resource's own type token, without its parents'."""
    return urn.split("::")[2].rsplit("$", 1)[-1] if urn.count("::") > 2 else ""


def short(urn: str) -> str:
    """Type and name."""
    return f"{kind(urn)} {urn.rsplit('::', 1)[-1]}" if urn else ""


def dangers(steps: Iterable[Step]) -> Iterator[Danger]:
    """Every change that is set apart, the gravest first."""
    found = []
    for step in _one_each(steps):
        old, new = _inputs(step.old), _inputs(step.new)
        guarded = bool(step.old and step.old.protect), bool(step.new and step.new.protect)
        keys = tuple(step.keys or ())
        name = step.urn.rsplit("::", 1)[-1]
        if each := danger(operation(step), kind(step.urn), name, old, new, keys, guarded):
            found.append((gravity(operation(step)), each.resource, each))
    return (each for *_, each in sorted(found, key=lambda one: one[:2]))


def groups(steps: Iterable[Step], parents: Mapping[str, str]) -> list[Group]:
    """The changes by component: the grave ones and the many before the others."""
    members: dict[str, list[Step]] = {}
    each_once = [step for step in _one_each(steps) if kind(step.urn) != STACK]
    shown = sum(operation(step) == "create" for step in each_once) <= FEW
    for step in each_once:
        members.setdefault(_component(step, parents), []).append(step)
    found = [_group(name, inside, shown) for name, inside in members.items()]
    return sorted(found, key=lambda group: (min(map(gravity, group.counts)), -sum(group.counts.values()), group.name))


def _group(name: str, steps: list[Step], shown: bool) -> Group:
    steps.sort(key=lambda step: (not kind(step.urn).startswith(COMPONENT), gravity(operation(step)), short(step.urn)))
    counts = Counter(operation(step) for step in steps)
    return Group(
        name=name,
        counts={op: counts[op] for op in sorted(counts, key=gravity)},
        changes=[_change(step, shown) for step in steps],
    )


def _change(step: Step, shown: bool) -> Change:
    op = operation(step)
    return Change(
        op=op,
        type=kind(step.urn),
        name=step.urn.rsplit("::", 1)[-1],
        properties=list(_properties(step)) if op in {"update", "replace"} or (op == "create" and shown) else [],
    )


def _properties(step: Step) -> Iterator[Property]:
    old, new = _inputs(step.old), _inputs(step.new)
    for key in SUMMED_UP.get(kind(step.urn), ()):
        if old.pop(key, None) != new.pop(key, None):
            yield Property(path=key)
    properties = list(diff.properties(old, new, kind(step.urn)))
    yield from properties
    if not properties and kind(step.urn) not in SUMMED_UP:
        # The inputs are the same: what differs is what the provider has read.
        yield from (Property(path=key, after=diff.UNKNOWN) for key in step.diffs or ())


def _one_each(steps: Iterable[Step]) -> list[Step]:
    """One step for each resource and operation; of a replacement the one that knows what was and what will be."""
    found: dict[tuple[str, str], Step] = {}
    for step in steps:
        key = step.urn, operation(step)
        known = found.get(key)
        if known is None or (step.old and step.new and not (known.old and known.new)):
            found[key] = step
        elif step.keys and not known.keys:
            known.keys = step.keys
    return list(found.values())


def _component(step: Step, parents: Mapping[str, str]) -> str:
    here = step.urn
    while here and not kind(here).startswith(COMPONENT):
        here = parents.get(here, "")
    return here.rsplit("::", 1)[-1] if here else "outside the platform"


def _inputs(state: Any) -> dict[str, Any]:
    """What the program says; keys with two underscores are notes of a provider to itself."""
    found = state.inputs or {} if state is not None else {}
    return {key: value for key, value in found.items() if not key.startswith("__")}
