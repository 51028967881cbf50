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
    for subnet in network["Subnets"]:
        yield _record(
            SUBNET,
            subnet["SubnetId"],
            vpcId=subnet["VpcId"],
            cidrBlock=subnet["CidrBlock"],
            availabilityZone=subnet.get("AvailabilityZone"),
            mapPublicIpOnLaunch=subnet.get("MapPublicIpOnLaunch", False),
        )
    for table in network["RouteTables"]:
        yield from _table(table)
    for gateway in network["InternetGateways"]:
        yield _record(INTERNET, gateway["InternetGatewayId"], vpcId=vpc["VpcId"])
    for nat_gateway in filter(_there, network["NatGateways"]):
        addresses = nat_gateway.get("NatGatewayAddresses") or [{}]
        yield _record(
            NAT,
            nat_gateway["NatGatewayId"],
            subnetId=nat_gateway["SubnetId"],
            allocationId=addresses[0].get("AllocationId"),
            connectivityType=nat_gateway.get("ConnectivityType", "public"),
        )
    for endpoint in filter(_there, network["VpcEndpoints"]):
        yield _record(
            ENDPOINT,
            endpoint["VpcEndpointId"],
            vpcId=endpoint["VpcId"],
            serviceName=endpoint["ServiceName"],
            vpcEndpointType=endpoint["VpcEndpointType"],
            privateDnsEnabled=endpoint.get("PrivateDnsEnabled", False),
            subnetIds=endpoint.get("SubnetIds", []),
            routeTableIds=endpoint.get("RouteTableIds", []),
            securityGroupIds=[group["GroupId"] for group in endpoint.get("Groups", [])],
        )
    for security_group in network["SecurityGroups"]:
        yield _record(
            GROUP,
            security_group["GroupId"],
            vpcId=security_group.get("VpcId"),
            ingress=[_rule(rule) for rule in security_group.get("IpPermissions", [])],
            egress=[_rule(rule) for rule in security_group.get("IpPermissionsEgress", [])],
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
    for route in table.get("Routes", []):
        # A blackhole is a route whose target is gone.
        if route.get("State", "active") == "active" and "DestinationCidrBlock" in route:
            gateway = str(route.get("GatewayId", ""))
            yield _record(
                ROUTE,
                f"{id} to {route['DestinationCidrBlock']}",
                routeTableId=id,
                destinationCidrBlock=route["DestinationCidrBlock"],
                natGatewayId=route.get("NatGatewayId"),
                gatewayId=gateway if gateway.startswith("igw-") else None,
            )
    for association in table.get("Associations", []):
        if "SubnetId" in association:
            yield _record(
                ASSOCIATION, f"{id} of {association['SubnetId']}", routeTableId=id, subnetId=association["SubnetId"]
            )
        elif association.get("Main"):
            yield _record(MAIN, f"{id} of {table.get('VpcId')}", routeTableId=id, vpcId=table.get("VpcId"))


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "protocol": rule.get("IpProtocol"),
        "fromPort": rule.get("FromPort"),
        "toPort": rule.get("ToPort"),
        "cidrBlocks": [ip_range["CidrIp"] for ip_range in rule.get("IpRanges", [])],
        "securityGroups": [pair["GroupId"] for pair in rule.get("UserIdGroupPairs", []) if "GroupId" in pair],
    }


def _record(type_: str, id: str, **inputs: Any) -> Record:
    return {
        "urn": id,
        "type": type_,
        "name": id,
        "inputs": {key: value for key, value in inputs.items() if value is not None},
    }
