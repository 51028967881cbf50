"""Security groups and their rules, as EC2 applies them: what one rule allows is allowed, and answers come back."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube.network_policies import Block, covered
from policies.paths.keys import UNKNOWN, Graph, Key, items, key, keys, mapping, name_of
from policies.paths.walk import Walk

CLUSTER = "aws:eks/cluster:Cluster"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
OLD_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
GROUPS = (GROUP, CLUSTER)
"""What a group's place may name; an EKS cluster there stands for the security group that EKS makes for it."""

ANYWHERE = ipaddress.IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a group: for which protocol (`-1` is every one) and ports, from or to which blocks and groups."""

    group: Key
    inward: bool
    protocol: str
    first: int
    last: int
    blocks: tuple[Block, ...]
    groups: tuple[Key, ...]

    def is_for(self, port: int, protocol: str) -> bool:
        """Whether the rule is about this port."""
        return self.protocol == "-1" or (self.protocol == protocol.lower() and self.first <= port <= self.last)


@dataclass(frozen=True)
class Peer:
    """The other end: the groups that it is in, and the blocks that its address lies in (None when nobody knows them)."""

    groups: tuple[Key, ...]
    blocks: tuple[Block, ...] | None


class Groups:
    """Every rule that a graph declares, and the two that EKS makes in a cluster's own group.

    Source of those two: EKS user guide, "View Amazon EKS security group requirements for clusters" (read 2026-11-30).
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._rules: dict[Key, list[Rule]] = {}
        for rule in _declared(graph):
            self._rules.setdefault(rule.group, []).append(rule)

    def lets(
        self, walk: Walk, groups: Sequence[Key], peer: Peer, port: int, protocol: str, *, inward: bool, what: str
    ) -> None:
        """Breaks the walk unless a rule of one of `groups` lets the peer in (or out to it) on this port."""
        known = [group for group in groups if group is not UNKNOWN and self._graph.get(str(group)) is not None]
        rules = [each for group in known for each in self._rules.get(group, ()) if each.inward is inward]
        rules = [each for each in rules if each.is_for(port, protocol)]
        if any((set(rule.groups) & set(peer.groups)) - {UNKNOWN} for rule in rules):
            return
        ranges = [(block, ()) for rule in rules for block in rule.blocks]
        # Addresses that nobody knows are in a range only when every address is.
        blocks = (ANYWHERE,) if peer.blocks is None else peer.blocks
        if blocks and covered(blocks, ranges):
            return
        hidden = [group for group in groups if group not in known and not _is_urn(group)]
        names = ", ".join(name_of(group, self._graph) for group in groups) or "no group"
        if (
            hidden
            or (ranges and peer.blocks is None and not peer.groups)
            or any(UNKNOWN in rule.groups for rule in rules)
        ):
            walk.hides(
                f"the rules of security group {', '.join(name_of(each, self._graph) for each in hidden) or names}"
            )
            return
        way, verb = ("in", "ingress") if inward else ("out", "egress")
        walk.breaks(
            names,
            f"no rule of the security group lets {what} {way} on {protocol.lower()} {port}",
            fix=f"add an {verb} rule for {protocol.lower()} {port} that names the other end's group or block",
        )


def _is_urn(key: Key) -> bool:
    return isinstance(key, str) and key.startswith("urn:")


def _declared(graph: Graph) -> Iterator[Rule]:
    for node in graph.nodes:
        if node.type == CLUSTER:
            yield _rule(node.urn, {"protocol": "-1"}, inward=True, groups=(node.urn,))
            yield _rule(node.urn, {"protocol": "-1"}, inward=False, blocks=(ANYWHERE,))
        elif node.type in (INGRESS, EGRESS):
            named = keys(node, GROUPS, "referencedSecurityGroupId")
            block = node.read("cidrIpv4")
            said = {
                "protocol": node.read("ipProtocol"),
                "fromPort": node.read("fromPort"),
                "toPort": node.read("toPort"),
            }
            own = key(node, GROUPS, "securityGroupId")
            if own is not None:
                yield _rule(own, said, inward=node.type == INGRESS, groups=named, blocks=_blocks([block]))
        elif node.type == OLD_RULE:
            own = key(node, GROUPS, "securityGroupId")
            if own is not None:
                groups = keys(node, GROUPS, "sourceSecurityGroupId") + ((own,) if node.read("self") is True else ())
                blocks = _blocks(items(node.read("cidrBlocks")))
                yield _rule(own, node.inputs, inward=node.read("type") == "ingress", groups=groups, blocks=blocks)
        elif node.type in (GROUP, DEFAULT_GROUP):
            for name in ("ingress", "egress"):
                for inline in map(mapping, items(node.read(name))):
                    groups = (node.urn,) if inline.get("self") is True else ()
                    groups += tuple(items(inline.get("securityGroups")))
                    yield _rule(
                        node.urn,
                        inline,
                        inward=name == "ingress",
                        groups=groups,
                        blocks=_blocks(inline.get("cidrBlocks")),
                    )


def _rule(
    group: Key,
    said: Mapping[str, Any],
    *,
    inward: bool,
    groups: tuple[Key, ...] = (),
    blocks: tuple[Block, ...] = (),
) -> Rule:
    protocol = str(said.get("protocol"))
    first, last = said.get("fromPort"), said.get("toPort")
    # A port that is not known is no port: what cannot be read lets nothing through.
    ports = (int(first), int(last)) if isinstance(first, int | float) and isinstance(last, int | float) else (1, 0)
    return Rule(
        group=group,
        inward=inward,
        protocol={"all": "-1", "6": "tcp", "17": "udp"}.get(protocol, protocol),
        first=ports[0],
        last=ports[1],
        blocks=blocks,
        groups=groups,
    )


def _blocks(value: object) -> tuple[Block, ...]:
    networks = []
    for item in items(value):
        try:
            networks.append(Block(item))
        except (ValueError, TypeError):
            continue
    return tuple(networks)
