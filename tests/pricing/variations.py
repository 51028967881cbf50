"""For each input that is priced: resources that are priced without trouble, and another value of the input.

A case is the token, the resources (the one of that token is changed), the path of the input and its other value. A path goes
through the first item of every list.
"""

from __future__ import annotations

from typing import Any

from pricing.items.graph import UNKNOWN

Resources = tuple[tuple[str, dict[str, Any]], ...]
Case = tuple[str, Resources, str, Any]
LISTS = ("availabilityZoneAddresses", "networkInterfaces", "subnetConfigurations", "subnetMappings")
"""Lists that a case makes, where the resources have none."""

GROUP, TEMPLATE = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"
SCALING, INSTANCE = "aws:autoscaling/group:Group", "aws:ec2/instance:Instance"
SPOT_REQUEST, RESERVATION = (
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
    "aws:ec2/capacityReservation:CapacityReservation",
)
NAT, ENDPOINT, BALANCER = (
    "aws:ec2/natGateway:NatGateway",
    "aws:ec2/vpcEndpoint:VpcEndpoint",
    "aws:lb/loadBalancer:LoadBalancer",
)
CLUSTER, LOGS, QUEUE = "aws:eks/cluster:Cluster", "aws:cloudwatch/logGroup:LogGroup", "aws:sqs/queue:Queue"


def template(**changed: Any) -> tuple[str, dict[str, Any]]:
    disk = {"volumeSize": 50, "volumeType": "gp3"}
    return TEMPLATE, {"name": "t", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": disk}], **changed}


def group(**changed: Any) -> tuple[str, dict[str, Any]]:
    return GROUP, {
        "instanceTypes": ["m7g.large"],
        "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
        "subnetIds": [UNKNOWN, UNKNOWN],
        "launchTemplate": {"name": "t"},
        **changed,
    }


def bare_group(**changed: Any) -> tuple[str, dict[str, Any]]:
    token, inputs = group(**changed)
    del inputs["launchTemplate"]
    return token, inputs


def scaling(**changed: Any) -> tuple[str, dict[str, Any]]:
    return SCALING, {"minSize": 1, "desiredCapacity": 5, "maxSize": 10, "launchTemplate": {"name": "t"}, **changed}


def instance(token: str = INSTANCE, **changed: Any) -> tuple[str, dict[str, Any]]:
    root = {"volumeSize": 20, "volumeType": "gp3"}
    return token, {
        "instanceType": "t3.medium",
        "rootBlockDevice": root,
        "associatePublicIpAddress": False,
        **changed,
    }


def regional(zones: int = 3) -> tuple[str, dict[str, Any]]:
    named = [{"allocationIds": [UNKNOWN], "availabilityZone": f"us-east-1{zone}"} for zone in "abcdef"[:zones]]
    return NAT, {"availabilityMode": "regional", "availabilityZoneAddresses": named}


def endpoint(**changed: Any) -> tuple[str, dict[str, Any]]:
    return ENDPOINT, {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN], **changed}


def balancer(**changed: Any) -> tuple[str, dict[str, Any]]:
    return BALANCER, {"loadBalancerType": "network", **changed}


def cluster(**changed: Any) -> tuple[str, dict[str, Any]]:
    return CLUSTER, {"name": "c", "version": "1.36", **changed}


GROUPED, SCALED = (template(), group()), (template(instanceType="t3.large"), scaling())
MANY = (template(), group(scalingConfig={"minSize": 1, "desiredSize": 2, "maxSize": 20}))
MAPPED = (balancer(subnetMappings=[{"subnetId": UNKNOWN}]),)
LOGGED = ((LOGS, {"name": "/aws/eks/c/cluster", "retentionInDays": 30}), cluster(enabledClusterLogTypes=["api"]))


def _machine(token: str) -> list[Case]:
    one: Resources = (instance(token),)
    extra: Resources = (
        instance(token, ebsBlockDevices=[{"deviceName": "/dev/sdf", "volumeSize": 9, "volumeType": "gp3"}]),
    )
    disks = (("volumeSize", 70), ("volumeType", "gp2"), ("iops", 9000), ("throughput", 500))
    return [
        (token, one, "instanceType", "t3.large"),
        (token, one, "creditSpecification.cpuCredits", "standard"),
        (token, one, "associatePublicIpAddress", True),
        (token, one, "monitoring", True),
        (token, one, "launchTemplate.id", "lt-1"),
        (token, one, "launchTemplate.name", "elsewhere"),
        *((token, one, f"rootBlockDevice.{key}", value) for key, value in disks),
        *((token, extra, f"ebsBlockDevices.{key}", value) for key, value in disks),
    ]


