"""The stacks of this repository pass every rule on their resources, with what only a cloud knows filled in."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from infra.declared import ACCOUNT, SECRET, declare
from infra.loaded import LoadedStack
from infra.program import make
from policies.evaluate import Evaluator
from policies.guard.file import load
from policies.packs import rules
from policies.rule import Level
from pricing.items.graph import UNKNOWN, Graph
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
WHOLE = (("data", SECRET), ("stringData", SECRET))
KEPT_SECRET = "d2hhdCB0aGUgZW5naW5lIGtlZXBzIHNlY3JldA=="


def _known(value: Any) -> Any:
    """A value as an update knows it: policies in full, and everything that is no text left open."""
    if isinstance(value, dict):
        # The engine keeps the whole map of a Secret secret, and sends its texts one by one.
        return {key: {"key": KEPT_SECRET} if (key, inner) in WHOLE else _known(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_known(inner) for inner in value]
    if not isinstance(value, str):
        return value
    value = value.replace(ACCOUNT, "123456789012").replace(SECRET, KEPT_SECRET)
    if value.startswith("{") and '"Statement"' in value:
        return json.dumps(_filled(json.loads(value)))
    return UNKNOWN if "${urn:" in value else value


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner) for inner in value]
    if not isinstance(value, str) or not value.startswith("${urn:"):
        return value
    service = next(
        name for name in ("logs", "sqs", "kms", "secretsmanager") if name in value.lower() or name == "secretsmanager"
    )
    return f"arn:aws:{service}:us-east-1:123456789012:key/1"


@pytest.mark.parametrize("stack", STACKS)
def test_the_stack_passes_the_security_rules_when_all_policies_are_known(stack: str) -> None:
    declared = declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack)
    nodes = Graph.of(
        {
            "urn": each.urn,
            "type": each.token,
            "name": each.name,
            "parent": each.parent,
            "inputs": _known(each.inputs),
            "references": each.references,
        }
        for each in declared.values()
    ).nodes
    providers = {node.name: node for node in nodes if node.type.startswith("pulumi:providers:aws")}
    provider = next(iter(providers.values()), None)
    judge = Evaluator(rules("security"), lambda: load(ROOT / "guard.yaml"), datetime.date(2026, 11, 24))
    told = [verdict for node in nodes for verdict in judge.resource(node, provider, {KEPT_SECRET})]
    told += judge.stack(nodes, {KEPT_SECRET})
    refused = [f"{verdict.rule.name}: {verdict.message}" for verdict in told if verdict.level is Level.MANDATORY]
    assert refused == []
