"""A network that somebody else made, as the account shows it: the same graph as a declared one, so the same law judges both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.paths.groups import CLUSTER, GROUP
from policies.paths.network import ASSOCIATION, ENDPOINT, INTERNET, MAIN, NAT, ROUTE, SUBNET, TABLE, VPC

Record = dict[str, Any]


def records(network: Mapping[str, Any]) -> Iterator[Record]:
    """The resources behind what `Account.network` answers; the URN of each is its id."""
    vpc = network["Vpc"]
    yield _record(
        VPC,
        vpc["VpcId"],
        cidrBlock=vpc.get("CidrBlock"),
        enableDnsSupport=network["DnsSupport"],
        enableDnsHostnames=network["DnsHostnames"],
    )
    for each in network["Subnets"]:
        yield _record(
            SUBNET,
            each["SubnetId"],
            vpcId=each["VpcId"],
            cidrBlock=each["CidrBlock"],
            availabilityZone=each.get("AvailabilityZone"),
            mapPublicIpOnLaunch=each.get("MapPublicIpOnLaunch", False),
        )
    for each in network["RouteTables"]:
        yield from _table(each)
    for each in network["InternetGateways"]:
        yield _record(INTERNET, each["InternetGatewayId"], vpcId=vpc["VpcId"])
    for each in filter(_there, network["NatGateways"]):
        addresses = each.get("NatGatewayAddresses") or [{}]
        yield _record(
            NAT,
            each["NatGatewayId"],
            subnetId=each["SubnetId"],
            allocationId=addresses[0].get("AllocationId"),
            connectivityType=each.get("ConnectivityType", "public"),
        )
    for each in filter(_there, network["VpcEndpoints"]):
        yield _record(
            ENDPOINT,
            each["VpcEndpointId"],
            vpcId=each["VpcId"],
            serviceName=each["ServiceName"],
            vpcEndpointType=each["VpcEndpointType"],
            privateDnsEnabled=each.get("PrivateDnsEnabled", False),
            subnetIds=each.get("SubnetIds", []),
            routeTableIds=each.get("RouteTableIds", []),
            securityGroupIds=[group["GroupId"] for group in each.get("Groups", [])],
        )
    for each in network["SecurityGroups"]:
        yield _record(
            GROUP,
            each["GroupId"],
            vpcId=each.get("VpcId"),
            ingress=[_rule(rule) for rule in each.get("IpPermissions", [])],
            egress=[_rule(rule) for rule in each.get("IpPermissionsEgress", [])],
        )


def cluster(found: Mapping[str, Any]) -> Record:
    """The resource behind an existing cluster, as EKS describes it."""
    config = found["resourcesVpcConfig"]
    return _record(
        CLUSTER,
        found["name"],
        vpcConfig={
            "subnetIds": config.get("subnetIds", []),
            "securityGroupIds": config.get("securityGroupIds", []),
            "clusterSecurityGroupId": config.get("clusterSecurityGroupId"),
            "endpointPrivateAccess": config.get("endpointPrivateAccess"),
            "endpointPublicAccess": config.get("endpointPublicAccess"),
            "publicAccessCidrs": config.get("publicAccessCidrs", []),
        },
    )


def _there(found: Mapping[str, Any]) -> bool:
    """Whether it carries traffic: one that is being made or deleted, or has failed, does not."""
    return str(found.get("State", "available")).lower() == "available"


def _table(table: Mapping[str, Any]) -> Iterator[Record]:
    id = table["RouteTableId"]
    yield _record(TABLE, id, vpcId=table.get("VpcId"))
    for each in table.get("Routes", []):
        # A blackhole is a route whose target is gone.
        if each.get("State", "active") == "active" and "DestinationCidrBlock" in each:
            gateway = str(each.get("GatewayId", ""))
            yield _record(
                ROUTE,
                f"{id} to {each['DestinationCidrBlock']}",
                routeTableId=id,
                destinationCidrBlock=each["DestinationCidrBlock"],
                natGatewayId=each.get("NatGatewayId"),
                gatewayId=gateway if gateway.startswith("igw-") else None,
            )
    for each in table.get("Associations", []):
        if "SubnetId" in each:
            yield _record(ASSOCIATION, f"{id} of {each['SubnetId']}", routeTableId=id, subnetId=each["SubnetId"])
        elif each.get("Main"):
            yield _record(MAIN, f"{id} of {table.get('VpcId')}", routeTableId=id, vpcId=table.get("VpcId"))


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocol": rule.get("IpProtocol"),
        "fromPort": rule.get("FromPort"),
        "toPort": rule.get("ToPort"),
        "cidrBlocks": [each["CidrIp"] for each in rule.get("IpRanges", [])],
        "securityGroups": [each["GroupId"] for each in rule.get("UserIdGroupPairs", []) if "GroupId" in each],
    }


def _record(type_: str, id: str, **inputs: Any) -> Record:
    return {
        "urn": id,
        "type": type_,
        "name": id,
        "inputs": {key: value for key, value in inputs.items() if value is not None},
    }
