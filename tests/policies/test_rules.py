"""Each rule against its examples: a happy resource, then the same with one property changed."""

from __future__ import annotations

import copy
import datetime
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.evaluate import Evaluator, Verdict
from policies.guard.model import Guard
from policies.packs import PACKS, rules
from policies.rule import Level, Rule
from pricing.items.graph import UNKNOWN, Graph, Node

EXAMPLES: dict[str, list[dict[str, Any]]] = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text())
IN_THE_GRAPH = {"buckets-complete", "buckets-kept", "network-paths"}
"""Stack rules have no single resource to change; `test_judge.py` holds their examples."""
NEVER = {"no-iam-users"}
"""Rules that refuse whole types, so that no change of one makes a difference."""
RULES = {rule.name: rule for rule in rules("security")}
"""The budget pack's rules are about a whole plan: `test_budget.py` has their examples."""
TODAY = datetime.date(2026, 11, 24)
GUARD = Guard(
    max_monthly_usd={"prod": Decimal(1)},
    required_tags=("Environment", "ManagedBy", "Owner"),
    secret_hosts=("registry.example.com",),
)
DOCUMENTS = ("policy", "assumeRolePolicy")


def _known(value: Any) -> Any:
    if value == "$unknown":
        return UNKNOWN
    if isinstance(value, dict):
        return {
            key: json.dumps(inner) if key in DOCUMENTS and isinstance(inner, dict) else _known(inner)
            for key, inner in value.items()
        }
    return [_known(inner) for inner in value] if isinstance(value, list) else value


def _node(case: dict[str, Any], inputs: dict[str, Any]) -> Node:
    token = case["type"]
    qualified = f"{case['under']}${token}" if "under" in case else token
    urn = f"urn:pulumi:dev::modelyard::{qualified}::example"
    return Graph.of([{"urn": urn, "type": token, "name": "example", "inputs": _known(inputs)}]).nodes[0]


def _changed(happy: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    inputs = copy.deepcopy(happy)
    *above, last = change["at"]
    place: Any = inputs
    for step in above:
        place = place[step] if isinstance(step, int) else place.setdefault(step, {})
    if "to" in change:
        place[last] = change["to"]
    else:
        del place[last]
    return inputs


def _judged(name: str, case: dict[str, Any], inputs: dict[str, Any]) -> list[Verdict]:
    provider = _node({"type": "pulumi:providers:aws"}, case["provider"]) if "provider" in case else None
    return Evaluator([RULES[name]], lambda: GUARD, TODAY).resource(_node(case, inputs), provider)


def _where(change: dict[str, Any]) -> str:
    if "where" in change:
        return str(change["where"])
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in change["at"])
    return "".join(steps).removeprefix(".")


def _cases(kind: str) -> Iterator[Any]:
    for name, cases in EXAMPLES.items():
        for index, case in enumerate(cases):
            for change in case.get(kind, []):
                told = f"{json.dumps(change['to'])}" if "to" in change else "absent"
                label = f"{name}-{index}-{'.'.join(map(str, change['at']))}={told}"
                yield pytest.param(name, case, change, id=label)


def test_every_rule_has_examples_and_every_example_a_rule() -> None:
    assert EXAMPLES.keys() | IN_THE_GRAPH | NEVER == RULES.keys()
    for name, cases in EXAMPLES.items():
        assert any(case.get("refuses") for case in cases), name


def test_names_of_rules_are_unique_over_all_packs() -> None:
    names = [rule.name for pack in PACKS.values() for rule in pack]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "token"), [(name, token) for name in NEVER for token in RULES[name].applies_to])
def test_a_type_that_is_never_made_is_refused(name: str, token: str) -> None:
    assert [verdict.level for verdict in _judged(name, {"type": token}, {})] == [Level.MANDATORY]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_says_what_it_is_in_whole_sentences(rule: Rule) -> None:
    assert rule.description.endswith(".") and rule.fix.endswith(".")
    assert rule.name in [each.name for each in PACKS[rule.pack]]
    assert rule.level is Level.MANDATORY
    assert bool(rule.applies_to) == (rule.check is not None)


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}-{i}") for name, cases in EXAMPLES.items() for i, case in enumerate(cases)],
)
def test_the_happy_resource_passes(name: str, case: dict[str, Any]) -> None:
    assert case["type"].startswith(RULES[name].applies_to)
    assert _judged(name, case, case["happy"]) == []


@pytest.mark.parametrize(("name", "case", "change"), list(_cases("passes")))
def test_a_change_that_is_allowed_passes(name: str, case: dict[str, Any], change: dict[str, Any]) -> None:
    assert _judged(name, case, _changed(case["happy"], change)) == []


@pytest.mark.parametrize(("name", "case", "change"), list(_cases("refuses")))
def test_a_change_that_is_not_allowed_is_refused_at_its_place(
    name: str, case: dict[str, Any], change: dict[str, Any]
) -> None:
    verdicts = _judged(name, case, _changed(case["happy"], change))
    assert [verdict.level for verdict in verdicts] and {verdict.level for verdict in verdicts} == {Level.MANDATORY}
    assert f"example: {_where(change)}" in [verdict.problem.where for verdict in verdicts]
    assert all(verdict.problem.fix for verdict in verdicts)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield (*path, key)
        yield from _places(each, (*path, key))


@pytest.mark.parametrize(
    "odd", ["$unknown", None, True, 3, "odd", [], ["$unknown"], [{}], {}, {"odd": "$unknown"}], ids=repr
)
def test_no_rule_stumbles_over_a_value_of_any_kind_at_any_place(odd: Any) -> None:
    for name, cases in EXAMPLES.items():
        for case in cases:
            for path in _places(case["happy"]):
                verdicts = _judged(name, case, _changed(case["happy"], {"at": list(path), "to": odd}))
                assert not [verdict.problem for verdict in verdicts if "could not run" in verdict.problem.summary], (
                    name,
                    path,
                )
