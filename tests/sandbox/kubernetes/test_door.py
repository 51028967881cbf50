"""Calls to a private API server: who stands where a rule lets in gets there, everybody else times out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.faults import CloudError
from sandbox.items import Item, ItemStore
from sandbox.kubernetes.door import FILE, knock

CLUSTER_GROUP, RUNNERS = "sg-0aaaaaaaaaaaaaaaa", "sg-0bbbbbbbbbbbbbbbb"
PRIVATE = {"endpointPrivateAccess": True, "endpointPublicAccess": False}
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OPEN = {"securityGroupId": CLUSTER_GROUP, "ipProtocol": "tcp", "fromPort": 443, "toPort": 443}


class Stage:
    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.world = ItemStore(folder)
        self.put("aws:ec2/vpc:Vpc", "vpc-1", {"cidrBlock": "10.40.0.0/16"})
        made = {"vpcConfig": {"clusterSecurityGroupId": CLUSTER_GROUP, "vpcId": "vpc-1"}}
        self.cluster = self.put("aws:eks/cluster:Cluster", "dev", {"name": "dev", "vpcConfig": config}, made)

    def put(self, token: str, id: str, inputs: dict[str, Any], computed: dict[str, Any] | None = None) -> Item:
        item = Item(package="aws", type=token, id=id, name=id, inputs=inputs, computed=computed or {})
        self.world.put(item)
        return item

    def stand(self, address: str, *groups: str) -> None:
        (self.world.folder / FILE).write_text(json.dumps({"address": address, "groups": list(groups)}))

    def reaches(self, *, tunnel: bool = False) -> bool:
        try:
            knock(self.world, self.cluster, "abc.eks.amazonaws.com", tunnel=tunnel)
        except CloudError as error:
            assert error.code == "Unreachable"
            assert "configured Kubernetes cluster is unreachable" in error.message
            return False
        return True


@pytest.fixture
def private(tmp_path: Path) -> Stage:
    return Stage(tmp_path, PRIVATE)


def test_a_private_endpoint_answers_nobody_until_a_rule_opens_443(private: Stage) -> None:
    assert not private.reaches()
    private.put(RULE, "r-1", {**OPEN, "cidrIpv4": "10.40.0.0/18"})
    assert private.reaches()


@pytest.mark.parametrize(
    ("rule", "there"),
    [
        ({"fromPort": 442, "toPort": 442}, False),
        ({"fromPort": 443, "toPort": 444}, True),
        ({"fromPort": 444, "toPort": 444}, False),
        ({"ipProtocol": "udp"}, False),
        ({"ipProtocol": "-1", "fromPort": None, "toPort": None}, True),
        ({"securityGroupId": RUNNERS}, False),
        ({"cidrIpv4": "10.40.64.0/18"}, False),
        ({"cidrIpv4": None, "referencedSecurityGroupId": RUNNERS}, True),
        ({"cidrIpv4": None, "referencedSecurityGroupId": "sg-0cccccccccccccccc"}, False),
    ],
)
def test_the_runner_gets_in_by_a_rule_for_its_block_or_its_group(
    private: Stage, rule: dict[str, Any], there: bool
) -> None:
    private.stand("10.40.1.5", RUNNERS)
    private.put(RULE, "r-1", {**OPEN, "cidrIpv4": "10.40.0.0/18", **rule})
    assert private.reaches() is there


def test_a_deployer_outside_the_vpc_times_out_whatever_the_rules_say(private: Stage) -> None:
    private.put(RULE, "r-1", {**OPEN, "cidrIpv4": "0.0.0.0/0"})
    private.stand("10.41.0.5")
    assert not private.reaches()
    private.stand("10.40.0.5")
    assert private.reaches()


def test_members_of_the_clusters_own_group_get_in_without_a_rule(private: Stage) -> None:
    private.stand("10.40.1.5", CLUSTER_GROUP)
    assert private.reaches()


def test_a_tunnel_ends_in_a_node_so_without_one_the_connection_is_refused(private: Stage) -> None:
    private.stand("198.51.100.7")
    assert not private.reaches(tunnel=True)
    private.put("aws:eks/nodeGroup:NodeGroup", "dev:system", {"clusterName": "dev"})
    assert private.reaches(tunnel=True)


def test_a_public_endpoint_answers_the_blocks_that_it_names(tmp_path: Path) -> None:
    public = Stage(tmp_path, {"endpointPrivateAccess": True, "publicAccessCidrs": ["203.0.113.0/24"]})
    assert public.reaches()
    public.stand("203.0.113.255")
    assert public.reaches()
    public.stand("203.0.114.0")
    assert not public.reaches()
