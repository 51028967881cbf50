"""Every IAM document that a stack declares is clean by an IAM linter, and none is wider than it has to be."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import parliament  # type: ignore[import-untyped]
import pytest

from infra.declared import declare
from infra.loaded import LoadedStack
from infra.program import make
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
WILDCARD_ALLOWED = {
    "ListProfiles": "iam:ListInstanceProfiles takes no resource",
    "ReadEc2InRegion": "EC2's describe calls take no resource; the region is a condition",
    "ReadPrices": "the price list takes no resource",
}
"""Statements on all resources, each with the reason."""


@functools.cache
def documents(stack: str) -> tuple[tuple[str, str], ...]:
    declared_resources = declare(
        make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack
    )
    keys = ("policy", "assumeRolePolicy")
    return tuple(
        (f"{declared.name}.{key}", concrete(declared.inputs[key]))
        for declared in declared_resources.values()
        for key in keys
        if isinstance(declared.inputs.get(key), str) and declared.inputs[key].startswith("{")
    )


def concrete(text: str) -> str:
    """The document with each placeholder as something that its place could hold."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        if isinstance(value, str) and value.startswith("${urn:"):
            service = "logs" if "logGroup" in value else "sqs"
            return f"arn:aws:{service}:us-east-1:123456789012:" + ("log-group:x" if service == "logs" else "x")
        return value.replace("${aws#accountId}", "123456789012") if isinstance(value, str) else value

    return json.dumps(filled(json.loads(text)))


def statements(stack: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, text in documents(stack):
        for statement in json.loads(text)["Statement"]:
            yield name, statement


@pytest.mark.parametrize("stack", STACKS)
def test_the_linter_finds_nothing_in_any_policy(stack: str) -> None:
    found = []
    for name, text in documents(stack):
        if name.endswith(".policy"):
            analyzed = parliament.analyze_policy_string(text, include_community_auditors=False)
            found += [f"{name}: {finding.issue} {finding.detail} {finding.location}" for finding in analyzed.findings]
    known = [each for each in found if "RESOURCE_STAR" not in each and "RESOURCE_MISMATCH" not in each]
    assert known == []


@pytest.mark.parametrize("stack", STACKS)
def test_no_statement_allows_everything_and_a_star_has_a_reason(stack: str) -> None:
    for name, statement in statements(stack):
        if statement["Effect"] != "Allow" or "Resource" not in statement:
            continue
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not [action for action in actions if "*" in action], name
        if "*" in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]):
            assert statement["Sid"] in WILDCARD_ALLOWED


@pytest.mark.parametrize("stack", STACKS)
def test_every_role_is_assumed_by_one_named_service_or_by_the_operator_that_reads_secrets(stack: str) -> None:
    operator = f"arn:aws:iam::123456789012:role/modelyard-{stack}-external-secrets"
    for name, statement in statements(stack):
        if name.endswith("assumeRolePolicy"):
            if name.startswith("secrets-"):
                assert statement["Principal"] == {"AWS": operator}, name
            else:
                assert list(statement["Principal"]) == ["Service"], name
            assert "*" not in json.dumps(statement["Principal"])
