"""Rules on the EKS control plane: who may reach it, what it encrypts, what it logs, how access is granted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from policies.graph import UNKNOWN, Node, items
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from policies.security import blocks

CLUSTER = ("aws:eks/cluster:Cluster",)
AUDITED = ("api", "audit", "authenticator")


def closed_endpoint(node: Node, _: Context) -> Iterator[Finding]:
    """AWS opens the endpoint to 0.0.0.0/0 when neither property is given."""
    public = node.read("vpcConfig", "endpointPublicAccess")
    if public is UNKNOWN or node.read("vpcConfig") is UNKNOWN:
        yield undetermined("vpcConfig.endpointPublicAccess")
        return
    if public is False:
        return
    listed = node.read("vpcConfig", "publicAccessCidrs")
    texts = [str(each) for each in items(listed) if each is not UNKNOWN]
    fix = "set endpointPublicAccess to false, or name the blocks that deployers come from in publicAccessCidrs"
    if listed is UNKNOWN or UNKNOWN in items(listed):
        yield undetermined("vpcConfig.publicAccessCidrs")
    elif not texts:
        yield refuse(
            "vpcConfig.publicAccessCidrs",
            "the cluster's public endpoint is open to everybody",
            found="nothing, which means 0.0.0.0/0",
            allowed="a private endpoint, or named blocks",
            fix=fix,
        )
    yield from open_blocks(
        "vpcConfig.publicAccessCidrs", texts, "the cluster's public endpoint is open to everybody", fix
    )


def open_blocks(path: str, texts: Sequence[str], summary: str, fix: str) -> Iterator[Finding]:
    """Each block that is too large, or the whole list when its blocks are too much together."""
    large = [(f"{path}[{index}]", text) for index, text in enumerate(texts) if blocks.open_to_everybody(text)]
    if not large:
        try:
            blocks.admitted(texts)
        except blocks.TooOpenError:
            large = [(path, f"{len(texts)} blocks")]
    for where, found in large:
        yield refuse(where, summary, found=found, allowed=blocks.ALLOWED, fix=fix)


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
