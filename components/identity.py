"""Roles of pods: EKS Pod Identity gives one service account, in one namespace, what one policy lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.iam import document, trust_pods


@dataclass(frozen=True, kw_only=True)
class InAws:
    """Where in AWS a component's pods run; a component that may run elsewhere takes None instead."""

    region: str
    account_id: str
    cluster_name: pulumi.Input[str]


@dataclass(frozen=True)
class Identity:
    """A role, and what must be there before a pod can take it."""

    role: aws.iam.Role
    needs: tuple[pulumi.Resource, ...]


def identity(
    account: str,
    namespace: str,
    statements: Sequence[Mapping[str, Any]],
    *,
    of: str,
    where: InAws,
    parent: pulumi.Resource,
) -> Identity:
    """The role `<of>-<account>` of a service account, with a policy of these statements and no other."""
    child = pulumi.ResourceOptions(parent=parent)
    role = aws.iam.Role(account, name=f"{of}-{account}", assume_role_policy=trust_pods(), opts=child)
    policy = aws.iam.RolePolicy(account, role=role.name, policy=document(statements), opts=child)
    association = aws.eks.PodIdentityAssociation(
        account,
        cluster_name=where.cluster_name,
        namespace=namespace,
        service_account=account,
        role_arn=role.arn,
        opts=pulumi.ResourceOptions(parent=parent, depends_on=[policy]),
    )
    return Identity(role, (policy, association))
