"""Data sources: answered from the world, refused by name when they are not simulated."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.values import Secret

GET_VPC, GET_SUBNET = "aws:ec2/getVpc:getVpc", "aws:ec2/getSubnet:getSubnet"
PARAMETER = "aws:ssm/getParameter:getParameter"


def test_the_caller_is_of_the_simulated_account(account: Any) -> None:
    asked = account.cloud.invoke("aws:index/getCallerIdentity:getCallerIdentity", {})
    assert asked["accountId"] == "000000000000"


def test_a_vpc_and_a_subnet_are_found_by_id_only_when_they_are_there(account: Any) -> None:
    net = account.network()
    assert account.cloud.invoke(GET_VPC, {"id": net["vpc"]})["cidrBlock"] == "10.0.0.0/16"
    one = account.cloud.invoke(GET_SUBNET, {"id": net["a"]})
    assert (one["vpcId"], one["availabilityZone"], one["availableIpAddressCount"]) == (net["vpc"], "us-east-1a", 251)
    for token, id in ((GET_VPC, "vpc-none"), (GET_VPC, net["a"]), (GET_SUBNET, net["vpc"])):
        with account.refuses("InvalidParameterValue"):
            account.cloud.invoke(token, {"id": id})


def test_a_cluster_and_its_addons(account: Any) -> None:
    account.cluster(account.network())
    account.addons("vpc-cni")
    found = account.cloud.invoke("aws:eks/getCluster:getCluster", {"name": "c"})
    assert found["accessConfigs"][0]["authenticationMode"] == "API"
    assert found["vpcConfig"]["vpcId"].startswith("vpc-")
    addon = {"clusterName": "c", "addonName": "vpc-cni"}
    assert account.cloud.invoke("aws:eks/getAddon:getAddon", addon)["addonVersion"].startswith("v1.22.")
    for token, args in (("getCluster", {"name": "none"}), ("getAddon", {**addon, "addonName": "coredns"})):
        with account.refuses("ResourceNotFoundException"):
            account.cloud.invoke(f"aws:eks/{token}:{token}", args)


@pytest.mark.parametrize(("value", "code"), [("plain", None), (Secret("hidden"), "NotSimulated")])
def test_a_parameter_is_read_unless_it_is_a_secret(account: Any, value: str, code: str | None) -> None:
    account.make("aws:ssm/parameter:Parameter", "p", name="/p", type="String", value=value)
    if code is None:
        assert account.cloud.invoke(PARAMETER, {"name": "/p"})["value"] == "plain"
    else:
        with account.refuses(code):
            account.cloud.invoke(PARAMETER, {"name": "/p"})
    account.make("aws:ssm/parameter:Parameter", "open", name="/open", type="String", insecureValue="plain")
    assert account.cloud.invoke(PARAMETER, {"name": "/open"})["value"] == "plain"
    with account.refuses("ParameterNotFound"):
        account.cloud.invoke(PARAMETER, {"name": "/q"})


def test_what_is_not_simulated_is_refused_with_what_is(account: Any) -> None:
    with account.refuses("NotSimulated"):
        account.cloud.invoke("aws:ec2/getAmi:getAmi", {})
    with account.refuses("NotSimulated"):
        account.cloud.invoke(GET_VPC, {"vpcId": "x"})
