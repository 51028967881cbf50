"""EKS add-ons in two waves: what a node needs before it is ready, and what needs a ready node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.iam import trust_pods
from components.nodes.gpu_engine import GpuEngine, agent_values
from components.spec import Spec
from core.versions import ADDONS, Addon

CRITICAL_ONLY = {"key": "CriticalAddonsOnly", "operator": "Exists"}
"""The toleration that lets a pod onto the system nodes."""

ROLES = {
    "vpc-cni": ("aws-node", "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"),
    "aws-ebs-csi-driver": ("ebs-csi-controller-sa", "arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2"),
}
"""Add-on -> its service account and the managed policy that it needs; the others call no AWS API."""


class AddonsSpec(Spec):
    """What can be set about the add-ons; their versions follow the Kubernetes version."""

    network_policy: bool = True
    """Whether vpc-cni enforces NetworkPolicies."""
    prefix_delegation: bool = True
    """Whether nodes take addresses in blocks of 16, which lifts the limit of pods on a node."""
    dns_replicas: int = Field(default=2, ge=2, le=20)
    """Replicas of CoreDNS."""


def configuration(addon: str, spec: AddonsSpec, tags: Mapping[str, str], engine: GpuEngine) -> dict[str, Any]:
    """The configuration values of one add-on, as its own schema names them; empty for its defaults.

    `tags` go on the network interfaces that vpc-cni makes, `engine` is whose DCGM runs on GPU nodes.
    """
    tolerate = [CRITICAL_ONLY]
    values: dict[str, dict[str, Any]] = {
        "vpc-cni": {
            "enableNetworkPolicy": str(spec.network_policy).lower(),
            "env": {
                "ADDITIONAL_ENI_TAGS": json.dumps(dict(tags), sort_keys=True),
                "ENABLE_PREFIX_DELEGATION": str(spec.prefix_delegation).lower(),
                "WARM_PREFIX_TARGET": "1",
            },
        },
        "coredns": {"replicaCount": spec.dns_replicas, "tolerations": tolerate},
        "aws-ebs-csi-driver": {"controller": {"tolerations": tolerate}},
        "eks-node-monitoring-agent": agent_values(engine),
        "metrics-server": {"tolerations": tolerate},
    }
    return values.get(addon, {})


@dataclass(frozen=True, kw_only=True)
class AddonsArgs:
    """One wave of add-ons of a cluster; `version` is the cluster's Kubernetes minor."""

    spec: AddonsSpec
    name: str
    version: str
    cluster_name: pulumi.Input[str]
    tags: Mapping[str, str]
    engine: GpuEngine
    before_nodes: bool
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:Addons")
class Addons(pulumi.ComponentResource):
    """One wave of add-ons, each pinned, with a role of its own where it calls AWS."""

    ready: list[pulumi.Resource]

    def __init__(self, name: str, args: AddonsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Addons", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        self.ready = [self._addon(addon) for addon in ADDONS[args.version] if addon.before_nodes is args.before_nodes]
        self.register_outputs({})

    def _addon(self, addon: Addon) -> aws.eks.Addon:
        values = configuration(addon.name, self._args.spec, self._args.tags, self._args.engine)
        roles, needs = self._role(addon.name)
        return aws.eks.Addon(
            addon.name,
            cluster_name=self._args.cluster_name,
            addon_name=addon.name,
            addon_version=addon.version,
            configuration_values=json.dumps(values, sort_keys=True) if values else None,
            pod_identity_associations=roles,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*self._args.needs, *needs]),
        )

    def _role(
        self, addon: str
    ) -> tuple[Sequence[aws.eks.AddonPodIdentityAssociationArgsDict] | None, list[pulumi.Resource]]:
        if addon not in ROLES:
            return None, []
        account, policy = ROLES[addon]
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(addon, name=f"{self._args.name}-{addon}", assume_role_policy=trust_pods(), opts=child)
        attached = aws.iam.RolePolicyAttachment(addon, role=role.name, policy_arn=policy, opts=child)
        return [{"service_account": account, "role_arn": role.arn}], [attached]
