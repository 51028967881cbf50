"""Who may read which secret: each audience is a namespace with a store of its own, and an IAM role that reads its secrets alone.

The operator itself may read nothing. It takes the role that a store names, and External Secrets lets a namespace use a
ClusterSecretStore only when its `conditions` name that namespace (`spec.conditions`, read 2026-11-30). So a team's ExternalSecret
that names a platform's secret is refused twice: by the operator at the platform's store, and by IAM at the team's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.iam import allow, document, trust_role
from components.identity import InAws

API = "external-secrets.io/v1"
READ = ("secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue")
_ROLE_NAME_LENGTH = 64
_SUFFIX = "-??????"
"""What Secrets Manager adds to a name in an ARN: a hyphen and six characters (API reference, CreateSecret; read 2026-11-30)."""


@dataclass(frozen=True, kw_only=True)
class Audience:
    """One namespace that reads secrets from Secrets Manager: every secret below `prefixes`, and those with one of `names`."""

    namespace: str
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()

    def may_read(self, secret: str) -> bool:
        """Whether the secret of this name is for the audience."""
        return secret in self.names or secret.startswith(self.prefixes)

    def statements(self, where: InAws) -> list[dict[str, Any]]:
        """What the audience's role may do, as IAM statements; none when the audience has no secret yet."""
        secrets = f"arn:aws:secretsmanager:{where.region}:{where.account_id}:secret:"
        own = [
            *(f"{secrets}{name}{_SUFFIX}" for name in self.names),
            *(f"{secrets}{prefix}*" for prefix in self.prefixes),
        ]
        return [allow("ReadOwnSecrets", READ, own)] if own else []


def prefix(name: str, namespace: str) -> str:
    """What the names of a team's secrets start with, for the platform `name`."""
    return f"{name}/{namespace}/"


def store_name(namespace: str) -> str:
    """The name of the ClusterSecretStore that a namespace reads through."""
    return f"secrets-{namespace}"


def reference(namespace: str) -> dict[str, str]:
    """What an ExternalSecret of a namespace says for its store."""
    return {"kind": "ClusterSecretStore", "name": store_name(namespace)}


def role_name(name: str, namespace: str) -> str:
    """The name of an audience's role: at most 64 characters, and never that of another namespace."""
    whole = f"{name}-secrets-{namespace}"
    if len(whole) <= _ROLE_NAME_LENGTH:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{whole[: _ROLE_NAME_LENGTH - len(digest) - 1]}-{digest}"


def role_arn(name: str, namespace: str, where: InAws) -> str:
    """The ARN of an audience's role."""
    return f"arn:aws:iam::{where.account_id}:role/{role_name(name, namespace)}"


def may_take(name: str, audiences: Sequence[Audience], where: InAws) -> dict[str, Any]:
    """The operator's one statement: the audiences' roles. Pod Identity's session tags travel on, so it may tag sessions too."""
    roles = [role_arn(name, audience.namespace, where) for audience in audiences]
    return allow("TakeRolesOfAudiences", ["sts:AssumeRole", "sts:TagSession"], roles)


@dataclass(frozen=True)
class Store:
    """One audience's store: its role, and what must be there before an ExternalSecret can use it."""

    role: aws.iam.Role
    needs: tuple[pulumi.Resource, ...]


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Makes the stores of a platform `name`; `operator` is the operator's role, `after` is what runs the operator."""

    name: str
    where: InAws
    operator: aws.iam.Role
    provider: k8s.Provider
    labels: Mapping[str, str]
    parent: pulumi.Resource
    after: Sequence[pulumi.Resource]

    def make(self, audience: Audience) -> Store:
        """The role that only the operator takes, and the store that only the audience's namespace uses."""
        of, arn = store_name(audience.namespace), role_arn(self.name, audience.namespace, self.where)
        taker = f"arn:aws:iam::{self.where.account_id}:role/{self.name}-external-secrets"
        role = aws.iam.Role(
            of,
            name=role_name(self.name, audience.namespace),
            assume_role_policy=trust_role(taker),
            # IAM refuses to trust a role that is not there yet.
            opts=pulumi.ResourceOptions(parent=self.parent, depends_on=[self.operator]),
        )
        policies = [
            aws.iam.RolePolicy(
                of, role=role.name, policy=document([statement]), opts=pulumi.ResourceOptions(parent=self.parent)
            )
            for statement in audience.statements(self.where)
        ]
        needs = [*self.after, role, *policies]
        store = k8s.apiextensions.CustomResource(
            of,
            api_version=API,
            kind="ClusterSecretStore",
            metadata={"name": of, "labels": dict(self.labels)},
            spec={
                # No `auth`: the operator's own Pod Identity is what it takes the role with.
                "provider": {"aws": {"service": "SecretsManager", "region": self.where.region, "role": arn}},
                "conditions": [{"namespaces": [audience.namespace]}],
            },
            opts=pulumi.ResourceOptions(parent=self.parent, provider=self.provider, depends_on=needs),
        )
        return Store(role, (*policies, store))
