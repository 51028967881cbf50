"""Data sources: answered from the world, refused by name when they are not simulated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.values import Secret

ZONES = "aws:index/getAvailabilityZones:getAvailabilityZones"
GET_VPC = "aws:ec2/getVpc:getVpc"
GET_SUBNETS = "aws:ec2/getSubnets:getSubnets"
DOCUMENT = "aws:iam/getPolicyDocument:getPolicyDocument"
PARAMETER = "aws:ssm/getParameter:getParameter"


def test_zones_region_partition_and_identity_are_those_of_the_simulated_account(account: Any) -> None:
    ask = account.cloud.invoke
    assert ask(ZONES, {})["names"] == ["us-east-1a", "us-east-1b", "us-east-1c"]
    assert ask(ZONES, {"excludeNames": ["us-east-1a"]})["zoneIds"] == ["use1-az2", "use1-az3"]
    assert ask("aws:index/getRegion:getRegion", {})["name"] == "us-east-1"
    assert ask("aws:index/getPartition:getPartition", {})["partition"] == "aws"
    assert ask("aws:index/getCallerIdentity:getCallerIdentity", {})["accountId"] == "000000000000"


def test_a_vpc_is_found_by_id_tag_and_filter_and_only_when_it_is_the_only_one(account: Any) -> None:
    first, _ = account.make("aws:ec2/vpc:Vpc", "a", cidrBlock="10.0.0.0/16", tags={"Name": "a"})
    account.make("aws:ec2/vpc:Vpc", "b", cidrBlock="10.1.0.0/16", tags={"Name": "b"})
    ask = account.cloud.invoke
    for args in (
        {"id": first},
        {"tags": {"Name": "a"}},
        {"filters": [{"name": "tag:Name", "values": ["a"]}]},
        {"filters": [{"name": "cidr", "values": ["10.0.0.0/16"]}]},
        {"cidrBlock": "10.0.0.0/16"},
    ):
        assert ask(GET_VPC, args)["id"] == first
    for args in ({}, {"id": "vpc-none"}, {"filters": [{"name": "nonsense", "values": []}]}):
        with account.refuses("InvalidParameterValue"):
            ask(GET_VPC, args)


def test_subnets_of_a_vpc_and_one_subnet(account: Any) -> None:
    net = account.network()
    found = account.cloud.invoke(GET_SUBNETS, {"filters": [{"name": "vpc-id", "values": [net["vpc"]]}]})["ids"]
    assert set(found) == {net["a"], net["b"], net["public"]}
    one = account.cloud.invoke("aws:ec2/getSubnet:getSubnet", {"id": net["a"]})
    assert (one["vpcId"], one["availabilityZone"], one["availableIpAddressCount"]) == (net["vpc"], "us-east-1a", 251)


def test_a_cluster_and_its_addons(account: Any) -> None:
    account.cluster(account.network())
    account.addons("vpc-cni")
    found = account.cloud.invoke("aws:eks/getCluster:getCluster", {"name": "c"})
    assert found["accessConfigs"][0]["authenticationMode"] == "API"
    assert found["vpcConfig"]["vpcId"].startswith("vpc-")
    addon = {"clusterName": "c", "addonName": "vpc-cni"}
    assert account.cloud.invoke("aws:eks/getAddon:getAddon", addon)["addonVersion"] == "v1.2.3-eksbuild.4"
    for token, args in (("getCluster", {"name": "none"}), ("getAddon", {**addon, "addonName": "coredns"})):
        with account.refuses("ResourceNotFoundException"):
            account.cloud.invoke(f"aws:eks/{token}:{token}", args)


def test_a_policy_document_is_rendered_as_the_provider_does(account: Any) -> None:
    statement = {
        "sid": "A",
        "actions": ["s3:PutObject", "s3:GetObject"],
        "resources": ["*"],
        "principals": [{"type": "Service", "identifiers": ["ec2.amazonaws.com"]}],
        "conditions": [{"test": "StringEquals", "variable": "aws:x", "values": ["y"]}],
    }
    made = account.cloud.invoke(DOCUMENT, {"statements": [statement]})
    assert json.loads(made["json"]) == json.loads(made["minifiedJson"])
    assert json.loads(made["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "A",
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": "*",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:x": "y"}},
            }
        ],
    }
    other = json.dumps({"Statement": {"Sid": "A", "Effect": "Deny"}})
    overridden = account.cloud.invoke(DOCUMENT, {"statements": [statement], "overridePolicyDocuments": [other]})
    assert [part["Effect"] for part in json.loads(overridden["json"])["Statement"]] == ["Deny"]
    with account.refuses("InvalidArgument"):
        account.cloud.invoke(DOCUMENT, {"statements": [{"action": ["x"]}]})


@pytest.mark.parametrize(("value", "code"), [("plain", None), (Secret("hidden"), "NotSimulated")])
def test_a_parameter_is_read_unless_it_is_a_secret(account: Any, value: str, code: str | None) -> None:
    account.make("aws:ssm/parameter:Parameter", "p", name="/p", type="String", value=value)
    if code is None:
        assert account.cloud.invoke(PARAMETER, {"name": "/p"})["value"] == "plain"
    else:
        with account.refuses(code):
            account.cloud.invoke(PARAMETER, {"name": "/p"})
    with account.refuses("ParameterNotFound"):
        account.cloud.invoke(PARAMETER, {"name": "/q"})


def test_what_is_not_simulated_is_refused_with_what_is(account: Any) -> None:
    with account.refuses("NotSimulated"):
        account.cloud.invoke("aws:ec2/getAmi:getAmi", {})
    with account.refuses("InvalidArgument"):
        account.cloud.invoke(GET_VPC, {"vpcId": "x"})
