"""Whether the simulated deployer can reach a cluster's API server, by the cluster's endpoint and security group.

Where the deployer stands is in `.deployer.json` of the store: `{"address": "10.0.0.9", "groups": ["sg-..."]}`. Without the
file it stands wherever it is let in, so a call only fails when nobody is.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.paths import at
from kube.pods import items, mapping
from sandbox.faults import CloudError
from sandbox.items import Item, ItemStore

FILE = ".deployer.json"
PORT = 443
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
VPC = "aws:ec2/vpc:Vpc"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the deployer stands: its address, and the security groups of its machine."""

    address: ipaddress.IPv4Address
    groups: frozenset[str]


def place(store: ItemStore) -> Place | None:
    """Where the store's file puts the deployer; None when it says nothing."""
    file: Path = store.folder / FILE
    if not file.exists():
        return None
    said = json.loads(file.read_text(encoding="utf-8"))
    return Place(address=ipaddress.IPv4Address(said["address"]), groups=frozenset(said.get("groups", ())))


def knock(store: ItemStore, cluster: Item, host: str, *, tunnel: bool) -> None:
    """Raise CloudError, in the client's words, when the call does not get there."""
    here = place(store)
    if tunnel:
        # Session Manager ends in a node, and nodes are in the cluster's own group.
        name = cluster.inputs.get("name", cluster.id)
        if not any(item.state.get("clusterName") == name for item in store.all("aws", NODE_GROUP)):
            raise _unreachable(
                f'Get "https://127.0.0.1/version": dial tcp 127.0.0.1: connect: connection refused ({host})'
            )
    elif not (_publicly(cluster, here) or _privately(store, cluster, here)):
        raise _unreachable(f'Get "https://{host}/version?timeout=32s": dial tcp {host}:443: i/o timeout')


def _publicly(cluster: Item, here: Place | None) -> bool:
    config = mapping(cluster.state.get("vpcConfig"))
    if config.get("endpointPublicAccess") is False:
        return False
    blocks = [str(item) for item in items(config.get("publicAccessCidrs"))] or ["0.0.0.0/0"]
    return here is None or any(here.address in ipaddress.IPv4Network(block) for block in blocks)


def _privately(store: ItemStore, cluster: Item, here: Place | None) -> bool:
    if at(cluster.state, "vpcConfig.endpointPrivateAccess") is not True:
        return False
    if here is not None and not _inside(store, cluster, here):
        return False
    group = at(cluster.state, "vpcConfig.clusterSecurityGroupId")
    if here is not None and group in here.groups:
        return True
    return any(_lets(rule, here) for rule in _rules(store, group))


def _inside(store: ItemStore, cluster: Item, here: Place) -> bool:
    """Whether a packet finds its way back: this world has no peering, so only from the cluster's own VPC."""
    home = at(cluster.state, "vpcConfig.vpcId")
    blocks = [item.state.get("cidrBlock") for item in store.all("aws", VPC) if item.id == home]
    return any(here.address in ipaddress.IPv4Network(block) for block in blocks if isinstance(block, str))


def _rules(store: ItemStore, group: Any) -> Iterator[Mapping[str, Any]]:
    for item in store.all("aws", INGRESS):
        if item.state.get("securityGroupId") == group:
            yield {
                "protocol": item.state.get("ipProtocol"),
                "from": item.state.get("fromPort"),
                "to": item.state.get("toPort"),
                "blocks": [item.state.get("cidrIpv4")],
                "groups": [item.state.get("referencedSecurityGroupId")],
            }
    for item in store.all("aws", OLD_RULE):
        if item.state.get("securityGroupId") == group and item.state.get("type") == "ingress":
            yield {
                "protocol": item.state.get("protocol"),
                "from": item.state.get("fromPort"),
                "to": item.state.get("toPort"),
                "blocks": items(item.state.get("cidrBlocks")),
                "groups": [item.state.get("sourceSecurityGroupId")],
            }


def _lets(rule: Mapping[str, Any], here: Place | None) -> bool:
    first, last = rule["from"], rule["to"]
    numbers = isinstance(first, int | float) and isinstance(last, int | float) and first <= PORT <= last
    if rule["protocol"] not in ("-1", "all") and not (rule["protocol"] in ("tcp", "6") and numbers):
        return False
    if here is None:
        return True
    blocks = (ipaddress.IPv4Network(block) for block in rule["blocks"] if isinstance(block, str))
    return any(here.address in block for block in blocks) or bool(
        here.groups & {group for group in rule["groups"] if group}
    )


def _unreachable(said: str) -> CloudError:
    return CloudError("Unreachable", f"configured Kubernetes cluster is unreachable: {said}")
