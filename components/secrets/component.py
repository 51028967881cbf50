"""External Secrets: secrets reach the cluster as Kubernetes Secrets without passing through the stack's state.

A value comes from AWS Secrets Manager, through the store of the namespace that it is for (`secret_stores`), or is made in the
cluster by a generator.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.identity import InAws, identity
from components.resources import small
from components.secrets import stores as secret_stores
from components.secrets.admission import guard
from components.secrets.stores import Audience, Store, Stores
from components.spec import Spec
from core.problem import Problem
from core.versions import CHARTS

NAMESPACE = SERVICE_ACCOUNT = "external-secrets"
API = secret_stores.API
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
    """Operators, webhooks and cert-controllers, as many of each; with two or more, the loss of a node causes no outage."""

    def needs_aws(self) -> Iterator[Problem]:
        """Secrets Manager is in AWS."""
        if self.source is SecretSource.SECRETS_MANAGER:
            yield Problem(
                summary="Secrets Manager is in AWS",
                where="source",
                found=self.source.value,
                fix="externalSecrets: { source: none }; other secrets are generated in the cluster",
            )


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsArgs:
    """What the operator is made from, and who reads which secrets through it; `in_aws` where it reads from there."""

    spec: ExternalSecretsSpec
    name: str
    in_aws: InAws | None
    audiences: Sequence[Audience]
    provider: k8s.Provider
    labels: Mapping[str, str]
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:ExternalSecrets")
class ExternalSecrets(pulumi.ComponentResource):
    """The operator, ready to make Secrets: its CRDs are there, and a store for each audience where it reads from AWS."""

    ready: list[pulumi.Resource]
    """What must be there before an ExternalSecret that is made in the cluster."""
    stores: dict[str, Store]
    """The store of each namespace that reads from AWS."""

    def __init__(self, name: str, args: ExternalSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:ExternalSecrets", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        self.stores = {}
        where = args.in_aws if args.spec.source is SecretSource.SECRETS_MANAGER else None
        if where is None:
            self.ready = [self._release(())]
        else:
            self.ready = self._reading(where)
        self.register_outputs({})

    def _reading(self, where: InAws) -> list[pulumi.Resource]:
        args = self._args
        takes = [secret_stores.may_take(args.name, args.audiences, where)]
        operator = identity(SERVICE_ACCOUNT, NAMESPACE, takes, of=args.name, where=where, parent=self)
        release = self._release(operator.needs)
        guards = guard(args.labels, pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[release]))
        stores = Stores(
            name=args.name,
            where=where,
            operator=operator.role,
            provider=args.provider,
            labels=args.labels,
            parent=self,
            after=[release, *guards],
        )
        self.stores = {audience.namespace: stores.make(audience) for audience in args.audiences}
        return [release]

    def reads(self, namespace: str) -> list[pulumi.Resource]:
        """What must be there before an ExternalSecret of a namespace, whether it has a store or not."""
        store = self.stores.get(namespace)
        return [*self.ready, *(store.needs if store else ())]

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


def operator_values(spec: ExternalSecretsSpec) -> dict[str, Any]:
    """The chart's values: nothing that writes secrets to a store, or into every namespace, is switched on.

    The API server takes no ExternalSecret and no store while no webhook answers (`failurePolicy: Fail`), and the cert-controller
    keeps the webhook's certificate: so all three are as many, on nodes of their own, and never all drained at once.
    """
    cluster_wide = (
        "createClusterExternalSecret",
        "createClusterGenerator",
        "createPushSecret",
        "createClusterPushSecret",
    )
    # Without leader election, every cert-controller would write the webhook's certificate.
    leading = {"extraArgs": {"enable-leader-election": "true"}} if spec.replicas > 1 else {}
    return {
        "installCRDs": True,
        "leaderElect": spec.replicas > 1,
        "serviceAccount": {"name": SERVICE_ACCOUNT},
        "crds": dict.fromkeys(cluster_wide, False),
        "processClusterExternalSecret": False,
        "processClusterGenerator": False,
        "processPushSecret": False,
        "processClusterPushSecret": False,
        **_part(spec, SERVICE_ACCOUNT),
        "webhook": _part(spec, f"{SERVICE_ACCOUNT}-webhook"),
        "certController": {**_part(spec, f"{SERVICE_ACCOUNT}-cert-controller"), **leading},
    }


def _part(spec: ExternalSecretsSpec, name: str) -> dict[str, Any]:
    """What the chart is told of one of its three Deployments; `name` is its pods' label."""
    alike = {"maxSkew": 1, "labelSelector": {"matchLabels": {"app.kubernetes.io/name": name}}}
    on_nodes = "DoNotSchedule" if spec.replicas > 1 else "ScheduleAnyway"
    return {
        "replicaCount": spec.replicas,
        "resources": small("20m", "96Mi", "256Mi"),
        "podDisruptionBudget": {"enabled": spec.replicas > 1, "minAvailable": 1},
        "topologySpreadConstraints": [
            {
                **alike,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": on_nodes,
                # Those of an older version do not count, or a rollout would wait for a node that nobody needs.
                "matchLabelKeys": ["pod-template-hash"],
            },
            {**alike, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "ScheduleAnyway"},
        ],
    }


def from_store(namespace: str, target: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """The spec of an ExternalSecret of `namespace` that writes the Secret `target`.

    `keys` maps a key of it to the name of a secret in the store, or to `name#property` of a secret that holds JSON.
    """
    return {
        "refreshInterval": "1h",
        "secretStoreRef": secret_stores.reference(namespace),
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
