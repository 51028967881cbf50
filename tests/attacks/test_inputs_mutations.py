"""A random property set on a random priced or free resource of the declared stacks: refused, counted, or free for a reason."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from policies.graph import mapping
from pricing.bill import inputs
from pricing.bill.inputs import Kind
from pricing.bill.priced import PRICED
from pricing.items.graph import UNKNOWN, Node
from tests.attacks.whole import changed, nodes, refused

MUTATIONS = 500
"""For each stack; each takes about 5 ms."""
VALUES: tuple[Any, ...] = (
    UNKNOWN,
    True,
    1_000_000,
    "9999Gi",
    "LoadBalancer",
    "sa-east-1",
    {"enabled": True},
    [{"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}],
)


def _judged(stack: str) -> tuple[Node, ...]:
    """One resource of each type, and all those again that have a price."""
    found = [each for each in nodes(stack) if each.type.startswith(("aws:", "kubernetes:"))]
    return (*{each.type: each for each in found}.values(), *(each for each in found if each.type in PRICED))


def _maps(value: Any, path: str = "") -> Iterator[str]:
    """The path of every map inside some inputs, the outermost one as an empty text."""
    yield path
    for key, inner in value.items():
        if "." not in key and mapping(inner):
            yield from _maps(inner, f"{path}.{key}" if path else key)


def _path(node: Node, chance: random.Random) -> str:
    """Where to set something: at what is there, at what the type has a table entry for, or at what nobody has heard of."""
    above = chance.choice(list(_maps(node.inputs)))
    there = [key for key in mapping(node.read(*above.split(".")) if above else node.inputs) if "." not in key]
    table = list(inputs.tables()[node.type].inputs)
    name = chance.choice(["invented", *there, *there])
    inside = f"{above}.{name}" if above else name
    return chance.choice([inside, inside, *([chance.choice(table)] if table else [])])


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_nothing_that_is_set_passes_unless_a_table_says_why(stack: str) -> None:
    chance, judged = random.Random(20261201), _judged(stack)  # noqa: S311
    seen: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        node = chance.choice(judged)
        path, value = _path(node, chance), chance.choice(VALUES)
        told = refused(changed(node, path, value), stack=stack)
        entry = inputs.tables()[node.type].covering(path)
        seen["refused" if told else entry.kind.value if entry else "judged once known"] += 1
        if not told and not (value is UNKNOWN and entry is None):  # its parts are judged once they are known
            assert entry is not None, f"{node.type} {path} passed, and nobody has said what it costs"
            assert entry.why or entry.kind is Kind.PRICED, f"{node.type} {path} passed without a reason"
            assert entry.kind is not Kind.UNPRICED or value in entry.unless, f"{node.type} {path} passed unpriced"
    assert seen["refused"] > MUTATIONS / 10, seen
    assert seen["free"] > MUTATIONS / 10, seen


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_an_input_that_nobody_has_heard_of_is_refused_on_every_resource_that_costs(stack: str) -> None:
    judged = {each.type: each for each in _judged(stack) if not inputs.tables()[each.type].rest}
    passed = [token for token, node in judged.items() if not refused(changed(node, "invented", 1), stack=stack)]
    assert not passed
