"""The control plane and who may reach it: EKS with access entries, encrypted secrets and audit logs; or an existing one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pydantic import Field, field_validator

from components.cluster.access import AccessSpec, Reach
from components.cluster.addons import AddonsSpec
from components.cluster.existing import ExistingClusterSpec, look, problems
from components.iam import trust
from components.kinds.kubernetes import Version
from components.nodes.system_nodes import SystemNodesSpec
from components.spec import Invalid, LogDays, Spec
from core.problem import Refused
from core.versions import ADDONS, KUBERNETES

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
ADMIN_POLICY = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
API_PORT = 443


class ClusterSpec(Spec):
    """The control plane, its add-ons and its system nodes; or an `existing` one."""

    version: Version = KUBERNETES
    """Kubernetes minor; EKS moves one minor at a time."""
    access: AccessSpec = Field(default_factory=AccessSpec)
    """Who administers the cluster, and from where."""
    log_days: LogDays = LogDays.MONTH
    """Days that control-plane logs are kept."""
    deletion_protection: bool = False
    """Whether EKS refuses to delete the cluster; Pulumi protects it then too."""
    system_nodes: SystemNodesSpec = Field(default_factory=SystemNodesSpec)
    """The small fixed group that carries Karpenter, CoreDNS and the add-ons."""
    addons: AddonsSpec = Field(default_factory=AddonsSpec)
    """Settings of the EKS add-ons."""
    existing: ExistingClusterSpec | None = None
    """Use this cluster instead of making one."""

    @field_validator("version")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ADDONS:
            raise Invalid(
                "no add-on versions are pinned for this Kubernetes version",
                found=value,
                allowed=", ".join(ADDONS),
                fix="add its add-ons to ADDONS in core/versions.py first",
            )
        return value


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """What the control plane is made from: its spec, the platform's name and place, and the network's subnets."""

    spec: ClusterSpec
    name: str
    region: str
    account_id: str
    existing_vpc_id: str | None
    subnet_ids: list[pulumi.Output[str]]


@pulumi.type_token("modelyard:index:Cluster")
class Cluster(pulumi.ComponentResource):
    """An EKS control plane that only named roles administer, whose secrets are encrypted and whose logs are kept."""

    cluster_name: pulumi.Output[str]
    endpoint: pulumi.Output[str]
    certificate_authority: pulumi.Output[str]
    security_group_id: pulumi.Output[str]
    arn: pulumi.Output[str]
    entries: list[pulumi.Resource]
    """The access entries and the rules that let the deployer in; whatever talks to the API server depends on them."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Cluster", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        if args.spec.existing is None:
            self._make()
        else:
            self._adopt(args.spec.existing)
        self.register_outputs({})

    def _adopt(self, existing: ExistingClusterSpec) -> None:
        found, seen = look(existing.name, pulumi.InvokeOptions(parent=self))
        network = self._args.existing_vpc_id or "one that the platform makes"
        if wrong := list(problems(seen, existing, self._args.spec.version, network)):
            raise Refused(wrong)
        self.cluster_name = pulumi.Output.from_input(found.name)
        self.endpoint = pulumi.Output.from_input(found.endpoint)
        self.certificate_authority = pulumi.Output.from_input(found.certificate_authorities[0].data)
        self.security_group_id = pulumi.Output.from_input(found.vpc_config.cluster_security_group_id)
        self.arn = pulumi.Output.from_input(found.arn)
        self.entries = []

    def _make(self) -> None:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        key = aws.kms.Key(
            "secrets",
            description=f"Kubernetes secrets of {args.name}",
            enable_key_rotation=True,
            deletion_window_in_days=30,
            opts=child,
        )
        aws.kms.Alias("secrets", name=f"alias/{args.name}-secrets", target_key_id=key.key_id, opts=child)
        logs = aws.cloudwatch.LogGroup(
            "control-plane",
            name=f"/aws/eks/{args.name}/cluster",
            retention_in_days=args.spec.log_days,
            opts=child,
        )
        role = aws.iam.Role(
            "control-plane",
            name=f"{args.name}-control-plane",
            assume_role_policy=trust("eks.amazonaws.com", ("sts:AssumeRole", "sts:TagSession")),
            opts=child,
        )
        attached = aws.iam.RolePolicyAttachment(
            "control-plane",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy",
            opts=child,
        )
        cluster = aws.eks.Cluster(
            "cluster",
            name=args.name,
            role_arn=role.arn,
            version=args.spec.version,
            bootstrap_self_managed_addons=False,
            access_config={"authentication_mode": "API", "bootstrap_cluster_creator_admin_permissions": False},
            upgrade_policy={"support_type": "STANDARD"},
            deletion_protection=args.spec.deletion_protection,
            enabled_cluster_log_types=list(LOG_TYPES),
            encryption_config={"provider": {"key_arn": key.arn}, "resources": ["secrets"]},
            vpc_config=self._endpoint(),
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[attached, logs], protect=args.spec.deletion_protection
            ),
        )
        self.cluster_name = cluster.name
        self.endpoint = cluster.endpoint
        self.certificate_authority = cluster.certificate_authority.data.apply(str)
        self.security_group_id = cluster.vpc_config.cluster_security_group_id.apply(str)
        self.arn = cluster.arn
        admins = [entry for admin in args.spec.access.admin_roles for entry in self._admin(cluster, admin)]
        self.entries = [*admins, *self._way_in()]

    def _endpoint(self) -> aws.eks.ClusterVpcConfigArgsDict:
        access = self._args.spec.access
        config: aws.eks.ClusterVpcConfigArgsDict = {
            "subnet_ids": self._args.subnet_ids,
            "endpoint_private_access": True,
            "endpoint_public_access": access.reach is Reach.PUBLIC_CIDRS,
        }
        if access.reach is Reach.PUBLIC_CIDRS:
            config["public_access_cidrs"] = access.allowed_cidrs
        return config

    def _way_in(self) -> list[pulumi.Resource]:
        """What opens the private endpoint to the deployer. EKS lets in only what is in the cluster's own security group.

        Source: EKS user guide, "Accessing a private only API server" (not opened).
        """
        access = self._args.spec.access
        if access.reach is not Reach.VPC_RUNNER:
            return []
        blocks = {cidr.replace("/", "-"): (cidr, None) for cidr in access.allowed_cidrs}
        groups = {each: (None, each) for each in access.allowed_security_group_ids}
        return [
            aws.vpc.SecurityGroupIngressRule(
                f"api-from-{name}",
                security_group_id=self.security_group_id,
                description="Kubernetes API from the deployer",
                cidr_ipv4=block,
                referenced_security_group_id=group,
                ip_protocol="tcp",
                from_port=API_PORT,
                to_port=API_PORT,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for name, (block, group) in {**blocks, **groups}.items()
        ]

    def _admin(self, cluster: aws.eks.Cluster, role: str) -> list[pulumi.Resource]:
        child = pulumi.ResourceOptions(parent=self)
        principal = f"arn:aws:iam::{self._args.account_id}:role/{role}"
        # A path is no part of a role's name, and two roles of an account never share theirs.
        name = f"admin-{role.rpartition('/')[2]}"
        entry = aws.eks.AccessEntry(
            name, cluster_name=cluster.name, principal_arn=principal, type="STANDARD", opts=child
        )
        grant = aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=ADMIN_POLICY,
            access_scope={"type": "cluster"},
            opts=child,
        )
        return [entry, grant]

    def kubeconfig(self) -> pulumi.Output[str]:
        """A kubeconfig that asks the AWS CLI for a short-lived token: it names the cluster and holds no credential."""
        region, tunnel = self._args.region, self._args.spec.access.tunnel
        return pulumi.Output.all(name=self.cluster_name, server=self.endpoint, ca=self.certificate_authority).apply(
            lambda known: json.dumps(kubeconfig(region, known["name"], known["server"], known["ca"], tunnel))
        )


def kubeconfig(
    region: str, name: str, server: str, certificate_authority: str, tunnel: int | None = None
) -> dict[str, Any]:
    """The kubeconfig of one EKS cluster, with the AWS CLI as its credential plugin.

    With `tunnel`, a local port, the endpoint is reached through it; its certificate is still the endpoint's own.
    """
    way = {"server": server}
    if tunnel is not None:
        way = {"server": f"https://127.0.0.1:{tunnel}", "tls-server-name": server.removeprefix("https://")}
    command = ["eks", "get-token", "--output", "json", "--region", region, "--cluster-name", name]
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": name, "cluster": {**way, "certificate-authority-data": certificate_authority}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "users": [
            {
                "name": name,
                "user": {
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "aws",
                        "args": command,
                        "interactiveMode": "Never",
                    }
                },
            }
        ],
    }
