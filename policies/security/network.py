"""Rules on the network: nothing is open to everybody, nothing gets a public address by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.graph import UNKNOWN, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from policies.security.cluster import open_to_everybody

GROUP = "aws:ec2/securityGroup:SecurityGroup"
GROUP_RULE = "aws:ec2/securityGroupRule:SecurityGroupRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
DEFAULT_GROUP = "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"
SUBNETS = ("aws:ec2/subnet:Subnet", "aws:ec2/defaultSubnet:DefaultSubnet")
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
INSTANCE = "aws:ec2/instance:Instance"


def _blocks(node: Node) -> Iterator[tuple[str, Any]]:
    if node.type == INGRESS:
        yield from ((name, node.read(name)) for name in ("cidrIpv4", "cidrIpv6"))
        return
    if node.type == GROUP_RULE:
        rules: list[tuple[str, Any]] = [("", node.inputs)] if node.read("type") == "ingress" else []
    else:
        ingress = node.read("ingress")
        if ingress is UNKNOWN:
            yield "ingress", UNKNOWN
        rules = [(f"ingress[{index}].", each) for index, each in enumerate(items(ingress))]
    for path, rule in rules:
        if rule is UNKNOWN:
            yield path.rstrip("."), UNKNOWN
        for name in ("cidrBlocks", "ipv6CidrBlocks"):
            listed = mapping(rule).get(name)
            for block in (UNKNOWN,) if listed is UNKNOWN else items(listed):
                yield f"{path}{name}", block


def not_open(node: Node, _: Context) -> Iterator[Finding]:
    """Load balancers that face the internet are made by controllers in the cluster, with groups of their own."""
    for path, block in _blocks(node):
        if block is UNKNOWN:
            yield undetermined(path)
        elif block is not None and open_to_everybody(str(block)):
            yield refuse(
                path, "the security group lets everybody in", found=block, allowed="blocks or groups of one's own"
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
        description="No security group lets the whole internet in, on any port.",
        fix="Name the blocks or the security groups that may come in.",
        applies_to=(GROUP, GROUP_RULE, INGRESS),
        check=not_open,
        references=(Reference(framework="AWS FSBP", control="EC2.19"),),
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
