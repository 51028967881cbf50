"""What EC2 refuses about networks: ranges, zones, and things that are not in the same VPC."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.aws.view import SUBNET, VPC, View, text
from sandbox.items import Item
from sandbox.provider import CloudError

GATEWAY = "aws:ec2/internetGateway:InternetGateway"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
NAT = "aws:ec2/natGateway:NatGateway"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ZONES = "abc"
ANYWHERE = "0.0.0.0/0"

Rule = Callable[[View, Mapping[str, Any], str], None]


def vpc(_view: View, inputs: Mapping[str, Any], _region: str) -> None:
    """A VPC is between /16 and /28."""
    _range(text(inputs, "cidrBlock"), "InvalidVpc.Range")


def subnet(view: View, inputs: Mapping[str, Any], region: str) -> None:
    """A subnet lies in its VPC, overlaps no sibling, and its zone is one of the region's."""
    zone = text(inputs, "availabilityZone")
    if zone and zone not in [f"{region}{letter}" for letter in ZONES]:
        raise CloudError("InvalidParameterValue", f"Value ({zone}) for parameter availabilityZone is invalid.")
    mine = _range(text(inputs, "cidrBlock"), "InvalidSubnet.Range")
    parent = view.one(VPC, inputs.get("vpcId"))
    if mine is None or parent is None:
        return
    whole = _range(text(parent.state, "cidrBlock"), "InvalidVpc.Range")
    if whole is not None and not mine.subnet_of(whole):
        raise CloudError(
            "InvalidSubnet.Range", f"The CIDR '{mine}' is invalid: it is outside of {whole} of {parent.id}."
        )
    for sibling in view.all(SUBNET, vpcId=parent.id):
        theirs = _range(text(sibling.state, "cidrBlock"), "InvalidSubnet.Range")
        if theirs is not None and mine.overlaps(theirs):
            raise CloudError("InvalidSubnet.Conflict", f"The CIDR '{mine}' conflicts with another subnet: {sibling.id}")


def nat_gateway(view: View, inputs: Mapping[str, Any], _region: str) -> None:
    """A public NAT gateway needs an internet gateway on its VPC, and an address."""
    place = view.one(SUBNET, inputs.get("subnetId"))
    if place is None or inputs.get("connectivityType", "public") != "public":
        return
    if not inputs.get("allocationId"):
        raise CloudError("MissingParameter", "The request must contain the parameter AllocationId")
    if not view.all(GATEWAY, vpcId=place.state["vpcId"]):
        raise CloudError("Gateway.NotAttached", f"Network {place.state['vpcId']} has no Internet gateway attached")


def route(view: View, inputs: Mapping[str, Any], _region: str) -> None:
    """A route's target is in the VPC of its table."""
    table = view.one(TABLE, inputs.get("routeTableId"))
    gateway = view.one(GATEWAY, inputs.get("gatewayId"))
    nat = view.one(NAT, inputs.get("natGatewayId"))
    place = gateway.state.get("vpcId") if gateway else view.property_of(nat.state["subnetId"], "vpcId") if nat else None
    if table and place and place != table.state["vpcId"]:
        target = (gateway or nat or table).id
        raise CloudError(
            "InvalidParameterValue", f"route table {table.id} and network gateway {target} belong to different networks"
        )


def association(view: View, inputs: Mapping[str, Any], _region: str) -> None:
    """A subnet and its route table are in the same VPC."""
    table, place = view.one(TABLE, inputs.get("routeTableId")), view.one(SUBNET, inputs.get("subnetId"))
    if table and place and table.state["vpcId"] != place.state["vpcId"]:
        raise CloudError(
            "InvalidParameterValue", f"Route table {table.id} and subnet {place.id} belong to different networks"
        )


def endpoint(view: View, inputs: Mapping[str, Any], region: str) -> None:
    """An endpoint's subnets are in its VPC, one per zone; its service is one of the region's."""
    name = text(inputs, "serviceName")
    if name.startswith("com.amazonaws.") and not name.startswith(f"com.amazonaws.{region}."):
        raise CloudError("InvalidServiceName", f"The Vpc Endpoint Service '{name}' does not exist")
    places = view.subnets(inputs.get("subnetIds"))
    if inputs.get("vpcEndpointType", "Gateway") == "Gateway" and (places or inputs.get("securityGroupIds")):
        raise CloudError("InvalidParameter", "Endpoint type (Gateway) does not take subnets or security groups")
    same_vpc(places, text(inputs, "vpcId"))
    zones = [place.state["availabilityZone"] for place in places]
    if len(zones) != len(set(zones)):
        raise CloudError("DuplicateSubnetsInSameZone", "Found another VPC endpoint subnet in the availability zone")
    groups_in(view, inputs.get("securityGroupIds"), text(inputs, "vpcId"))


def same_vpc(places: list[Item], vpc_id: str) -> None:
    """Raise CloudError unless every subnet is in that VPC (or, without one, in the same)."""
    homes = {str(place.state["vpcId"]) for place in places} | ({vpc_id} if vpc_id else set())
    if len(homes) > 1:
        raise CloudError("InvalidParameter", f"Subnets belong to different VPCs: {', '.join(sorted(homes))}")


def groups_in(view: View, ids: Any, vpc_id: str) -> None:
    """Raise CloudError unless every security group is in that VPC."""
    for name in ids if isinstance(ids, list) else ():
        group = view.one(GROUP, name)
        if group and vpc_id and group.state["vpcId"] != vpc_id:
            raise CloudError("InvalidParameter", f"Security group {group.id} does not belong to VPC {vpc_id}")


def detach_gateway(view: View, item: Item) -> None:
    """An internet gateway stays while its VPC has mapped public addresses."""
    home = item.state.get("vpcId")
    if any(view.property_of(nat.state["subnetId"], "vpcId") == home for nat in view.all(NAT)):
        raise CloudError(
            "DependencyViolation",
            f"Network {home} has some mapped public address(es). Please unmap those before detaching the gateway.",
        )


def reaches_out(view: View, place: Item) -> bool:
    """Whether a subnet's route table has a default route, or its VPC the endpoints that a node needs to join."""
    joined = view.all(ASSOCIATION, subnetId=place.id)
    table = joined[0].state["routeTableId"] if joined else view.property_of(place.state["vpcId"], "mainRouteTableId")
    if any(route.state.get("destinationCidrBlock") == ANYWHERE for route in view.all(ROUTE, routeTableId=table)):
        return True
    services = {
        text(item.state, "serviceName").split(".", 3)[-1] for item in view.all(ENDPOINT, vpcId=place.state["vpcId"])
    }
    return services >= {"ec2", "ecr.api", "ecr.dkr", "sts", "s3", "eks"}


def _range(cidr: str, code: str) -> ipaddress.IPv4Network | None:
    if not cidr:
        return None
    try:
        network = ipaddress.IPv4Network(cidr)
    except ValueError as error:
        raise CloudError(
            "InvalidParameterValue", f"Value ({cidr}) for parameter cidrBlock is invalid: {error}"
        ) from error
    if not 16 <= network.prefixlen <= 28:
        raise CloudError(code, f"The CIDR '{cidr}' is invalid: its size must be between /16 and /28.")
    return network


CREATE: dict[str, Rule] = {
    VPC: vpc,
    SUBNET: subnet,
    NAT: nat_gateway,
    ROUTE: route,
    ASSOCIATION: association,
    ENDPOINT: endpoint,
}
