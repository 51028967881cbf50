"""The doctor in a VPC that somebody else made: the account shows routes and groups, and the same law judges them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from infra.loaded import LoadedStack
from infra.stack.stack import Stack
from ops.doctor import network_paths
from ops.doctor.account import Account
from ops.doctor.checks import Check, Status

VPC, A, B, PUBLIC = (
    "vpc-0123456789abcdef0",
    "subnet-0123456789abcdefa",
    "subnet-0123456789abcdefb",
    "subnet-0123456789abcdefc",
)
GROUP = "sg-0123456789abcdef0"
ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
THERE: dict[str, Any] = {
    "Vpc": {"VpcId": VPC, "CidrBlock": "10.90.0.0/16"},
    "DnsSupport": True,
    "DnsHostnames": True,
    "Subnets": [
        {"SubnetId": A, "VpcId": VPC, "CidrBlock": "10.90.32.0/19", "AvailabilityZone": "us-east-1a"},
        {"SubnetId": B, "VpcId": VPC, "CidrBlock": "10.90.64.0/19", "AvailabilityZone": "us-east-1b"},
        {"SubnetId": PUBLIC, "VpcId": VPC, "CidrBlock": "10.90.0.0/24", "AvailabilityZone": "us-east-1a"},
    ],
    "RouteTables": [
        {
            "RouteTableId": "rtb-out",
            "VpcId": VPC,
            "Routes": [
                {"DestinationCidrBlock": "10.90.0.0/16", "GatewayId": "local", "State": "active"},
                {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"},
            ],
            "Associations": [{"SubnetId": A}, {"SubnetId": B}],
        },
        {
            "RouteTableId": "rtb-main",
            "VpcId": VPC,
            "Routes": [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}],
            "Associations": [{"Main": True}],
        },
    ],
    "InternetGateways": [{"InternetGatewayId": "igw-1"}],
    "NatGateways": [
        {
            "NatGatewayId": "nat-1",
            "SubnetId": PUBLIC,
            "State": "available",
            "NatGatewayAddresses": [{"AllocationId": "eipalloc-1"}],
        }
    ],
    "VpcEndpoints": [],
    "SecurityGroups": [
        {
            "GroupId": GROUP,
            "VpcId": VPC,
            "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": GROUP}]}],
            "IpPermissionsEgress": [ALL],
        }
    ],
}
CLUSTER = {
    "name": "theirs",
    "status": "ACTIVE",
    "version": "1.36",
    "endpoint": "https://abc.eks.amazonaws.com",
    "accessConfig": {"authenticationMode": "API"},
    "certificateAuthority": {"data": "CA"},
    "resourcesVpcConfig": {
        "vpcId": VPC,
        "subnetIds": [A, B],
        "clusterSecurityGroupId": GROUP,
        "endpointPrivateAccess": True,
    },
}


class Theirs(Account):
    """An account with that network and, where it is asked for, that cluster."""

    def __init__(self, there: dict[str, Any]) -> None:
        self.there = there

    def network(self, vpc: str) -> dict[str, Any]:
        assert vpc == VPC
        return self.there

    def cluster(self, name: str) -> dict[str, Any]:
        assert name == "theirs"
        return CLUSTER


def stack(**more: Any) -> Stack:
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 4000},
        "network": {"existing": {"vpcId": VPC, "privateSubnetIds": [A, B]}},
        "cluster": {"access": {"allowedCidrs": ["10.90.32.0/19"]}},
        "monitoring": {"enabled": False},
    }
    return Stack.of({**platform, **more}, "us-east-1")


def looked(change: Callable[[dict[str, Any]], None], of: Stack) -> list[Check]:
    there = copy.deepcopy(THERE)
    change(there)
    return list(network_paths.checks(LoadedStack(name="dev", stack=of), Theirs(there)))


def nothing(_: dict[str, Any]) -> None: ...


def unroute(there: dict[str, Any]) -> None:
    there["RouteTables"][0]["Routes"][1]["State"] = "blackhole"


def mute(there: dict[str, Any]) -> None:
    there["DnsHostnames"] = False


def detach(there: dict[str, Any]) -> None:
    there["InternetGateways"] = []


def transit(there: dict[str, Any]) -> None:
    there["RouteTables"][0]["Routes"][1] = {"DestinationCidrBlock": "0.0.0.0/0", "TransitGatewayId": "tgw-1"}


def forget(there: dict[str, Any]) -> None:
    there["RouteTables"][0]["Associations"] = [{"SubnetId": A}]


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (nothing, Status.OK, "each with all that carries it"),
        (unroute, Status.FAIL, "no route leads out"),
        (mute, Status.FAIL, "the VPC does not answer DNS: enableDnsHostnames is off"),
        (detach, Status.WARN, "undetermined: internet gateway igw-1"),
        (transit, Status.WARN, "undetermined: where route rtb-out to 0.0.0.0/0 leads"),
        (forget, Status.FAIL, "machines there get no public address"),
    ],
)
def test_a_vpc_of_somebody_elses_is_judged_by_what_the_account_shows(
    change: Callable[[dict[str, Any]], None], status: Status, says: str
) -> None:
    (check,) = looked(change, stack())
    assert check.status is status
    assert says in check.found


def test_in_a_cluster_of_somebody_elses_its_group_has_to_let_nodes_in_to_the_api() -> None:
    theirs = stack(cluster={"existing": {"name": "theirs"}})
    assert [check.status for check in looked(nothing, theirs)] == [Status.OK]

    def close(there: dict[str, Any]) -> None:
        there["SecurityGroups"][0]["IpPermissions"] = []

    stopping = [check for check in looked(close, theirs) if check.stops]
    assert any("lets nodes general in on tcp 443" in check.found for check in stopping)


def test_the_network_is_read_as_aws_answers() -> None:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    ec2 = boto3.client("ec2", region_name="us-east-1", **keys)
    with Stubber(ec2) as stub:
        stub.add_response("describe_vpcs", {"Vpcs": [THERE["Vpc"]]}, {"VpcIds": [VPC]})
        for name in ("DnsSupport", "DnsHostnames"):
            asked = {"VpcId": VPC, "Attribute": f"enable{name}"}
            stub.add_response("describe_vpc_attribute", {f"Enable{name}": {"Value": True}}, asked)
        mine = [{"Name": "vpc-id", "Values": [VPC]}]
        for name, operation in (
            ("Subnets", "describe_subnets"),
            ("RouteTables", "describe_route_tables"),
            ("SecurityGroups", "describe_security_groups"),
            ("VpcEndpoints", "describe_vpc_endpoints"),
        ):
            stub.add_response(operation, {name: THERE[name]}, {"Filters": mine})
        stub.add_response("describe_nat_gateways", {"NatGateways": THERE["NatGateways"]}, {"Filter": mine})
        attached = [{"Name": "attachment.vpc-id", "Values": [VPC]}]
        stub.add_response(
            "describe_internet_gateways", {"InternetGateways": THERE["InternetGateways"]}, {"Filters": attached}
        )
        assert Account(lambda _: ec2).network(VPC) == THERE
        stub.assert_no_pending_responses()
