"""What the tests of the simulated AWS share: an account over a fresh world, a network and a cluster that it accepts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.versions import ADDONS, KUBERNETES
from sandbox.aws.cloud import AwsCloud
from sandbox.faults import CloudError
from sandbox.items import CREATOR, ItemStore
from tests.roots import ROOT

CACHE = ROOT / ".sandbox" / "cache"
VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"
NODES = "aws:eks/nodeGroup:NodeGroup"
MANAGED = "arn:aws:iam::aws:policy/"


class Account:
    """A cloud with the least talk: `make` checks and creates like an `up`, and gives id and outputs."""

    def __init__(self, folder: Path) -> None:
        self.world = ItemStore(folder)
        self.cloud = AwsCloud(self.world, CACHE, "us-east-1")

    def make(self, token: str, name: str, /, **inputs: Any) -> tuple[str, dict[str, Any]]:
        """Check, then create, as the engine does; an AssertionError names refused properties."""
        with as_creator(token, name):
            checked = self.cloud.check(token, name, {}, inputs)
            assert not checked.faults, checked.faults
            return self.cloud.create(token, name, checked.inputs, preview=False)

    def change(self, token: str, id: str, /, **news: Any) -> dict[str, Any]:
        """Update in place."""
        return self.cloud.update(token, id, {}, news, preview=False)

    @contextmanager
    def refuses(self, code: str) -> Iterator[None]:
        """The cloud answers with this error code."""
        with pytest.raises(CloudError) as caught:
            yield
        assert caught.value.code == code, str(caught.value)

    def reasons(self, token: str, /, **inputs: Any) -> dict[str, str]:
        """What a check refuses, by path."""
        return {fault.path: fault.reason for fault in self.cloud.check(token, "x", {}, inputs).faults}

    def role(self, name: str, service: str, *policies: str) -> str:
        """A role that `service` may assume, with AWS's managed policies attached; its ARN."""
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        _, made = self.make(ROLE, name, name=name, assumeRolePolicy=trust)
        for policy in policies:
            self.make(ATTACHMENT, f"{name}-{policy}", role=name, policyArn=MANAGED + policy)
        return str(made["arn"])

    def network(self) -> dict[str, str]:
        """A VPC with one public and two private subnets that reach the internet by a NAT gateway; ids by role."""
        vpc, _ = self.make(VPC, "v", cidrBlock="10.0.0.0/16")
        igw, _ = self.make("aws:ec2/internetGateway:InternetGateway", "igw", vpcId=vpc)
        public, _ = self.make(SUBNET, "public", vpcId=vpc, cidrBlock="10.0.0.0/24", availabilityZone="us-east-1a")
        eip, _ = self.make("aws:ec2/eip:Eip", "eip", domain="vpc")
        nat, _ = self.make("aws:ec2/natGateway:NatGateway", "nat", subnetId=public, allocationId=eip)
        table, _ = self.make("aws:ec2/routeTable:RouteTable", "private", vpcId=vpc)
        out = {"routeTableId": table, "destinationCidrBlock": "0.0.0.0/0", "natGatewayId": nat}
        route, _ = self.make("aws:ec2/route:Route", "out", **out)
        made = {"vpc": vpc, "igw": igw, "public": public, "eip": eip, "nat": nat, "table": table, "route": route}
        for place, letter in enumerate("ab", 1):
            at = {"cidrBlock": f"10.0.{place}.0/24", "availabilityZone": f"us-east-1{letter}"}
            made[letter], _ = self.make(SUBNET, letter, vpcId=vpc, **at)
            link = {"subnetId": made[letter], "routeTableId": table}
            made[f"link-{letter}"], _ = self.make("aws:ec2/routeTableAssociation:RouteTableAssociation", letter, **link)
        return made

    def cluster(self, net: dict[str, str], **more: Any) -> dict[str, Any]:
        """A cluster without self-managed add-ons, in the private subnets."""
        inputs = {
            "name": "c",
            "roleArn": self.role("control", "eks.amazonaws.com", "AmazonEKSClusterPolicy"),
            "version": "1.35",
            "bootstrapSelfManagedAddons": False,
            "accessConfig": {"authenticationMode": "API"},
            "vpcConfig": {"subnetIds": [net["a"], net["b"]]},
        }
        return self.make(CLUSTER, "c", **{**inputs, **more})[1]

    def node_inputs(self, net: dict[str, str]) -> dict[str, Any]:
        """Inputs of a node group that joins, once its add-ons are there; makes its role."""
        policies = ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy")
        sizes = {"minSize": 1, "desiredSize": 2, "maxSize": 3}
        role = self.role("nodes", "ec2.amazonaws.com", *policies)
        return {
            "clusterName": "c",
            "nodeGroupName": "n",
            "nodeRoleArn": role,
            "subnetIds": [net["a"]],
            "scalingConfig": sizes,
        }

    def addons(self, *names: str) -> None:
        """Add-ons of the cluster, at the versions that the platform pins."""
        versions = {addon.name: addon.version for addon in ADDONS[KUBERNETES]}
        for name in names:
            self.make(ADDON, name, clusterName="c", addonName=name, addonVersion=versions[name])


@contextmanager
def as_creator(token: str, name: str) -> Iterator[None]:
    """Act for one URN, as the provider does."""
    before = CREATOR.set(f"urn:pulumi:dev::proj::{token}::{name}")
    try:
        yield
    finally:
        CREATOR.reset(before)


@pytest.fixture
def account(tmp_path: Path) -> Account:
    """A simulated AWS account with nothing in it."""
    return Account(tmp_path / "world")
