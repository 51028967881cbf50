"""Rules on the network: nothing is open to everybody, in however many blocks, and nothing gets a public address by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from policies.graph import UNKNOWN, Node, inputs_of, items, mapping, places
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from policies.security import blocks

GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SUBNETS = ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet")
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"
BLOCKS = ("cidrBlocks", "ipv6CidrBlocks", "cidrIpv4", "cidrIpv6")
PREFIX_LISTS = ("prefixListIds", "prefixListId")
MEMORY = "blocks that security groups let in"
SERVICES = ("kubernetes:core/v1:Service", "kubernetes:core/v1:ServicePatch")
BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"
RANGES = ("service.beta.kubernetes.io/load-balancer-source-ranges", "alb.ingress.kubernetes.io/inbound-cidrs")
"""Annotations that list the networks which a load balancer lets in."""


def _rules(node: Node) -> Iterator[tuple[str, Any]]:
    """(path, rule) of everything by which a group lets traffic in."""
    if node.type == INGRESS:
        yield "", node.inputs
    elif node.type == GROUP_RULE:
        # Only what surely leads outwards is left out.
        if node.read("type") != "egress":
            yield "", node.inputs
    else:
        ingress = node.read("ingress")
        if ingress is UNKNOWN:
            yield "ingress", UNKNOWN
        yield from ((f"ingress[{index}].", each) for index, each in enumerate(items(ingress)))


def _sources(node: Node) -> Iterator[tuple[str, Any]]:
    """(path, block) of every block that is let in; UNKNOWN where it is not known yet."""
    for path, rule in _rules(node):
        if rule is UNKNOWN:
            yield path.rstrip("."), UNKNOWN
        for name in BLOCKS:
            listed = mapping(rule).get(name)
            for block in (listed,) if listed is UNKNOWN or isinstance(listed, str) else items(listed):
                yield f"{path}{name}", block


def not_open(node: Node, context: Context) -> Iterator[Finding]:
    """Blocks are counted over all groups of the stack: however many groups and rules they are cut into, they add up."""
    for path, rule in _rules(node):
        for name in PREFIX_LISTS:
            if mapping(rule).get(name) not in (None, ()):
                yield refuse(
                    f"{path}{name}",
                    "the security group lets in a prefix list, and nobody can read here what that holds",
                    allowed="blocks or groups of one's own",
                )
    admitted: dict[str, list[blocks.Network]] = context.memory.setdefault(MEMORY, {})
    admitted.pop(node.urn, None)
    before = [network for networks in admitted.values() for network in networks]
    own: list[blocks.Network] = []
    for path, block in _sources(node):
        if block is UNKNOWN:
            yield undetermined(path)
            continue
        if block is None:
            continue
        summary, bound = "the security group lets everybody in", ""
        if not blocks.open_to_everybody(str(block)):
            try:
                blocks.admitted([str(block)], [*before, *own])
                own.append(blocks.block(str(block)))
                continue
            except blocks.TooOpenError:
                summary = "the stack's security groups together let most of the internet in"
                bound = f": {blocks.ALLOWED}"
        yield refuse(path, summary, found=block, allowed=f"blocks or groups of one's own{bound}")
    admitted[node.urn] = own


def _ranges(node: Node) -> Iterator[tuple[str, Any, Any]]:
    """(path, ranges, exceptions) of the networks that a Kubernetes object lets in."""
    for path, key, value in inputs_of(node):
        if key == "loadBalancerSourceRanges":
            yield path, value, ()
        elif key == "ipBlock" and ".egress[" not in f".{path}":
            yield f"{path}.cidr", mapping(value).get("cidr"), mapping(value).get("except")
    for path, key, value in places(mapping(node.read("metadata", "annotations"))):
        if key in RANGES and isinstance(value, str):
            yield f'metadata.annotations."{path}"', tuple(filter(None, re.split(r"[,\s]+", value))), ()


def _in_the_vpc(node: Node) -> bool:
    notes = mapping(node.read("metadata", "annotations"))
    return notes.get(f"{BALANCER}scheme") == "internal" or (
        f"{BALANCER}scheme" not in notes and str(notes.get(f"{BALANCER}internal")).lower() == "true"
    )


def cluster_not_open(node: Node, _: Context) -> Iterator[Finding]:
    """All ranges of one object count together, as those of one load balancer or of one policy do."""
    fix = "name the blocks that clients come from"
    found = list(_ranges(node))
    texts: dict[str, list[str]] = {}
    for path, listed, excepted in found:
        each = (listed,) if isinstance(listed, str) or listed is UNKNOWN else items(listed)
        if UNKNOWN in each or UNKNOWN in items(excepted) or excepted is UNKNOWN:
            yield undetermined(path)
            continue
        try:
            left = blocks.admitted([str(one) for one in each], (), [str(one) for one in items(excepted)])
            texts[path] = [str(network) for network in left]
        except blocks.TooOpenError as error:
            yield refuse(path, "the object lets everybody in", found=str(error), allowed=blocks.ALLOWED, fix=fix)
    together = [text for listed in texts.values() for text in listed]
    try:
        blocks.admitted(together)
    except blocks.TooOpenError:
        where = next(iter(texts))
        yield refuse(where, "the object's ranges together let most of the internet in", allowed=blocks.ALLOWED, fix=fix)
    if node.type in SERVICES and node.read("spec", "type") == "LoadBalancer" and not found and not _in_the_vpc(node):
        yield refuse(
            "spec.loadBalancerSourceRanges",
            "the load balancer lets everybody in",
            found="nothing, which means 0.0.0.0/0",
            allowed="named blocks, or a load balancer inside the VPC",
            fix=fix,
        )


def default_group_closed(node: Node, _: Context) -> Iterator[Finding]:
    """Whatever names no group gets this one."""
    for direction in ("ingress", "egress"):
        value = node.read(direction)
        if value is UNKNOWN:
            yield undetermined(direction)
        elif items(value):
            yield refuse(
                direction,
                "the VPC's default security group lets traffic through",
                found=f"{len(items(value))} rule(s)",
                allowed="[]",
            )


def no_public_address(node: Node, _: Context) -> Iterator[Finding]:
    """An address by default is an address by accident."""
    switches = [("mapPublicIpOnLaunch", node.read("mapPublicIpOnLaunch"))] if node.type in SUBNETS else []
    if node.type == INSTANCE:
        switches = [("associatePublicIpAddress", node.read("associatePublicIpAddress"))]
    elif node.type == TEMPLATE:
        switches = [
            (f"networkInterfaces[{index}].associatePublicIpAddress", mapping(each).get("associatePublicIpAddress"))
            for index, each in enumerate(items(node.read("networkInterfaces")))
        ]
    for path, value in switches:
        if value is UNKNOWN:
            yield undetermined(path)
        elif str(value).lower() == "true":
            yield refuse(path, "machines get a public address by default", found=value, allowed="false")


RULES = (
    Rule(
        name="group-not-open",
        pack="security",
        severity=Severity.CRITICAL,
        description="No security group lets most of the internet in, on any port, nor do all groups of a stack together.",
        fix="Name the blocks or the security groups that may come in.",
        applies_to=(GROUP, GROUP_RULE, INGRESS),
        check=not_open,
        references=(Reference(framework="AWS FSBP", control="EC2.19"),),
    ),
    Rule(
        name="ranges-not-open",
        pack="security",
        severity=Severity.CRITICAL,
        description="No load balancer and no network policy of the cluster lets the whole internet in.",
        fix="Name the blocks that clients come from.",
        applies_to=("kubernetes:",),
        check=cluster_not_open,
    ),
    Rule(
        name="default-group-closed",
        pack="security",
        severity=Severity.HIGH,
        description="A VPC's default security group lets nothing in and nothing out.",
        fix="Set ingress and egress to [].",
        applies_to=(DEFAULT_GROUP,),
        check=default_group_closed,
        references=(Reference(framework="AWS FSBP", control="EC2.2"),),
    ),
    Rule(
        name="no-public-address",
        pack="security",
        severity=Severity.MEDIUM,
        description="No subnet, launch template or instance hands out public addresses.",
        fix="Set it to false, and put what must be reachable behind a load balancer.",
        applies_to=(*SUBNETS, TEMPLATE, INSTANCE),
        check=no_public_address,
        references=(
            Reference(framework="AWS FSBP", control="EC2.15"),
            Reference(framework="AWS FSBP", control="EC2.25"),
        ),
    ),
)
