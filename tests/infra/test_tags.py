"""Whatever makes things in AWS on the platform's behalf is told the platform's tags: the budget counts by them."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from components.storage.component import volume_tags
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.on_aws import tags_of
from infra.plan import plan
from infra.stack.stack import Stack
from tests.roots import ROOT

OUTSIDE = {
    "host": "registry.example.com",
    "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c",
    "allowedCidrs": ["10.20.0.0/16"],
}
BALANCER = "service.beta.kubernetes.io/aws-load-balancer-additional-resource-tags"
Carried = Iterator[tuple[str, Mapping[str, str]]]


@functools.cache
def stack(name: str) -> Stack:
    """A stack with everything that a controller makes things for: volumes, pools, a load balancer."""
    platform = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]["modelyard:platform"]
    registry = {**platform["registry"], "exposure": "internal", "outside": OUTSIDE}
    return Stack.of({**platform, "registry": registry, "releases": []}, "us-east-1")


@functools.cache
def declared(name: str) -> tuple[Declared, ...]:
    return tuple(declare(lambda: build(plan(stack(name), guard())), project="modelyard", stack=name).values())


def of_pairs(pairs: list[str]) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in pairs)


def storage_class(inputs: Mapping[str, Any]) -> Carried:
    said = inputs["parameters"]
    yield "volumes", of_pairs([value for key, value in said.items() if key.startswith("tagSpecification_")])


def node_class(inputs: Mapping[str, Any]) -> Carried:
    yield "instances, their volumes and interfaces", inputs["spec"]["tags"]


def service(inputs: Mapping[str, Any]) -> Carried:
    if inputs["spec"].get("type") == "LoadBalancer":
        yield "load balancer", of_pairs(inputs["metadata"]["annotations"][BALANCER].split(","))


def launch_template(inputs: Mapping[str, Any]) -> Carried:
    said = {specification["resourceType"]: specification["tags"] for specification in inputs["tagSpecifications"]}
    yield from (("instances", said["instance"]), ("volumes", said["volume"]))


def addon(inputs: Mapping[str, Any]) -> Carried:
    if inputs["addonName"] == "vpc-cni":
        values = json.loads(inputs["configurationValues"])
        yield "network interfaces", json.loads(values["env"]["ADDITIONAL_ENI_TAGS"])


MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Carried]] = {
    "kubernetes:storage.k8s.io/v1:StorageClass": storage_class,
    "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass": node_class,
    "kubernetes:core/v1:Service": service,
    "aws:ec2/launchTemplate:LaunchTemplate": launch_template,
    "aws:eks/addon:Addon": addon,
}
"""What is declared and makes something else in AWS, by type, and where it is told the tags."""


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_everything_that_is_made_on_the_platforms_behalf_carries_its_tags(name: str) -> None:
    wanted, made = tags_of(stack(name).settings), set()
    for each in declared(name):
        for what, carried in MAKERS[each.token](each.inputs) if each.token in MAKERS else ():
            missing = {key for key in wanted if key not in carried or (key != "Owner" and carried[key] != wanted[key])}
            assert not missing, f"{each.name}: {what} without {missing}"
            made.add(each.token)
    assert made == MAKERS.keys(), "a maker that this stack does not have is not tried"


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_whatever_the_stack_makes_itself_gets_the_tags_of_its_provider(name: str) -> None:
    resources = declared(name)
    (provider,) = [each for each in resources if each.token == "pulumi:providers:aws"]
    said = provider.inputs["defaultTags"]
    tags = json.loads(said) if isinstance(said, str) else said
    assert tags["tags"] == tags_of(stack(name).settings)
    used = {each.provider for each in resources if each.custom and each.token.startswith("aws:")}
    assert used and all(each.startswith(f"{provider.urn}::") for each in used)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_every_volume_is_of_the_class_that_is_tagged_and_snapshots_keep_their_instances_tags(name: str) -> None:
    resources = declared(name)
    (kind,) = [each.inputs["metadata"]["name"] for each in resources if each.token.endswith(":StorageClass")]
    claimed = [value for each in resources for value in classes(each.inputs)]
    assert len(claimed) >= 3
    assert set(claimed) == {kind}
    (database,) = [each for each in resources if each.token == "aws:rds/instance:Instance"]
    assert database.inputs["copyTagsToSnapshot"] is True


def classes(value: Any) -> Iterator[str]:
    """Every storage class that is named anywhere in an object or in a chart's values."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "storageClassName":
                yield inner
            else:
                yield from classes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from classes(inner)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_no_chart_is_told_to_make_a_load_balancer_of_its_own(name: str) -> None:
    charts = [each.inputs.get("values", {}) for each in declared(name) if each.token.endswith(":Release")]
    assert charts
    assert "LoadBalancer" not in json.dumps(charts)


def test_tags_of_volumes_are_numbered_from_one_and_hold_key_and_value() -> None:
    assert volume_tags({"B": "2", "A": "x=y"}) == {"tagSpecification_1": "A=x=y", "tagSpecification_2": "B=2"}
