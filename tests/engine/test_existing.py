"""A platform in a VPC, in a cluster and beside a Karpenter that somebody else made: its whole life, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode
from core.versions import CHARTS, KUBERNETES
from ops import commands
from sandbox.aws.cloud import AwsCloud
from sandbox.items import Item, ItemStore

STACKS = Path(__file__).with_name("stacks")
VPC, SUBNET, ADDON = "aws:ec2/vpc:Vpc", "aws:ec2/subnet:Subnet", "aws:eks/addon:Addon"
CLUSTER, RELEASE = "aws:eks/cluster:Cluster", "kubernetes:helm.sh/v3:Release"
GIVEN_VPC, OTHER_VPC = "vpc-0000000000000e001", "vpc-0000000000000e002"
SUBNETS, A = "network.existing.privateSubnetIds", "subnet-0000000000000e0a1"
INTRA = "network.existing.intraSubnetIds"
C, D = "subnet-0000000000000e0c1", "subnet-0000000000000e0d1"

pytestmark = pytest.mark.engine

Make = Callable[..., Any]


def given(stage: Any) -> AwsCloud:
    """The account as the sandbox gives it, before the stack's first command."""
    cloud = AwsCloud(ItemStore(stage.root / ".sandbox" / stage.stack / "world"), stage.root / ".sandbox" / "cache")
    cloud.configure({"region": "us-east-1"})
    return cloud


def subnet(id: str, vpc: str, block: str, zone: str) -> dict[str, Any]:
    """Another subnet of somebody's."""
    place = {"vpcId": vpc, "cidrBlock": block, "availabilityZone": f"us-east-1{zone}"}
    return {"type": SUBNET, "id": id, "inputs": place}


def install_karpenter(world: ItemStore) -> None:
    """Karpenter and its CRDs, as somebody else's releases."""
    for role in ("karpenter-crd", "karpenter"):
        chart = next(each for each in CHARTS.values() if each.name == role)
        inputs = {"name": role, "namespace": "kube-system", "chart": chart.name, "version": chart.version}
        world.put(Item(package="kubernetes", type=RELEASE, id=f"kube-system/{role}", name=role, inputs=inputs))


@pytest.mark.parametrize(
    ("stack", "kept"),
    [("existing-vpc", {"aws:kms/key:Key"}), ("existing-cluster", set()), ("existing-karpenter", set())],
)
def test_a_platform_on_what_is_there_comes_up_and_goes_and_leaves_it(stage: Make, stack: str, kept: set[str]) -> None:
    here = stage("dev", STACKS / f"{stack}.yaml")
    world = given(here).store
    if stack == "existing-karpenter":
        install_karpenter(world)
    before = {item.id: item.inputs for item in world.everything()}

    resources = here.run(commands.up).events.changes["create"]
    assert here.preview().events.changes == {"same": resources}
    assert here.run(commands.refresh).events.changes == {"same": resources}
    types = {resource["type"] for resource in here.state()}
    assert (VPC in types, CLUSTER in types) == (False, stack == "existing-vpc")
    assert ("modelyard:index:Karpenter" in types) == (stack != "existing-karpenter")
    outputs = here.outputs()
    assert outputs["network"]["vpcId"] == GIVEN_VPC
    assert outputs["cluster"]["name"] == ("modelyard-dev" if stack == "existing-vpc" else "given")
    outside = outputs.get("registry", {}).get("outsideUrl")
    assert outside == ("https://registry.example.com" if stack == "existing-vpc" else None)

    assert here.run(commands.destroy).events.changes == {"delete": resources}
    assert {item.type for item in here.made()} == kept
    assert {item.id: item.inputs for item in world.everything() if not item.urn} == before


def test_without_the_karpenter_that_is_said_to_be_there_the_pools_are_refused(stage: Make) -> None:
    here = stage("dev", STACKS / "existing-karpenter.yaml")
    outcome = here.run(commands.up, ExitCode.FAILED)
    (error,) = outcome.events.errors
    assert 'no matches for kind "EC2NodeClass" in version "karpenter.k8s.aws/v1"' in error.message


