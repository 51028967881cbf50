"""Rules on the EKS control plane: who may reach it, what it encrypts, what it logs, how access is granted."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from policies.graph import UNKNOWN, Node, items
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined

CLUSTER = ("aws:eks/cluster:Cluster",)
LARGEST_IPV4 = 8
LARGEST_IPV6 = 20
"""Prefix lengths of the largest blocks that are still somebody's, not everybody's."""
PRIVATE_IPV6 = ipaddress.IPv6Network("fc00::/7")
AUDITED = ("api", "audit", "authenticator")


def open_to_everybody(block: str) -> bool:
    """Whether a CIDR block takes in a large part of the internet; text that is no block counts as open."""
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        return True
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(PRIVATE_IPV6):
        return False
    return network.prefixlen < (LARGEST_IPV4 if network.version == 4 else LARGEST_IPV6)


def closed_endpoint(node: Node, _: Context) -> Iterator[Finding]:
    """AWS opens the endpoint to 0.0.0.0/0 when neither property is given."""
    public = node.read("vpcConfig", "endpointPublicAccess")
    if public is UNKNOWN or node.read("vpcConfig") is UNKNOWN:
        yield undetermined("vpcConfig.endpointPublicAccess")
        return
    if public is False:
        return
    blocks = node.read("vpcConfig", "publicAccessCidrs")
    fix = "set endpointPublicAccess to false, or name the blocks that deployers come from in publicAccessCidrs"
    if blocks is UNKNOWN or UNKNOWN in items(blocks):
        yield undetermined("vpcConfig.publicAccessCidrs")
    elif not items(blocks):
        yield refuse(
            "vpcConfig.publicAccessCidrs",
            "the cluster's public endpoint is open to everybody",
            found="nothing, which means 0.0.0.0/0",
            allowed="a private endpoint, or named blocks",
            fix=fix,
        )
    for index, block in enumerate(items(blocks)):
        if block is not UNKNOWN and open_to_everybody(str(block)):
            yield refuse(
                f"vpcConfig.publicAccessCidrs[{index}]",
                "the cluster's public endpoint is open to everybody",
                found=block,
                allowed=f"IPv4 blocks of /{LARGEST_IPV4} or smaller, IPv6 of /{LARGEST_IPV6} or smaller",
                fix=fix,
            )


def secrets_encrypted(node: Node, _: Context) -> Iterator[Finding]:
    """The key itself may be unknown in a preview; that one is given must not be."""
    if node.read("encryptionConfig") is UNKNOWN:
        yield undetermined("encryptionConfig")
    elif node.read("encryptionConfig", "provider", "keyArn") is None:
        yield refuse(
            "encryptionConfig.provider.keyArn",
            "Kubernetes secrets are not encrypted with a key of one's own",
            found="no key",
            allowed="the ARN of a KMS key that rotates",
        )
    elif (covers := node.read("encryptionConfig", "resources")) is UNKNOWN or UNKNOWN in items(covers):
        yield undetermined("encryptionConfig.resources")
    elif "secrets" not in items(covers):
        yield refuse("encryptionConfig.resources", "the key does not cover Kubernetes secrets", allowed="[secrets]")


def logs_audited(node: Node, _: Context) -> Iterator[Finding]:
    """API, audit and authenticator logs tell who did what."""
    types = node.read("enabledClusterLogTypes")
    if types is UNKNOWN:
        yield undetermined("enabledClusterLogTypes")
    elif missing := [each for each in AUDITED if each not in items(types)]:
        yield refuse(
            "enabledClusterLogTypes",
            f"control-plane logs are off: {', '.join(missing)}",
            found=", ".join(map(str, items(types))) or "none",
            allowed=f"at least {', '.join(AUDITED)}",
        )


def access_entries_only(node: Node, _: Context) -> Iterator[Finding]:
    """The aws-auth ConfigMap is edited from inside the cluster, where no review sees it."""
    mode = node.read("accessConfig", "authenticationMode")
    if mode is UNKNOWN or node.read("accessConfig") is UNKNOWN:
        yield undetermined("accessConfig.authenticationMode")
    elif mode != "API":
        yield refuse(
            "accessConfig.authenticationMode",
            "the aws-auth ConfigMap can grant access past the access entries",
            found=mode or "nothing, which means CONFIG_MAP",
            allowed="API",
        )


RULES = (
    Rule(
        name="endpoint-not-open",
        pack="security",
        severity=Severity.CRITICAL,
        description="A cluster's API server is not open to the whole internet.",
        fix="Make the endpoint private, or name the blocks that deployers come from.",
        applies_to=CLUSTER,
        check=closed_endpoint,
        references=(
            Reference(framework="AWS FSBP", control="EKS.1"),
            Reference(framework="CIS EKS", control="5.4.1"),
        ),
    ),
    Rule(
        name="cluster-secrets-encrypted",
        pack="security",
        severity=Severity.HIGH,
        description="Kubernetes secrets are encrypted with a KMS key of the account.",
        fix="Set encryptionConfig with the ARN of a rotating KMS key and resources [secrets].",
        applies_to=CLUSTER,
        check=secrets_encrypted,
        references=(
            Reference(framework="AWS FSBP", control="EKS.3"),
            Reference(framework="CIS EKS", control="5.3.1"),
        ),
    ),
    Rule(
        name="cluster-logs-audited",
        pack="security",
        severity=Severity.MEDIUM,
        description="The control plane logs API calls, audit events and authentications.",
        fix="Add the missing types to enabledClusterLogTypes.",
        applies_to=CLUSTER,
        check=logs_audited,
        references=(
            Reference(framework="AWS FSBP", control="EKS.8"),
            Reference(framework="CIS EKS", control="2.1.1"),
        ),
    ),
    Rule(
        name="access-by-entries",
        pack="security",
        severity=Severity.MEDIUM,
        description="Access to a cluster is granted by access entries only, never by the aws-auth ConfigMap.",
        fix="Set accessConfig.authenticationMode to API.",
        applies_to=CLUSTER,
        check=access_entries_only,
    ),
)