CASES: list[Case] = [
    *_machine(INSTANCE),
    *_machine(SPOT_REQUEST),
    (INSTANCE, (instance(),), "instanceMarketOptions.marketType", "capacity-block"),
    (RESERVATION, ((RESERVATION, {"instanceType": "m7g.large", "instanceCount": 2}),), "instanceType", "m7g.xlarge"),
    (RESERVATION, ((RESERVATION, {"instanceType": "m7g.large", "instanceCount": 2}),), "instanceCount", 3),
    (TEMPLATE, SCALED, "instanceType", "t3.xlarge"),
    (TEMPLATE, SCALED, "creditSpecification.cpuCredits", "standard"),
    (TEMPLATE, SCALED, "instanceMarketOptions.marketType", "capacity-block"),
    (TEMPLATE, SCALED, "monitoring.enabled", True),
    (TEMPLATE, SCALED, "networkInterfaces.associatePublicIpAddress", "false"),
    (TEMPLATE, GROUPED, "networkInterfaces.associatePublicIpAddress", "true"),
    (TEMPLATE, GROUPED, "blockDeviceMappings.deviceName", "/dev/sdf"),
    (TEMPLATE, GROUPED, "blockDeviceMappings.ebs.volumeSize", 70),
    (TEMPLATE, GROUPED, "blockDeviceMappings.ebs.volumeType", "gp2"),
    (TEMPLATE, GROUPED, "blockDeviceMappings.ebs.iops", 9000),
    (TEMPLATE, GROUPED, "blockDeviceMappings.ebs.throughput", 500),
    (SCALING, SCALED, "minSize", 2),
    (SCALING, SCALED, "desiredCapacity", 6),
    (SCALING, SCALED, "maxSize", 11),
    (SCALING, SCALED, "launchTemplate.name", "elsewhere"),
    (SCALING, SCALED, "instanceMaintenancePolicy.maxHealthyPercentage", 200),
    (SCALING, SCALED, "instanceRefresh.preferences.maxHealthyPercentage", 150),
    (GROUP, GROUPED, "amiType", "WINDOWS_CORE_2022_x86_64"),
    (GROUP, GROUPED, "capacityType", "SPOT"),
    (GROUP, GROUPED, "instanceTypes", ["m7g.xlarge"]),
    (GROUP, GROUPED, "launchTemplate.name", "elsewhere"),
    (GROUP, (bare_group(),), "launchTemplate.id", "lt-1"),
    (GROUP, (bare_group(),), "diskSize", 70),
    (GROUP, GROUPED, "scalingConfig.minSize", 2),
    (GROUP, GROUPED, "scalingConfig.desiredSize", 3),
    (GROUP, GROUPED, "scalingConfig.maxSize", 4),
    (GROUP, GROUPED, "subnetIds", [UNKNOWN, UNKNOWN, UNKNOWN]),
    (GROUP, GROUPED, "updateConfig.maxUnavailable", 5),
    (GROUP, MANY, "updateConfig.maxUnavailablePercentage", 50),
    (NAT, (regional(),), "availabilityMode", "zonal"),
    (NAT, ((NAT, {}),), "availabilityZoneAddresses.allocationIds", ["a", "b"]),
    (NAT, ((NAT, {}),), "availabilityZoneAddresses.availabilityZone", "us-east-1a"),
    (NAT, ((NAT, {}),), "availabilityZoneAddresses.availabilityZoneId", "use1-az1"),
    (ENDPOINT, (endpoint(),), "vpcEndpointType", "GatewayLoadBalancer"),
    (ENDPOINT, (endpoint(),), "subnetIds", [UNKNOWN, UNKNOWN]),
    (ENDPOINT, (endpoint(subnetIds=None),), "subnetConfigurations.subnetId", "subnet-1"),
    (BALANCER, (balancer(subnets=[UNKNOWN]),), "internal", True),
    (BALANCER, (balancer(subnets=[UNKNOWN]),), "subnets", [UNKNOWN, UNKNOWN]),
    (BALANCER, (balancer(subnets=[UNKNOWN]),), "loadBalancerType", "application"),
    (
        BALANCER,
        (balancer(subnets=[UNKNOWN], loadBalancerType="application"),),
        "ipAddressType",
        "dualstack-without-public-ipv4",
    ),
    (BALANCER, MAPPED, "subnetMappings.allocationId", "eipalloc-1"),
    (BALANCER, (balancer(),), "subnetMappings.subnetId", "subnet-1"),
    (CLUSTER, (cluster(),), "version", "1.33"),
    (CLUSTER, (cluster(),), "controlPlaneScalingConfig.tier", "tier-xl"),
    (CLUSTER, (cluster(),), "enabledClusterLogTypes", ["api"]),
    (CLUSTER, LOGGED, "name", "other"),
    (QUEUE, ((QUEUE, {}),), "fifoQueue", True),
    (LOGS, ((LOGS, {"retentionInDays": 30}),), "retentionInDays", 60),
    (LOGS, ((LOGS, {"retentionInDays": 30}),), "logGroupClass", "INFREQUENT_ACCESS"),
]