def elsewhere(cloud: AwsCloud) -> None:
    """Another VPC with subnets in two zones."""
    cloud.give([{"type": VPC, "id": OTHER_VPC, "inputs": {"cidrBlock": "10.91.0.0/16"}}])
    cloud.give([subnet(C, OTHER_VPC, "10.91.0.0/19", "a"), subnet(D, OTHER_VPC, "10.91.32.0/19", "b")])


def second_in_zone_a(cloud: AwsCloud) -> None:
    """Another subnet of the given VPC, in the zone of the first."""
    cloud.give([subnet(C, GIVEN_VPC, "10.90.96.0/19", "a")])


def other_zones(cloud: AwsCloud) -> None:
    """Two more subnets of the given VPC, one of them in a third zone."""
    cloud.give([subnet(C, GIVEN_VPC, "10.90.96.0/19", "c"), subnet(D, GIVEN_VPC, "10.90.128.0/19", "a")])


def older(cloud: AwsCloud) -> None:
    """The given cluster at the version before."""
    item = cloud.store.get("aws", CLUSTER, "given")
    assert item is not None
    item.inputs["version"] = "1.35"
    cloud.store.put(item)


def without_addons(cloud: AwsCloud) -> None:
    """The given cluster without two add-ons."""
    for name in ("coredns", "kube-proxy"):
        item = cloud.store.get("aws", ADDON, f"given:{name}")
        assert item is not None
        cloud.store.remove(item)


@pytest.mark.parametrize(
    ("change", "prepare", "said"),
    [
        ({SUBNETS: [A, D]}, elsewhere, (f"{SUBNETS}[1]", f"found: {D} in {OTHER_VPC}", f"subnets of {GIVEN_VPC}")),
        ({SUBNETS: [A, C]}, second_in_zone_a, (f"{SUBNETS}: ", "found: us-east-1a", "allowed: at least two zones")),
        (
            {SUBNETS: [A, C]},
            other_zones,
            ("network.zones: ", "found: us-east-1a, us-east-1c", "allowed: us-east-1a, us-east-1b", "zones: [a, c]"),
        ),
        ({INTRA: [A, D]}, elsewhere, (f"{INTRA}[1]", f"found: {D} in {OTHER_VPC}", f"subnets of {GIVEN_VPC}")),
        ({INTRA: [A, D]}, other_zones, (f"{INTRA}: ", "found: us-east-1a", "allowed: at least two zones")),
        (
            {"network.existing.vpcId": OTHER_VPC, SUBNETS: [C, D]},
            elsewhere,
            ("network.existing.vpcId: ", f"found: {OTHER_VPC}", f"allowed: {GIVEN_VPC}"),
        ),
        (
            {},
            older,
            ("cluster.version: ", "found: 1.35", f"allowed: {KUBERNETES}", "to fix: upgrade the cluster first"),
        ),
        ({}, without_addons, ("cluster.existing.addons: ", "missing: kube-proxy, coredns", "or say addons: managed")),
    ],
    ids=[
        "subnet of another VPC",
        "one zone",
        "zones without pools",
        "intra subnet of another VPC",
        "intra subnets in one zone",
        "cluster in another VPC",
        "another version",
        "missing add-ons",
    ],
)
def test_what_cannot_carry_the_platform_is_refused_in_the_preview_by_name_and_place(
    stage: Make, tmp_path: Path, change: dict[str, Any], prepare: Callable[[AwsCloud], None], said: tuple[str, ...]
) -> None:
    here = stage("dev", STACKS / "existing-cluster.yaml").edited(change, tmp_path / "changed.yaml")
    prepare(given(here))
    told = here.refused(commands.up)
    assert all(part in told for part in said), told
    assert here.made() == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"network.existing.vpcId": "vpc-0000000000000e009"}, "no matching EC2 VPC found"),
        ({"cluster.existing.name": "nobodys"}, "No cluster found for name: nobodys."),
    ],
)
def test_what_does_not_exist_is_said_in_the_clouds_words_without_a_traceback(
    stage: Make, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    here = stage("dev", STACKS / "existing-cluster.yaml").edited(change, tmp_path / "changed.yaml")
    told = here.refused(commands.up)
    assert said in told
    assert "Traceback" not in told
    assert here.made() == []
