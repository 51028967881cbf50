"""What machines, ways out and control planes cost with the inputs that are easily left unread: worked out by hand."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest

from core.problem import Refused
from pricing.bill.estimate import Estimate, estimate
from pricing.book.book import PriceBook
from pricing.items.cost import cents
from pricing.items.graph import UNKNOWN, Graph
from pricing.items.usage import Usage
from pricing.meters.compute.general_pool import general_bound
from tests.pricing.variations import (
    INSTANCE,
    NAT,
    RESERVATION,
    SPOT_REQUEST,
    Resources,
    balancer,
    bare_group,
    cluster,
    endpoint,
    group,
    instance,
    regional,
    scaling,
    template,
)

EIP: tuple[str, dict[str, Any]] = ("aws:ec2/eip:Eip", {})
NODE_CLASS, NODE_POOL = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass", "kubernetes:karpenter.sh/v1:NodePool"


def _bill(*resources: tuple[str, dict[str, Any]], depends: tuple[str, ...] = ()) -> Estimate:
    last = len(resources) - 1
    graph = Graph.of(
        {"urn": f"u{at}", "type": token, "name": f"r{at}", "inputs": given, "depends": depends if at == last else ()}
        for at, (token, given) in enumerate(resources)
    )
    return estimate(graph, PriceBook.embedded("us-east-1"), datetime.date(2026, 11, 30), Usage())


def _amounts(bill: Estimate) -> tuple[str, ...]:
    assert bill.totals.complete, [item.assumptions for item in bill.totals.unpriced]
    return tuple(f"{cents(amount):f}" for amount in (bill.totals.minimum, bill.totals.expected, bill.totals.maximum))


def node_class(**changed: Any) -> tuple[str, dict[str, Any]]:
    disk = {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "200Gi", "volumeType": "gp3"}}
    return NODE_CLASS, {
        "metadata": {"name": "general"},
        "spec": {"amiFamily": "AL2023", "blockDeviceMappings": [disk], **changed},
    }


def node_pool(*types: str, cpu: int = 4) -> tuple[str, dict[str, Any]]:
    requirements = [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": list(types)},
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["on-demand"]},
    ]
    spec = {
        "template": {"spec": {"nodeClassRef": {"name": "general"}, "requirements": requirements}},
        "disruption": {"budgets": [{"nodes": "1"}]},
        "limits": {"cpu": str(cpu)},
    }
    return NODE_POOL, {"metadata": {"name": "general"}, "spec": spec}


CREDITS: dict[str, tuple[Resources, tuple[str, ...]]] = {
    # 0.0672 x 730 + 4; credits 1.4 x 0.04 x 730 = 40.88 a node; update 16 h x (0.0672 + 4/730 + 0.056)
    "a node group": ((template(), group(instanceTypes=["t4g.large"])), ("53.06", "106.11", "283.87")),
    # as before and without the 0.056: 3 x 53.056 + 16 x 0.0726795
    "a node group whose template says standard": (
        (template(creditSpecification={"cpuCredits": "standard"}), group(instanceTypes=["t4g.large"])),
        ("53.06", "106.11", "160.33"),
    ),
    # 0.0416 x 730 + 20 x 0.08; credits 2 x 0.8 x 0.05 x 730 = 58.40
    "an instance": ((instance(),), ("31.97", "31.97", "90.37")),
    "an instance on standard": (
        (instance(creditSpecification={"cpuCredits": "standard"}),),
        ("31.97", "31.97", "31.97"),
    ),
    "an instance whose template says standard": (
        (
            template(creditSpecification={"cpuCredits": "standard"}, blockDeviceMappings=None),
            instance(launchTemplate={"name": "t"}),
        ),
        ("31.97", "31.97", "31.97"),
    ),
    # spot is capped at on demand, credits are not part of it
    "a spot request": ((instance(SPOT_REQUEST, instanceType="t3.large"),), ("62.34", "62.34", "113.44")),
    # 0.0832 x 730 + 4 + 3.65 = 68.386 each; credits 2 x 0.7 x 0.05 x 730 = 51.10; at most 10, and one more for 4 h
    "an auto-scaling group": ((template(instanceType="t3.large"), scaling()), ("68.39", "341.93", "1195.51")),
    # 4 x 0.0336 x 730 = 98.112, replacement 49.056, disks 3 x 16; credits 4 x 0.7 x 0.04 x 730 = 81.76 and 40.88
    "a NodePool": ((node_class(), node_pool("t4g.large")), ("0.00", "91.08", "317.81")),
    # m7g.large costs 0.0408 a vCPU and t4g.large 0.0336 + 0.028: the burstable one is the dearer
    "a NodePool of both kinds": ((node_class(), node_pool("m7g.large", "t4g.large")), ("0.00", "91.08", "317.81")),
}


@pytest.mark.parametrize("case", CREDITS)
def test_a_burstable_machine_costs_its_cpu_credits_at_most(case: str) -> None:
    resources, expected = CREDITS[case]
    assert _amounts(_bill(*resources)) == expected


VALUES: dict[str, tuple[Resources, tuple[str, ...]]] = {
    # 0.0816 x 730 + 20 x 0.08; 7 x 0.30
    "detailed monitoring": ((instance(instanceType="m7g.large", monitoring=True),), ("63.27", "63.27", "63.27")),
    # 0.0816 x 730 + 20 x 0.08 + 100 x 0.08
    "a disk that the template adds": (
        (
            template(blockDeviceMappings=[{"deviceName": "/dev/sdf", "ebs": {"volumeSize": 100, "volumeType": "gp3"}}]),
            instance(instanceType="m7g.large", launchTemplate={"name": "t"}),
        ),
        ("69.17", "69.17", "69.17"),
    ),
    # 3 x 63.568 + 10 x 4 h x (0.0816 + 4/730)
    "a group of which ten may be unavailable": (
        (template(), group(updateConfig={"maxUnavailable": 10})),
        ("63.57", "127.14", "194.19"),
    ),
    # four are two a zone, so no more
    "a group of which four may be unavailable": (
        (template(), group(updateConfig={"maxUnavailable": 4})),
        ("63.57", "127.14", "192.10"),
    ),
    # 40 x 63.568 + 20 x 4 h x 0.0870795
    "a group of which half may be unavailable": (
        (
            template(),
            group(
                scalingConfig={"minSize": 1, "desiredSize": 2, "maxSize": 40},
                updateConfig={"maxUnavailablePercentage": 50},
            ),
        ),
        ("63.57", "127.14", "2549.69"),
    ),
    # EKS updates 100 nodes at once at most: 400 x 63.568 + 100 x 4 h x 0.0870795
    "a group of which all may be unavailable": (
        (
            template(),
            group(
                scalingConfig={"minSize": 1, "desiredSize": 2, "maxSize": 400},
                updateConfig={"maxUnavailablePercentage": 100},
            ),
        ),
        ("63.57", "127.14", "25462.03"),
    ),
    # 3.65 a node and 16 h x 0.005 more than the group by itself
    "a group with public addresses": (
        (template(networkInterfaces=[{"associatePublicIpAddress": "true"}]), group()),
        ("67.22", "134.44", "203.13"),
    ),
    # 67.218 each with address and disk; at most 10, and 10 more for 4 h at 0.0920795
    "a group that may double while it is refreshed": (
        (
            template(instanceType="m7g.large"),
            scaling(instanceRefresh={"strategy": "Rolling", "preferences": {"maxHealthyPercentage": 200}}),
        ),
        ("67.22", "336.09", "675.86"),
    ),
    "a group whose maintenance may double it": (
        (template(instanceType="m7g.large"), scaling(instanceMaintenancePolicy={"maxHealthyPercentage": 200})),
        ("67.22", "336.09", "675.86"),
    ),
    # a tenth of ten: one more for 4 h
    "a group that balances its zones": ((template(instanceType="m7g.large"), scaling()), ("67.22", "336.09", "672.55")),
    # a tenth of fifteen is two: 15 x 67.218 + 2 x 4 h x 0.0920795
    "a larger group that balances its zones": (
        (template(instanceType="m7g.large"), scaling(maxSize=15)),
        ("67.22", "336.09", "1009.01"),
    ),
    "a group that says nothing of maxHealthyPercentage": (
        (template(instanceType="m7g.large"), scaling(instanceMaintenancePolicy={"maxHealthyPercentage": -1})),
        ("67.22", "336.09", "672.55"),
    ),
    # 2 x 0.0672 x 730, without the credits of what runs in it
    "a reservation of burstable machines": (
        ((RESERVATION, {"instanceType": "t4g.large", "instanceCount": 2}),),
        ("98.11", "98.11", "98.11"),
    ),
    # 0.045 x 730 x 3; 100 GB x 0.045 and at most 300
    "a regional NAT gateway in three zones": ((regional(),), ("98.55", "103.05", "112.05")),
    # 0.10 x 730 + 1.65 x 730
    "a provisioned control plane": ((cluster(controlPlaneScalingConfig={"tier": "tier-xl"}),), ("1277.50",) * 3),
    "a control plane that scales by itself": (
        (cluster(controlPlaneScalingConfig={"tier": "standard"}),),
        ("73.00",) * 3,
    ),
    "a control plane without Auto Mode": ((cluster(computeConfig={"enabled": False}),), ("73.00",) * 3),
    # 0.0225 x 730 + 730 x 0.006, the addresses once: 2 x 3.65
    "a network load balancer with addresses of its own": (
        (EIP, EIP, balancer(subnetMappings=[{"allocationId": "a"}, {"allocationId": "b"}])),
        ("23.73", "28.11", "36.87"),
    ),
    # 2 x 0.01 x 730; 10 GB x 0.01
    "an endpoint of which one subnet is configured": (
        (endpoint(subnetIds=[UNKNOWN, UNKNOWN], subnetConfigurations=[{"subnetId": UNKNOWN}]),),
        ("14.60", "14.70", "14.90"),
    ),
    "an endpoint whose subnets are configured one by one": (
        (endpoint(subnetIds=None, subnetConfigurations=[{"subnetId": UNKNOWN}, {"subnetId": UNKNOWN}]),),
        ("14.60", "14.70", "14.90"),
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_an_input_is_counted_to_the_cent(case: str) -> None:
    resources, expected = VALUES[case]
    assert _amounts(_bill(*resources)) == expected


def test_an_address_whose_id_is_not_known_yet_is_counted_once_where_it_is_declared() -> None:
    mapped = balancer(subnetMappings=[{"allocationId": UNKNOWN}])
    assert _amounts(_bill(EIP, mapped, depends=("u0",))) == _amounts(
        _bill(EIP, balancer(subnetMappings=[{"allocationId": "a"}]))
    )
    assert _bill(EIP, mapped).totals.maximum > _bill(EIP, mapped, depends=("u0",)).totals.maximum


UNPRICED: dict[str, tuple[Resources, str]] = {
    "a dedicated instance": ((instance(tenancy="dedicated"),), "its input tenancy is not priced"),
    "an instance on a host": ((instance(tenancy="host"),), "its input tenancy is not priced"),
    "an instance of unknown tenancy": ((instance(tenancy=UNKNOWN),), "its input tenancy is not known"),
    "a template of a dedicated machine": ((template(placement={"tenancy": "dedicated"}), group()), "placement.tenancy"),
    "a VPC of dedicated machines": ((("aws:ec2/vpc:Vpc", {"instanceTenancy": "dedicated"}),), "instanceTenancy"),
    "a subnet that gives public addresses": (
        (("aws:ec2/subnet:Subnet", {"mapPublicIpOnLaunch": True}),),
        "mapPublicIp",
    ),
    "a Windows node group": ((template(), group(amiType="WINDOWS_FULL_2022_x86_64")), "amiType"),
    "a node group of an unknown image": ((template(), group(amiType=UNKNOWN)), "amiType"),
    "a Windows instance": ((instance(getPasswordData=True),), "getPasswordData"),
    "a Windows reservation": (
        ((RESERVATION, {"instanceType": "m7g.large", "instanceCount": 1, "instancePlatform": "Windows"}),),
        "instancePlatform",
    ),
    "a Windows NodeClass": ((node_class(amiFamily="Windows2022"), node_pool("m7g.large")), "not known to be Linux"),
    "a Windows alias": (
        (node_class(amiFamily=None, amiSelectorTerms=[{"alias": "windows2022@latest"}]), node_pool("m7g.large")),
        "not known to be Linux",
    ),
    "a NodeClass of nobody knows what": ((node_class(amiFamily=None), node_pool("m7g.large")), "not known to be Linux"),
    "a Bottlerocket NodeClass with one disk": (
        (node_class(amiFamily="Bottlerocket"), node_pool("m7g.large")),
        "the disk at /dev/xvdb is not said",
    ),
    "a Bottlerocket NodeClass whose only disk is the root": (
        (
            node_class(
                amiFamily="Bottlerocket",
                blockDeviceMappings=[{"rootVolume": True, "ebs": {"volumeSize": "9Gi", "volumeType": "gp3"}}],
            ),
            node_pool("m7g.large"),
        ),
        "/dev/xvdb is not said",
    ),
    "a Bottlerocket group with one disk": ((template(), group(amiType="BOTTLEROCKET_ARM_64")), "/dev/xvdb"),
    "a Bottlerocket group without a template": ((bare_group(amiType="BOTTLEROCKET_ARM_64"),), "Bottlerocket itself"),
    "a template without the root disk": (
        (
            template(blockDeviceMappings=[{"deviceName": "/dev/sdf", "ebs": {"volumeSize": 9, "volumeType": "gp3"}}]),
            group(),
        ),
        "the image's root",
    ),
    "an instance without the root disk": (
        (
            instance(
                rootBlockDevice=None, ebsBlockDevices=[{"deviceName": "/dev/sdf", "volumeSize": 9, "volumeType": "gp3"}]
            ),
        ),
        "size of the instance's disk",
    ),
    "an instance whose template is elsewhere": ((instance(launchTemplate={"name": "x"}),), "is not declared here"),
    "a group by a name that no template has": ((template(), group(launchTemplate={"name": "x"})), "not declared here"),
    "a group with a warm pool": ((template(instanceType="m7g.large"), scaling(warmPool={"minSize": 1})), "warmPool"),
    "a node group with a warm pool": ((template(), group(warmPoolConfig={"minSize": 1})), "warmPoolConfig"),
    "a group of mixed types": ((template(), scaling(mixedInstancesPolicy={})), "mixedInstancesPolicy"),
    "a capacity block": ((template(), group(capacityType="CAPACITY_BLOCK")), "capacityType"),
    "a template of a capacity block": (
        (template(instanceMarketOptions={"marketType": "capacity-block"}), group()),
        "marketType",
    ),
    "an encrypted machine of AMD": ((instance(cpuOptions={"amdSevSnp": "enabled"}),), "cpuOptions.amdSevSnp"),
    "a disk filled at a rate": (
        (instance(rootBlockDevice={"volumeSize": 9, "volumeType": "gp3", "volumeInitializationRate": 200}),),
        "volumeInitializationRate",
    ),
    "Auto Mode": ((cluster(computeConfig={"enabled": True}),), "computeConfig.enabled"),
    "Auto Mode, perhaps": ((cluster(computeConfig=UNKNOWN),), "its input computeConfig is not known"),
    "a tier without a price": ((cluster(controlPlaneScalingConfig={"tier": "tier-ultra"}),), "tier-ultra"),
    "an unknown tier": ((cluster(controlPlaneScalingConfig={"tier": UNKNOWN}),), "tier is not known"),
    "logs that EKS keeps for ever": ((cluster(enabledClusterLogTypes=["audit"]),), "enabledClusterLogTypes"),
    "logs of a cluster whose name is not known": (
        (
            ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 1}),
            cluster(name=UNKNOWN, enabledClusterLogTypes=["api"]),
        ),
        "enabledClusterLogTypes",
    ),
    "hybrid nodes": ((cluster(remoteNetworkConfig={}),), "remoteNetworkConfig"),
    "a regional NAT gateway that picks its zones": (((NAT, {"availabilityMode": "regional"}),), "regional NAT gateway"),
    "a NAT gateway of an unknown kind": (((NAT, {"availabilityMode": UNKNOWN}),), "regional NAT gateway"),
    "reserved capacity units": (
        (balancer(subnets=[UNKNOWN], minimumLoadBalancerCapacity={"capacityUnits": 500}),),
        "minimumLoadBalancerCapacity",
    ),
    "a trust store": (
        (("aws:lb/listener:Listener", {"mutualAuthentication": {"trustStoreArn": "a"}}),),
        "trustStoreArn",
    ),
    "an endpoint of another region": ((endpoint(serviceRegion="eu-west-1"),), "serviceRegion"),
    "events on a bus of one's own": ((("aws:cloudwatch/eventRule:EventRule", {"eventBusName": "b"}),), "eventBusName"),
    "a task that an event starts": ((("aws:cloudwatch/eventTarget:EventTarget", {"ecsTarget": {}}),), "ecsTarget"),
    "a gateway of another region": (((NAT, {"region": "eu-west-1"}),), "its input region names another region"),
    "an input that is new": (
        ((INSTANCE, {**instance()[1], "brandNew": 1}),),
        "nobody has said what its input brandNew",
    ),
    "an unknown burstable family": ((instance(instanceType="t9.large"),), "no on-demand price of t9.large"),
}


@pytest.mark.parametrize("case", UNPRICED)
def test_an_input_that_nothing_prices_is_unpriced_by_its_name_and_never_zero(case: str) -> None:
    resources, why = UNPRICED[case]
    items = _bill(*resources).totals.unpriced
    assert why in " | ".join(said for item in items for said in item.assumptions)


def test_a_limit_in_dollars_leaves_room_for_cpu_credits() -> None:
    book = PriceBook.embedded("us-east-1")
    # (0.0672 + 2 x 0.7 x 0.04) x 730 / 2 = 44.968 a vCPU
    bound = general_bound(["t4g.large"], None, Decimal("89.94"), 1, book)
    assert (bound.vcpus, bound.steady, bound.overlap) == (2, Decimal("89.936"), Decimal("89.936"))
    with pytest.raises(Refused):
        general_bound(["t4g.large"], None, Decimal("89.93"), 1, book)


def test_the_same_inputs_with_their_harmless_values_are_priced() -> None:
    plain: dict[str, Any] = {"tenancy": "default", "getPasswordData": False, "cpuOptions": {"amdSevSnp": "disabled"}}
    assert _bill(instance(**plain)).items == _bill(instance()).items


def test_a_price_that_falls_with_the_amount_says_that_the_dearest_is_taken() -> None:
    (_, data) = _bill(endpoint()).items
    assert "all of it at the dearest of its tiers" in data.assumptions
