"""A report in which every field is filled, and every place in it where somebody may have written a text."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from ops.report import model
from ops.report.model import Report

Place = tuple[str | int, ...]
"""The way to a text in a report's JSON; a last step of `*keys*` stands for the keys of a map."""
KEYS = "*keys*"
_AMOUNTS = model.Amounts(minimum=Decimal(1), expected=Decimal(2), maximum=Decimal(3))
_TOLD = [model.Told(summary="a", about="a", details=["a"])]
_CHANGE = model.Change(
    op="update",
    type="a",
    name="a",
    properties=[
        model.Property(path="a", before="a", after="a"),
        model.Property(path="a"),
        model.Property(path="a", lines=["+a", "-a", " a", "a"]),
    ],
    more_properties=1,
)
FILLED = Report(
    world="a", simulated=True, stack="dev", verdict=model.Verdict.PASSES, headline="a", notices=["a"], counts={"a": 1},
    judge=model.JudgingCheckout(
        revision="a", changed=[model.Guarded(path="a", how="a")], guardians=["a"], unknown=["a"], refusals=["a"], more_changed=1
    ),
    refusals=_TOLD, errors=_TOLD, warnings=_TOLD, more_told=1,
    cost=model.Cost(
        planned=_AMOUNTS, deployed=_AMOUNTS, change=_AMOUNTS, budget=Decimal(5), ceiling=Decimal(6), binds="a", left=Decimal(2),
        unpriced=1, price_book="a", more_components=1,
        components=[model.CostChange(name="a", before=None, after=Decimal(1), change=Decimal(1))],
    ),
    policies=model.Policies(
        passed=1, more_rows=1, rows=[model.PolicyRow(rule="a", mandatory=True, resources=["a"], count=2, message="a")],
        exemptions=[model.ExemptionRow(what="a", owner="a", reason="a", expires="a", expired=True)],
    ),
    dangers=[model.Danger(hazards=[model.Hazard.DELETE], resource="a", why="a")], more_dangers=1,
    groups=[
        model.Group(name="a", counts={"a": 1}, changes=[_CHANGE], more_changes=1),
        model.Group(name="a", counts={"a": 1}),
    ],
    more_groups=1, notes=["a"], shortened=True, full="a", seconds=1.0,
)  # fmt: skip
CHOSEN = frozenset({"verdict", "hazards", "stack"})
"""Texts out of a list of ours; the name of the stack is held against the files of the checkout."""


def places(value: Any = None, way: Place = ()) -> Iterator[Place]:
    """Every place of a text in the filled report."""
    here = document() if value is None and not way else value
    if isinstance(here, dict):
        for key, inner in here.items():
            if way and way[-1] == "counts":
                yield (*way, KEYS)
            elif key not in CHOSEN:
                yield from places(inner, (*way, key))
    elif isinstance(here, list):
        for index, inner in enumerate(here):
            yield from places(inner, (*way, index))
    elif isinstance(here, str) and not _number(here):
        yield way


def written(text: str, *ways: Place) -> Report:
    """The filled report with a text in these places."""
    made = document()
    for way in ways:
        *above, last = way
        here: Any = made
        for step in above:
            here = here[step]
        if last == KEYS:
            held = next(iter(here.values()))
            here.clear()
            here[text] = held
        else:
            here[last] = text
    return Report.model_validate_json(json.dumps(made))


def document() -> dict[str, Any]:
    """The filled report as JSON, a fresh copy."""
    return copy.deepcopy(_DOCUMENT)


def _number(text: str) -> bool:
    return text[:1].isdigit()


_DOCUMENT: dict[str, Any] = json.loads(model.as_json(FILLED))

Writer = Callable[[Report], str]
