"""An EKS cluster that somebody else owns: which parts of it are there already, and whether it can carry the platform."""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from pydantic import model_validator

from components.kinds.aws import ClusterName, RoleName
from components.spec import Invalid, Spec
from core.problem import Problem
from core.versions import ADDONS

AUTHENTICATION = ("API", "API_AND_CONFIG_MAP")
"""Authentication modes in which access entries count."""

NEEDED_ADDONS = ("vpc-cni", "kube-proxy", "coredns", "eks-pod-identity-agent", "aws-ebs-csi-driver")
"""Add-ons that the platform cannot do without."""


class Ownership(enum.StrEnum):
    """Who brings a part of an existing cluster: the platform, or whoever made the cluster."""

    MANAGED = "managed"
    PRESENT = "present"


class ExistingClusterSpec(Spec):
    """An EKS cluster that somebody else owns: what the platform needs of it is checked, nothing of it is changed."""

    name: ClusterName
    """The cluster's name."""
    addons: Ownership = Ownership.PRESENT
    """The EKS add-ons; checked by name when present."""
    system_nodes: Ownership = Ownership.PRESENT
    """Nodes that run Karpenter and the add-ons."""
    karpenter: Ownership = Ownership.MANAGED
    """The autoscaler; when present, `nodeRole` says which role its nodes have."""
    node_role: RoleName | None = None
    """With a present Karpenter: the name of its nodes' IAM role."""

    @model_validator(mode="after")
    def _agrees(self) -> ExistingClusterSpec:
        if (self.karpenter is Ownership.PRESENT) is not (self.node_role is not None):
            raise Invalid(
                "a present Karpenter needs its nodes' role, a managed one makes it",
                where="nodeRole",
                found=self.node_role or "nothing",
                allowed="a role name with karpenter: present, nothing otherwise",
            )
        return self


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What AWS says of a cluster, as far as the platform depends on it; `addons` are those that are installed."""

    name: str
    status: str
    version: str
    authentication_mode: str
    vpc_id: str
    addons: Collection[str]


def problems(seen: Seen, spec: ExistingClusterSpec, version: str, vpc_id: str) -> Iterator[Problem]:
    """Everything that keeps a cluster from carrying the platform; `version` and `vpc_id` are what the stack says."""
    where = "cluster.existing"
    if seen.status != "ACTIVE":
        yield Problem(summary="the cluster is not ready", where=where, found=seen.status, allowed="ACTIVE")
    if seen.version not in ADDONS or seen.version != version:
        yield Problem(
            summary="the cluster has another Kubernetes version than the stack says",
            where="cluster.version",
            found=seen.version,
            allowed=version,
            fix=f"say cluster.version: {seen.version!r}" if seen.version in ADDONS else "upgrade the cluster first",
        )
    if seen.authentication_mode not in AUTHENTICATION:
        yield Problem(
            summary="the cluster does not read access entries",
            where=where,
            found=seen.authentication_mode,
            allowed=" or ".join(AUTHENTICATION),
            fix=f"aws eks update-cluster-config --name {seen.name} --access-config authenticationMode=API_AND_CONFIG_MAP",
        )
    if seen.vpc_id != vpc_id:
        yield Problem(
            summary="the cluster lies in another VPC than the network",
            where="network.existing.vpcId",
            found=vpc_id,
            allowed=seen.vpc_id,
        )
    missing = [] if spec.addons is Ownership.MANAGED else [addon for addon in NEEDED_ADDONS if addon not in seen.addons]
    if missing:
        yield Problem(
            summary="the cluster lacks add-ons that the platform needs",
            where=f"{where}.addons",
            found=f"missing: {', '.join(missing)}",
            fix="install them, or say addons: managed",
        )


def look(name: str, opts: pulumi.InvokeOptions) -> tuple[aws.eks.GetClusterResult, Seen]:
    """The cluster as AWS knows it. What AWS does not find raises its own error."""
    found = aws.eks.get_cluster(name=name, opts=opts)
    return found, Seen(
        name=found.name,
        status=found.status,
        version=found.version,
        authentication_mode=found.access_configs[0].authentication_mode,
        vpc_id=found.vpc_config.vpc_id,
        addons=[addon for addon in NEEDED_ADDONS if _has_addon(name, addon, opts)],
    )


def _has_addon(cluster: str, addon: str, opts: pulumi.InvokeOptions) -> bool:
    try:
        aws.eks.get_addon(cluster_name=cluster, addon_name=addon, opts=opts)
    except Exception as error:
        if "ResourceNotFound" in str(error) or "couldn't find" in str(error):
            return False
        raise
    return True
