"""Whoever administers a cluster has an access entry with the role's whole ARN, its path included: EKS finds no other."""

from __future__ import annotations

from typing import Any

from infra.build import build
from infra.declared import ACCOUNT, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.stack import Stack

SSO = "aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_Ops_1234567890abcdef"
STACK: dict[str, Any] = {
    "environment": "dev",
    "owner": "ml-platform",
    "budget": {"monthlyUsd": 5000},
    "cluster": {"access": {"reach": "ssmTunnel", "adminRoles": ["modelyard-deployer", SSO]}},
}


def test_a_role_with_a_path_is_entered_with_it_and_named_without() -> None:
    values = declare(
        lambda: build(plan(Stack.of(STACK, "us-east-1"), guard())), project="modelyard", stack="dev"
    ).values()
    entries = {
        declared.name: declared.inputs["principalArn"]
        for declared in values
        if declared.token == "aws:eks/accessEntry:AccessEntry"
    }
    admins = {name: arn for name, arn in entries.items() if name.startswith("admin-")}
    assert admins == {
        "admin-modelyard-deployer": f"arn:aws:iam::{ACCOUNT}:role/modelyard-deployer",
        "admin-AWSReservedSSO_Ops_1234567890abcdef": f"arn:aws:iam::{ACCOUNT}:role/{SSO}",
    }
