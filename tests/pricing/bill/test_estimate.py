"""The estimate of a graph: what each kind of resource costs, what stops it from being priced, and the laws of a bill."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pricing.bill.estimate import Estimate, estimate
from pricing.book.book import PriceBook
from pricing.items.cost import CostItem, cents
from pricing.items.graph import UNKNOWN, Graph
from pricing.items.usage import Usage
from pricing.meters.network.balancers import BALANCER

BOOK = PriceBook.embedded("us-east-1")
TODAY = datetime.date(2026, 11, 24)
USAGE = Usage()
DISKS = [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 50, "volumeType": "gp3"}}]
POOL_DISKS = [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "200Gi", "volumeType": "gp3"}}]
TYPE, BUYING = "node.kubernetes.io/instance-type", "karpenter.sh/capacity-type"
NODE_POOL, NODE_CLASS = "kubernetes:karpenter.sh/v1:NodePool", "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
GROUP, TEMPLATE = "aws:eks/nodeGroup:NodeGroup", "aws:ec2/launchTemplate:LaunchTemplate"


def _graph(*resources: tuple[str, dict[str, Any]]) -> Graph:
    return Graph.of(
        {"urn": f"urn:{place}", "type": token, "name": f"r{place}", "inputs": inputs}
        for place, (token, inputs) in enumerate(resources)
    )


def _bill(*resources: tuple[str, dict[str, Any]], usage: Usage = USAGE, book: PriceBook = BOOK) -> Estimate:
    return estimate(_graph(*resources), book, TODAY, usage)


def balanced(**asked: Any) -> dict[str, Any]:
    """A Service whose annotations ask for an internal network load balancer, or for what is `asked`."""
    said = {f"{BALANCER}{key}": value for key, value in {"type": "nlb", "internal": "true", **asked}.items()}
    return {"metadata": {"annotations": said}, "spec": {"type": "LoadBalancer"}}


def _amounts(bill: Estimate) -> tuple[str, str, str]:
    sums = bill.totals
    assert sums.complete, [item.assumptions for item in sums.unpriced]
    return tuple(f"{cents(amount):f}" for amount in (sums.minimum, sums.expected, sums.maximum))  # type: ignore[return-value]


def _why(bill: Estimate) -> str:
    assert bill.totals.unpriced
    return " | ".join("; ".join(item.assumptions) for item in bill.totals.unpriced)


def node_pool(**changed: Any) -> tuple[str, dict[str, Any]]:
    given_types, buying = changed.pop("types", ["g6.xlarge"]), changed.pop("buying", "spot")
    requirements = [
        {"key": TYPE, "operator": "In", "values": given_types},
        {"key": BUYING, "operator": "In", "values": [buying]},
    ]
    spec = {
        "template": {"spec": {"nodeClassRef": {"name": "chat"}, "requirements": requirements}},
        "disruption": {"budgets": [{"nodes": "1"}]},
        "limits": {"nvidia.com/gpu": "2"},
        **changed,
    }
    return NODE_POOL, {"metadata": {"name": "chat"}, "spec": spec}


CLASS = (
    NODE_CLASS,
    {"metadata": {"name": "chat"}, "spec": {"amiFamily": "AL2023", "blockDeviceMappings": POOL_DISKS}},
)

STORAGE = (
    "kubernetes:storage.k8s.io/v1:StorageClass",
    {
        "metadata": {"name": "gp3", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3"},
    },
)


def group(**changed: Any) -> tuple[str, dict[str, Any]]:
    return GROUP, {
        "instanceTypes": ["m7g.large"],
        "scalingConfig": {"minSize": 1, "desiredSize": 2, "maxSize": 3},
        "subnetIds": [UNKNOWN, UNKNOWN],
        "launchTemplate": {"name": "t"},
        **changed,
    }


def template(**changed: Any) -> tuple[str, dict[str, Any]]:
    return TEMPLATE, {"name": "t", "blockDeviceMappings": DISKS, **changed}


CASES: dict[str, tuple[list[tuple[str, dict[str, Any]]], tuple[str, str, str]]] = {
    # 0.10 x 730
    "a cluster in standard support": ([("aws:eks/cluster:Cluster", {"version": "1.36"})], ("73.00", "73.00", "73.00")),
    # 0.60 x 730; 1.33 ended on 2026-07-29
    "a cluster in extended support": (
        [("aws:eks/cluster:Cluster", {"version": "1.33"})],
        ("438.00", "438.00", "438.00"),
    ),
    # m7g.large 0.0816 x 730 = 59.568 a node; disks 50 x 0.08 = 4 a node; updates 4 x 4 h x (0.0816 + 4/730)
    "a node group": ([template(), group()], ("63.57", "127.14", "192.10")),
    "a node group of two types counts the dearest": (
        [template(), group(instanceTypes=["m7g.large", "m7g.xlarge"])],
        ("123.14", "246.27", "372.11"),
    ),
    # 20 GiB of gp2 by EKS's own default: 2.00 a node
    "a node group without a template": ([group(launchTemplate=None)], ("61.57", "123.14", "186.05")),
    # 0.045 x 730; 100 GB x 0.045, at most 300
    "a NAT gateway": ([("aws:ec2/natGateway:NatGateway", {})], ("32.85", "37.35", "46.35")),
    "a public address": ([("aws:ec2/eip:Eip", {})], ("3.65", "3.65", "3.65")),
    # 2 x 0.01 x 730; 10 GB x 0.01
    "an interface endpoint in two zones": (
        [("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Interface", "subnetIds": [UNKNOWN, UNKNOWN]})],
        ("14.60", "14.70", "14.90"),
    ),
    "a gateway endpoint": ([("aws:ec2/vpcEndpoint:VpcEndpoint", {"vpcEndpointType": "Gateway"})], ("0.00",) * 3),
    # 10 GB x 0.50 + 10 x 0.03
    "a log group": ([("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30})], ("0.00", "5.30", "15.90")),
    # 1 + 10 x 0.03
    "a key": ([("aws:kms/key:Key", {})], ("1.00", "1.30", "1.90")),
    "a queue": ([("aws:sqs/queue:Queue", {})], ("0.00", "0.40", "1.20")),
    "a FIFO queue": ([("aws:sqs/queue:Queue", {"fifoQueue": True})], ("0.00", "0.50", "1.50")),
    "a secret": ([("aws:secretsmanager/secret:Secret", {})], ("0.40", "0.45", "0.55")),
    # 100 x 0.023 + 1000 x 0.005
    "a bucket": ([("aws:s3/bucket:Bucket", {})], ("0.00", "7.30", "21.90")),
    "a volume": ([("aws:ebs/volume:Volume", {"size": 100, "type": "gp3"})], ("8.00", "8.00", "8.00")),
    # 0.0225 x 730 + 730 x 0.008 + 2 x 3.65
    "a public application load balancer": (
        [("aws:lb/loadBalancer:LoadBalancer", {"subnets": [UNKNOWN, UNKNOWN]})],
        ("23.73", "29.57", "41.25"),
    ),
    "an internal network load balancer": (
        [("aws:lb/loadBalancer:LoadBalancer", {"loadBalancerType": "network", "internal": True, "subnets": [UNKNOWN]})],
        ("16.43", "20.81", "29.57"),
    ),
    "an internal network load balancer that EKS makes": (
        [("kubernetes:core/v1:Service", balanced())],
        ("16.43", "20.81", "29.57"),
    ),
    # 0.337 x 730 + 200 x 0.23
    "a database with a standby": (
        [
            (
                "aws:rds/instance:Instance",
                {
                    "engine": "postgres",
                    "engineVersion": "17",
                    "instanceClass": "db.m7g.large",
                    "multiAz": True,
                    "allocatedStorage": 200,
                    "storageType": "gp3",
                },
            )
        ],
        ("292.01", "292.01", "292.01"),
    ),
    # 0.168 x 730 + 100 x 0.115, up to 400 x 0.115
    "a database that may grow": (
        [
            (
                "aws:rds/instance:Instance",
                {
                    "engine": "postgres",
                    "engineVersion": "17",
                    "instanceClass": "db.m7g.large",
                    "allocatedStorage": 100,
                    "maxAllocatedStorage": 400,
                    "storageType": "gp3",
                },
            )
        ],
        ("134.14", "134.14", "168.64"),
    ),
    # 0.032 x 730 + 20 x 0.115 + 0.40, and + 0.05; at most 2 x 730 x 0.075, 2 x 0.115 and 22 x 0.095 more, 0.15 of calls
    "a small database that bursts, with backups and a secret": (
        [
            (
                "aws:rds/instance:Instance",
                {
                    "engine": "postgres",
                    "engineVersion": "17",
                    "instanceClass": "db.t4g.small",
                    "allocatedStorage": 20,
                    "maxAllocatedStorage": 22,
                    "storageType": "gp3",
                    "backupRetentionPeriod": 7,
                    "manageMasterUserPassword": True,
                },
            )
        ],
        ("26.06", "26.11", "138.03"),
    ),
    # m7g.large 59.568 + 50 x 0.08 + 3.65
    "an instance": (
        [
            (
                "aws:ec2/instance:Instance",
                {"instanceType": "m7g.large", "rootBlockDevice": {"volumeSize": 50, "volumeType": "gp3"}},
            )
        ],
        ("67.22", "67.22", "67.22"),
    ),
    # 2 x 55.04 x 730
    "a capacity reservation": (
        [("aws:ec2/capacityReservation:CapacityReservation", {"instanceType": "p5.48xlarge", "instanceCount": 2})],
        ("80358.40", "80358.40", "80358.40"),
    ),
    # at most 3 x 0.8048 x 730 + 3 x 200 x 0.08; expected 0.7 x 2 x (0.5375 x 730 + 16)
    "a spot NodePool": ([CLASS, node_pool()], ("0.00", "571.73", "1810.51")),
    "a spot NodePool that replaces two at once": (
        [CLASS, node_pool(disruption={"budgets": [{"nodes": "2"}]})],
        ("0.00", "571.73", "2414.02"),
    ),
    "a NodePool whose strictest budget of two allows one": (
        [
            CLASS,
            node_pool(
                disruption={"budgets": [{"nodes": "100%", "reasons": ["Empty"]}, {"nodes": "5"}, {"nodes": "1"}]}
            ),
        ],
        ("0.00", "571.73", "1810.51"),
    ),
    "a NodePool that is closed for a part of the day only": (
        [CLASS, node_pool(disruption={"budgets": [{"nodes": "2"}, {"nodes": "0", "schedule": "0 6 * * *"}]})],
        ("0.00", "571.73", "2414.02"),
    ),
    "a NodePool that may buy on demand too": (
        [CLASS, node_pool(buying="on-demand")],
        ("0.00", "844.91", "1810.51"),
    ),
    # 4 vCPU of m7g.large 0.0816/2: 119.136; replacement 59.568; 3 disks of 200
    "a NodePool without GPUs": (
        [CLASS, node_pool(types=["m7g.large"], buying="on-demand", limits={"cpu": "4"})],
        ("0.00", "105.80", "226.70"),
    ),
    "a NodePool in whose limits no node fits": ([CLASS, node_pool(limits={"nvidia.com/gpu": "0"})], ("0.00",) * 3),
    "a volume claim": (
        [
            STORAGE,
            ("kubernetes:core/v1:PersistentVolumeClaim", {"spec": {"resources": {"requests": {"storage": "10Gi"}}}}),
        ],
        ("0.80", "0.80", "0.80"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_resource_costs_what_its_arithmetic_says(case: str) -> None:
    resources, expected = CASES[case]
    assert _amounts(_bill(*resources)) == expected


UNPRICED: dict[str, tuple[list[tuple[str, dict[str, Any]]], str]] = {
    "a type that nobody has priced": ([("aws:sagemaker/endpoint:Endpoint", {})], "nobody has said what"),
    "a custom resource that nobody has priced": ([("kubernetes:example.com/v1:Big", {})], "nobody has said what"),
    "an unknown version": ([("aws:eks/cluster:Cluster", {"version": UNKNOWN})], "is not known"),
    "a version without dates": ([("aws:eks/cluster:Cluster", {"version": "1.99"})], "nobody says until when"),
    "a group of unknown size": (
        [template(), group(scalingConfig={"minSize": 1, "desiredSize": 1, "maxSize": UNKNOWN})],
        "maxSize is no known whole number",
    ),
    "a group of negative size": (
        [template(), group(scalingConfig={"minSize": -1, "desiredSize": 1, "maxSize": 2})],
        "minSize is no known whole number",
    ),
    "a group whose type nobody priced": ([template(), group(instanceTypes=["x9.huge"])], "no on-demand price"),
    "a group whose template is elsewhere": ([group()], "launch template"),
    "a template with a disk of unknown size": (
        [template(blockDeviceMappings=[{"ebs": {}}]), group()],
        "size of a disk",
    ),
    "a template with a disk that is paid by I/O": (
        [
            template(
                blockDeviceMappings=[{"deviceName": "/dev/xvda", "ebs": {"volumeSize": 50, "volumeType": "standard"}}]
            ),
            group(),
        ],
        "only volumes of the types",
    ),
    "logs for ever": ([("aws:cloudwatch/logGroup:LogGroup", {})], "kept for ever"),
    "a NodePool without limits": ([CLASS, node_pool(limits=None)], "no limits"),
    "a NodePool with other limits": ([CLASS, node_pool(limits={"memory": "10Gi"})], "name neither"),
    "a NodePool of GPUs limited by CPU": ([CLASS, node_pool(limits={"cpu": "4"})], "name neither"),
    "a NodePool of both kinds limited by GPUs": (
        [CLASS, node_pool(types=["g6.xlarge", "m7g.large"], buying="on-demand")],
        "do not name cpu",
    ),
    "a NodePool of unknown limits": ([CLASS, node_pool(limits={"nvidia.com/gpu": UNKNOWN})], "no known whole number"),
    "a NodePool that names no types": ([CLASS, node_pool(types=[])], "does not name its instance types"),
    "a NodePool of fractions": ([CLASS, node_pool(types=["g6f.large"])], "fraction of a GPU"),
    "a NodePool that says nothing of disruption": ([CLASS, node_pool(disruption={})], "disruption budgets"),
    "a NodePool that replaces a share": (
        [CLASS, node_pool(disruption={"budgets": [{"nodes": "10%"}]})],
        "whole number",
    ),
    "a NodePool whose class is elsewhere": ([node_pool()], "EC2NodeClass"),
    "a load balancer that a controller makes": (
        [("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}})],
        "is not priced",
    ),
    **{
        f"a load balancer that a controller makes, {what}": ([("kubernetes:core/v1:Service", service)], "is not priced")
        for what, service in {
            "of another type": balanced(type="external"),
            "of an unknown type": balanced(type=UNKNOWN),
            "which faces the internet": balanced(internal="false"),
            "which may face it": balanced(internal=UNKNOWN),
            "with unknown annotations": {**balanced(), "metadata": {"annotations": UNKNOWN}},
            "by another controller": {**balanced(), "spec": {"type": "LoadBalancer", "loadBalancerClass": "x"}},
            "perhaps by another controller": {
                **balanced(),
                "spec": {"type": "LoadBalancer", "loadBalancerClass": UNKNOWN},
            },
        }.items()
    },
    "another database": ([("aws:rds/instance:Instance", {"engine": "mysql"})], "only PostgreSQL"),
}


@pytest.mark.parametrize("case", UNPRICED)
def test_what_cannot_be_priced_is_listed_with_its_reason_and_never_zero(case: str) -> None:
    resources, why = UNPRICED[case]
    assert why in _why(_bill(*resources))


def test_in_a_region_without_prices_everything_that_costs_is_unpriced() -> None:
    bill = _bill(("aws:ec2/natGateway:NatGateway", {}), book=PriceBook.embedded("eu-central-1"))
    assert "no price of nat-gateway/hour in eu-central-1 is on file" in _why(bill)


def test_usage_is_read_from_the_plan_in_the_graph_and_by_name() -> None:
    platform = (
        "modelyard:index:Platform",
        {"usage": {"natGb": 10, "zoneGb": 0, "internetGb": 0, "peakPercent": 100, "each": {"r1.natGb": 20}}},
    )
    bill = estimate(_graph(platform, ("aws:ec2/natGateway:NatGateway", {})), BOOK, TODAY)
    assert _amounts(bill) == ("32.85", "33.75", "33.75")


@pytest.mark.parametrize(
    "stated", [{"natGb": -1}, {"natGb": UNKNOWN}, {"natGb": 1.5}, {"natGb": True}, {"poolPercent": 101}, {"bogus": 1}]
)
def test_a_usage_that_cannot_be_is_refused_and_not_left_out(stated: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="usage"):
        estimate(_graph(("modelyard:index:Platform", {"usage": stated})), BOOK, TODAY)


def test_an_item_is_one_line_for_a_machine() -> None:
    (item,) = _bill(("aws:ec2/eip:Eip", {})).items
    assert isinstance(item, CostItem) and item.as_dict()["maximumUsd"] == "3.650"


OUTSIDE = PriceBook.embedded("")
CLAIM = ("kubernetes:core/v1:PersistentVolumeClaim", {"spec": {"resources": {"requests": {"storage": "50Gi"}}}})
OF_A_CONTROLLER = ("kubernetes:core/v1:Service", {"spec": {"type": "LoadBalancer"}})


def test_outside_aws_a_platform_has_one_line_of_nothing_and_the_cluster_brings_volumes_and_balancers() -> None:
    platform: tuple[str, dict[str, Any]] = ("modelyard:index:Platform", {"environment": "local"})
    bill = _bill(platform, CLAIM, OF_A_CONTROLLER, book=OUTSIDE)
    assert [item.label for item in bill.items] == ["not rented from AWS"]
    assert _amounts(bill) == ("0.00", "0.00", "0.00")
    assert not _bill(OF_A_CONTROLLER).totals.complete


@pytest.mark.parametrize("token", ["aws:ec2/natGateway:NatGateway", "aws:kms/key:Key", NODE_POOL])
def test_outside_aws_what_is_aws_has_no_price_and_never_none(token: str) -> None:
    resource = node_pool() if token == NODE_POOL else (token, {})
    assert not _bill(resource, book=OUTSIDE).totals.complete
