"""What somebody is told about the two steps of a first `up`: before it, when it has stopped, and when the way in is missing."""

from __future__ import annotations

from typing import Any

import pytest

from infra.stack.stack import Stack
from ops.up import first_up

SUBNETS = [
    {
        "type": first_up.SUBNET,
        "id": f"subnet-{zone}",
        "urn": f"urn:pulumi:dev::modelyard::{first_up.SUBNET}::{tier}-{zone}",
    }
    for tier, zone in (("private", "b"), ("private", "a"), ("intra", "c"))
]
NODES = {"type": first_up.NODE_GROUP, "id": "dev:system"}
CLUSTER = {"type": "aws:eks/cluster:Cluster", "outputs": {"endpoint": "https://abc.eks.amazonaws.com"}}
SAID = f"{first_up.UNREACHABLE}: dial tcp abc.eks.amazonaws.com:443: i/o timeout"
RUNNER = {"allowedCidrs": ["10.0.0.0/18"], "allowedSecurityGroupIds": ["sg-0123456789abcdef0"]}
TUNNEL = {"reach": "ssmTunnel", "tunnelPort": 9443}
PUBLIC = {"reach": "publicCidrs", "allowedCidrs": ["203.0.113.0/24"]}
VPC = {
    "existing": {
        "vpcId": "vpc-0123456789abcdef0",
        "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    }
}


def stack(access: dict[str, Any], **more: Any) -> Stack:
    dev = {"environment": "dev", "owner": "ml-platform", "budget": {"monthlyUsd": 4000}}
    return Stack.of({**dev, "cluster": {"access": access}, **more}, "us-east-1")


@pytest.mark.parametrize(
    ("access", "says"),
    [
        (PUBLIC, "skipped: nothing is deployed yet"),
        (RUNNER, "unless this machine stands in 10.0.0.0/18, sg-0123456789abcdef0; step 2 is the same `up` from there"),
        (TUNNEL, "unless this machine has a tunnel at port 9443"),
    ],
)
def test_before_a_first_up_the_doctor_says_how_far_it_will_get(access: dict[str, Any], says: str) -> None:
    assert says in first_up.before(stack(access))


@pytest.mark.parametrize(
    ("access", "more", "says"),
    [
        (
            RUNNER,
            {},
            "in 10.0.0.0/18, sg-0123456789abcdef0; it can be started in subnet-a (private-a), subnet-b (private-b)",
        ),
        (
            TUNNEL,
            {},
            "host=abc.eks.amazonaws.com,portNumber=443,localPortNumber=9443`, leave it open, and run `up` again",
        ),
        (PUBLIC, {}, "add this machine's public address to cluster.access.allowedCidrs"),
        ({}, {"cluster": {"existing": {"name": "theirs"}}, "network": VPC}, "where the cluster's owner lets you in"),
    ],
)
def test_the_way_in_is_said_for_each_reach(access: dict[str, Any], more: dict[str, Any], says: str) -> None:
    assert says in first_up.way_in(stack(access, **more), SUBNETS, "abc.eks.amazonaws.com")


@pytest.mark.parametrize("access", [RUNNER, TUNNEL])
def test_an_up_that_stopped_where_the_cluster_begins_says_that_its_first_step_is_done(access: dict[str, Any]) -> None:
    problem = first_up.stopped(stack(access), ["something", SAID], [*SUBNETS, CLUSTER, NODES])
    assert problem is not None
    assert problem.summary.startswith("step 1 of 2 is done")
    assert "step 2 of 2" in problem.fix


@pytest.mark.parametrize(
    ("access", "said", "resources"),
    [(RUNNER, "quota", [NODES]), (RUNNER, SAID, [CLUSTER]), (PUBLIC, SAID, [NODES])],
    ids=["another error", "no nodes yet", "a public endpoint"],
)
def test_any_other_end_is_not_taken_for_a_step(
    access: dict[str, Any], said: str, resources: list[dict[str, Any]]
) -> None:
    assert first_up.stopped(stack(access), [said], resources) is None
