"""What is deployed, priced from a state: the judge's own figure, whatever the stack exports."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.marks import SECRET, SIGNATURE
from policies.guard.baseline import Baseline, baseline, first_deployment
from policies.guard.model import Guard
from pricing.items.usage import Usage
from tests.policies.states import NETWORK, STACK, deployed_stack, resource

DAY = datetime.date(2026, 11, 24)
GUARD = Guard(max_monthly_usd={"dev": Decimal(5000)}, required_tags=(), stacks={"dev": "dev"})
GATEWAY = "aws:ec2/natGateway:NatGateway"


def priced(resources: list[dict[str, Any]], guard: Guard = GUARD, planned: Usage | None = None) -> Baseline:
    return baseline({"resources": resources}, stack="dev", guard=guard, today=DAY, planned=planned)


def most(resources: list[dict[str, Any]], guard: Guard = GUARD, planned: Usage | None = None) -> Decimal:
    found = priced(resources, guard, planned).deployed.maximum
    assert found is not None
    return found


ONE = most(deployed_stack())
SECOND = resource(GATEWAY, "nat-b", NETWORK, {"subnetId": "subnet-b"})


def test_each_resource_of_the_state_counts_once() -> None:
    both = most(deployed_stack(SECOND))
    assert ONE < both < 2 * ONE
    for gone in ({"delete": True}, {"external": True}):
        assert most(deployed_stack({**SECOND, **gone})) == ONE


@given(st.dictionaries(st.sampled_from(["minimumUsd", "maximumUsd", "parts", "cost"]), st.text() | st.integers()))
def test_nothing_that_the_stack_exports_or_its_plan_says_changes_it(said: dict[str, Any]) -> None:
    resources = deployed_stack(bill={"items": [{"component": "network", **said}], **said})
    resources[0]["outputs"] = {"cost": said, **said}
    assert most(resources) == ONE


def test_a_text_that_the_plan_did_not_know_counts_as_the_plan_counted_it() -> None:
    inputs = {"name": "/outputs", "type": "String", "tier": "Intelligent-Tiering", "insecureValue": "short"}
    text = resource("aws:ssm/parameter:Parameter", "outputs", NETWORK, inputs)
    assert most(deployed_stack(text)) > ONE
    volume = resource(
        "aws:ebs/volume:Volume", "raw", NETWORK, {"size": 100, "type": "gp3", "availabilityZone": "us-east-1a"}
    )
    assert most(deployed_stack(volume)) > ONE
    assert most(deployed_stack({**volume, "propertyDependencies": {"size": [STACK]}})) == ONE
    assert most(deployed_stack({**volume, "propertyDependencies": {"availabilityZone": [STACK]}})) > ONE


def test_what_cannot_be_priced_makes_no_room() -> None:
    unknown = resource("aws:sagemaker/endpoint:Endpoint", "raw", NETWORK, {})
    secret = resource("aws:eks/nodeGroup:NodeGroup", "raw", NETWORK, {"scalingConfig": {SIGNATURE: SECRET}})
    assert most(deployed_stack(unknown, secret)) == ONE


def test_it_is_never_above_the_ceiling() -> None:
    for ceiling, told in ((ONE, ONE), (ONE - Decimal("0.01"), ONE - Decimal("0.01"))):
        guard = Guard(max_monthly_usd={"dev": ceiling}, required_tags=(), stacks={"dev": "dev"})
        assert most(deployed_stack(), guard) == told


def test_a_use_that_the_state_inflates_counts_only_as_far_as_it_is_planned() -> None:
    inflated = deployed_stack(usage={"natGb": 100_000})
    assert most(inflated) > most(inflated, planned=Usage()) == ONE
    assert most(deployed_stack(), planned=Usage(nat_gb=100_000)) == ONE


def test_the_pools_and_teams_of_a_state_are_told_apart() -> None:
    found = priced(deployed_stack(owner="search")).deployed
    assert found.parts == {"pools": {}, "teams": {"search": ONE}}


@pytest.mark.parametrize(
    "resources",
    [
        deployed_stack(region=None),
        deployed_stack(resource("pulumi:providers:aws", "elsewhere", NETWORK, {"region": "eu-central-1"})),
        deployed_stack(usage={"natGb": -1}),
        [{"urn": "", "type": None}],
        [*deployed_stack(), deployed_stack()[-1]],
    ],
    ids=["no region", "two regions", "use below zero", "no type", "one URN twice"],
)
def test_a_state_that_cannot_be_read_is_not_taken_for_an_empty_one(resources: list[dict[str, Any]]) -> None:
    assert priced(resources).deployed.unreadable


def test_an_empty_state_costs_nothing() -> None:
    assert most([]) == most([{"urn": STACK, "type": "pulumi:pulumi:Stack"}]) == 0


@pytest.mark.parametrize(
    ("history", "first"),
    [
        ([], True),
        ([("update", "failed"), ("refresh", "succeeded"), ("destroy", "succeeded")], True),
        ([("update", "failed"), ("update", "succeeded")], False),
        ([("destroy", "succeeded"), ("update", "succeeded")], False),
    ],
)
def test_the_first_deployment_lasts_until_an_update_has_succeeded(history: list[tuple[str, str]], first: bool) -> None:
    assert first_deployment({"kind": kind, "result": result} for kind, result in history) is first
