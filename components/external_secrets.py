"""External Secrets: secrets reach the cluster as Kubernetes Secrets without passing through the stack's state.

A value comes from AWS Secrets Manager, or is made in the cluster by a generator. The operator reads only secrets whose names
start with the platform's own; whoever needs another gives the operator's role a policy for it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.iam import allow
from components.identity import InAws, identity
from components.spec import Spec
from problem import Problem
from versions import CHARTS

NAMESPACE = SERVICE_ACCOUNT = "external-secrets"
STORE = "secrets-manager"
API = "external-secrets.io/v1"
GENERATORS = "generators.external-secrets.io/v1alpha1"


class SecretSource(enum.StrEnum):
    """Where secrets that a stack file names are kept."""

    SECRETS_MANAGER = "secretsManager"
    NONE = "none"


class ExternalSecretsSpec(Spec):
    """How secrets reach the cluster."""

    source: SecretSource = SecretSource.SECRETS_MANAGER
    """Where secrets that this file names are kept; `none` leaves only those that are made in the cluster."""
    replicas: int = Field(default=1, ge=1, le=5)
    """Operators, one leading."""

    def needs_aws(self) -> Iterator[Problem]:
        """Secrets Manager is in AWS."""
        if self.source is SecretSource.SECRETS_MANAGER:
            yield Problem(
                summary="Secrets Manager is in AWS",
                where="source",
                found=self.source.value,
                fix="externalSecrets: { source: none }; secrets that nobody names are made in the cluster",
            )


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsArgs:
    """What the operator is made from, and in which namespaces the store may be used; `in_aws` where it reads from there."""

    spec: ExternalSecretsSpec
    name: str
    in_aws: InAws | None
    namespaces: Sequence[str]
    provider: k8s.Provider
    labels: Mapping[str, str]
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:ExternalSecrets")
class ExternalSecrets(pulumi.ComponentResource):
    """The operator, ready to make Secrets: its CRDs are there, and its store where there is one."""

    ready: list[pulumi.Resource]
    role_name: pulumi.Output[str] | None

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:ExternalSecrets", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        self.role_name = None
        reads = args.in_aws if args.spec.source is SecretSource.SECRETS_MANAGER else None
        release = self._release(self._identity(reads) if reads else ())
        self.ready = [release]
        if reads:
            self.ready.append(self._store(release, reads.region))
        self.register_outputs({})

    def _identity(self, where: InAws) -> tuple[pulumi.Resource, ...]:
        own = f"arn:aws:secretsmanager:{where.region}:{where.account_id}:secret:{self._args.name}/*"
        may = allow("ReadOwnSecrets", ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"], [own])
        found = identity(SERVICE_ACCOUNT, NAMESPACE, [may], of=self._args.name, where=where, parent=self)
        self.role_name = found.role.name
        return found.needs

    def _release(self, needs: Sequence[pulumi.Resource]) -> k8s.helm.v3.Release:
        args, chart = self._args, CHARTS["external-secrets"]
        level = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        space = k8s.core.v1.Namespace(
            NAMESPACE,
            metadata={"name": NAMESPACE, "labels": {**args.labels, **level}},
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider),
        )
        return k8s.helm.v3.Release(
            chart.name,
            name=chart.name,
            namespace=space.metadata["name"],
            chart=chart.reference,
            version=chart.version,
            repository_opts={"repo": chart.repository},
            values=operator_values(args.spec),
            timeout=600,
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[*args.needs, *needs]),
        )

    def _store(self, release: k8s.helm.v3.Release, region: str) -> pulumi.Resource:
        args = self._args
        return k8s.apiextensions.CustomResource(
            STORE,
            api_version=API,
            kind="ClusterSecretStore",
            metadata={"name": STORE, "labels": args.labels},
            spec={
                # No `auth`: the operator's own Pod Identity is what it reads with.
                "provider": {"aws": {"service": "SecretsManager", "region": region}},
                "conditions": [{"namespaces": sorted(args.namespaces)}],
            },
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[release]),
        )


def operator_values(spec: ExternalSecretsSpec) -> dict[str, Any]:
    """The chart's values: nothing that writes secrets to a store, or into every namespace, is switched on."""
    small = {"requests": {"cpu": "20m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}
    cluster_wide = (
        "createClusterExternalSecret",
        "createClusterGenerator",
        "createPushSecret",
        "createClusterPushSecret",
    )
    return {
        "installCRDs": True,
        "replicaCount": spec.replicas,
        "leaderElect": spec.replicas > 1,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "crds": dict.fromkeys(cluster_wide, False),
        "processClusterExternalSecret": False,
        "processClusterGenerator": False,
        "processPushSecret": False,
        "processClusterPushSecret": False,
        "resources": small,
        "webhook": {"replicaCount": spec.replicas, "resources": small},
        "certController": {"resources": small},
    }


def from_store(target: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """The spec of an ExternalSecret that writes the Secret `target`.

    `keys` maps a key of it to the name of a secret in the store, or to `name#property` of a secret that holds JSON.
    """
    return {
        "refreshInterval": "1h",
        "secretStoreRef": {"kind": "ClusterSecretStore", "name": STORE},
        "target": {"name": target, "creationPolicy": "Owner", "deletionPolicy": "Retain"},
        "data": [{"secretKey": key, "remoteRef": _remote(source)} for key, source in sorted(keys.items())],
    }


def _remote(source: str) -> dict[str, str]:
    name, hash_mark, part = source.partition("#")
    return {"key": name, "property": part} if hash_mark else {"key": name}


def generated(target: str, generator: str, data: Mapping[str, str]) -> dict[str, Any]:
    """The spec of an ExternalSecret that writes the Secret `target` once, from what the Password `generator` makes.

    `data` maps a key of the Secret to a template in which `{{ .password }}` is the password.
    """
    source = {"apiVersion": GENERATORS, "kind": "Password", "name": generator}
    return {
        "refreshPolicy": "CreatedOnce",
        "target": {
            "name": target,
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {"engineVersion": "v2", "data": dict(data)},
        },
        "dataFrom": [{"sourceRef": {"generatorRef": source}}],
    }
