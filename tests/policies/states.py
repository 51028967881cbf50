"""The state of a small deployed stack, as the engine exports it."""

from __future__ import annotations

from typing import Any

STACK = "urn:pulumi:dev::modelyard::pulumi:pulumi:Stack::modelyard-dev"
PLATFORM = "urn:pulumi:dev::modelyard::modelyard:index:Platform::platform"
NETWORK = "urn:pulumi:dev::modelyard::modelyard:index:Platform$modelyard:index:Network::network"


def deployed_stack(*more: dict[str, Any], region: str | None = "us-east-1", **platform: Any) -> list[dict[str, Any]]:
    """A platform with one NAT gateway; `platform` goes into the root component's inputs, `more` stands behind the rest."""
    given = {"region": "us-east-1", "owner": "ml-platform", "environment": "dev", **platform}
    return [
        {"urn": STACK, "type": "pulumi:pulumi:Stack"},
        {"urn": PLATFORM, "type": "modelyard:index:Platform", "parent": STACK, "inputs": given},
        resource("pulumi:providers:aws", "aws", PLATFORM, {"region": region} if region else {}),
        {"urn": NETWORK, "type": "modelyard:index:Network", "parent": PLATFORM, "inputs": {}},
        resource("aws:ec2/natGateway:NatGateway", "nat-a", NETWORK, {"subnetId": "subnet-a"}),
        *more,
    ]


def resource(token: str, name: str, parent: str, inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A resource under `parent`."""
    urn = f"urn:pulumi:dev::modelyard::{parent.split('::')[2]}${token}::{name}"
    return {"urn": urn, "type": token, "parent": parent, "custom": True, "inputs": inputs, **more}
