"""IAM policy documents: one that IAM takes, then each thing that it refuses."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sandbox.aws.rules.documents import IDENTITY, RESOURCE, TRUST, problems, trusts

ROLE = "aws:iam/role:Role"


def _happy(kind: str) -> dict[str, Any]:
    statement: dict[str, Any] = {"Sid": "One", "Effect": "Allow", "Action": ["s3:GetObject", "ec2:Describe*"]}
    if kind != TRUST:
        statement["Resource"] = ["arn:aws:s3:::bucket/*"]
    if kind != IDENTITY:
        statement["Principal"] = {"Service": "ec2.amazonaws.com"}
    statement["Condition"] = {"ForAllValues:StringEqualsIfExists": {"aws:TagKeys": ["a"]}}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _said(document: Any, kind: str = IDENTITY, limit: int = 10240) -> str:
    return " | ".join(problems(document if isinstance(document, str) else json.dumps(document), kind, limit))


@pytest.mark.parametrize("kind", [TRUST, IDENTITY, RESOURCE])
def test_a_document_of_each_kind_is_accepted_and_of_another_kind_refused(kind: str) -> None:
    assert _said(_happy(kind), kind) == ""
    for other in {TRUST, IDENTITY, RESOURCE} - {kind}:
        assert _said(_happy(kind), other) != ""


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("Effect", "allow", "Effect must be Allow or Deny"),
        ("Sid", "has space", "must be alpha-numeric"),
        ("Action", [], "Action is empty"),
        ("Action", "GetObject", "prefaced by a vendor"),
        ("NotAction", "s3:*", "exactly one of Action and NotAction"),
        ("Resource", "bucket", "must be in ARN format"),
        ("Principal", "*", "should not specify a principal"),
        ("Condition", {"StringMatches": {"a": "b"}}, "Invalid Condition type: StringMatches"),
        ("Condition", {"StringEquals": "b"}, "must map operators"),
        ("Ressource", "*", "unknown element Ressource"),
    ],
)
def test_one_broken_element_is_named(key: str, value: Any, said: str) -> None:
    document = _happy(IDENTITY)
    document["Statement"][0][key] = value
    assert said in _said(document)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "invalid Json"),
        ("[]", "not an object"),
        ({"Version": "2012-10-17"}, "Statement is missing"),
        ({**_happy(IDENTITY), "Version": "2012-10-18"}, "Version must be"),
        ({**_happy(IDENTITY), "Versoin": "x"}, "unknown element Versoin"),
        ({**_happy(IDENTITY), "Statement": ["x"]}, "Statement[0] is not an object"),
        ({**_happy(IDENTITY), "Statement": _happy(IDENTITY)["Statement"] * 2}, "must be unique"),
    ],
)
def test_a_document_of_the_wrong_form_is_refused(document: Any, said: str) -> None:
    assert said in _said(document)


def test_a_document_is_as_long_as_the_quota_and_no_longer() -> None:
    document = _happy(IDENTITY)
    size = len(json.dumps(document).replace(" ", ""))
    assert _said(document, limit=size) == ""
    assert "quota" in _said(document, limit=size - 1)


def test_a_check_refuses_a_role_whose_trust_names_no_principal(account: Any) -> None:
    trust = _happy(TRUST)
    assert account.reasons(ROLE, name="r", assumeRolePolicy=trust) == {}
    broken = copy.deepcopy(trust)
    del broken["Statement"][0]["Principal"]
    said = account.reasons(ROLE, name="r", assumeRolePolicy=broken)["assumeRolePolicy"]
    assert said == "MalformedPolicyDocument: Statement[0]: Missing required field Principal"


@pytest.mark.parametrize(
    ("change", "trusted"),
    [
        ({}, True),
        ({"Effect": "Deny"}, False),
        ({"Action": "sts:TagSession"}, False),
        ({"Principal": {"AWS": "x"}}, False),
    ],
)
def test_trust_is_an_allow_of_assume_role_for_the_service(change: dict[str, Any], trusted: bool) -> None:
    happy = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "eks.amazonaws.com"}}
    document = json.dumps({"Statement": {**happy, **change}})
    assert trusts(document, "eks.amazonaws.com") is trusted
    assert not trusts("{", "eks.amazonaws.com")
