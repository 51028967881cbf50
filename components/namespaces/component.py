"""The namespaces that workloads live in: Pod Security `restricted`, and no traffic but what is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field, model_validator

from components.kinds.kubernetes import Namespace
from components.spec import Invalid, Spec
from core.problem import Problem

WORKLOAD_NAMESPACES = ("modelyard-registry", "modelyard-serving", "modelyard-training")
TAKEN = frozenset(
    (
        *WORKLOAD_NAMESPACES,
        "argo-rollouts",
        "default",
        "envoy-gateway-system",
        "external-secrets",
        "karpenter",
        "modelyard-gateway",
        "monitoring",
        "monitoring-nodes",
    )
)
"""Namespaces that are the platform's, or that every cluster has and nobody closes: DNS and the CNI run in `kube-*`."""
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class NamespacesSpec(Spec):
    """Which namespaces there are, all at Pod Security level `restricted`."""

    names: list[Namespace] = Field(default_factory=list)
    """Namespaces of teams, besides the platform's own for registry, serving and training."""

    @property
    def all(self) -> tuple[str, ...]:
        """The platform's own, then those of teams."""
        return (*WORKLOAD_NAMESPACES, *self.names)

    @model_validator(mode="after")
    def _teams_own(self) -> NamespacesSpec:
        wrong = [
            Problem(summary=why, where=f"names[{place}]", found=name, allowed="a name of the team's own, once")
            for place, name in enumerate(self.names)
            if (why := _not_a_teams(name, self.names[:place]))
        ]
        if wrong:
            raise Invalid.of(wrong)
        return self


def _not_a_teams(name: str, before: Sequence[str]) -> str:
    """Why a team's namespace cannot have this name; empty when it can."""
    if not _NAME.fullmatch(name):
        return "a namespace has lower-case letters, digits and dashes, 63 at the most"
    if name in TAKEN or name.startswith("kube-"):
        return "this namespace is not a team's: it is the platform's or the cluster's own"
    return "this namespace is named twice" if name in before else ""


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    """What the namespaces are made from; `labels` go on each."""

    spec: NamespacesSpec
    provider: k8s.Provider
    labels: Mapping[str, str]


@pulumi.type_token("modelyard:index:Namespaces")
class Namespaces(pulumi.ComponentResource):
    """Restricted namespaces in which a pod reaches DNS and nothing else until a policy says so."""

    by_name: dict[str, k8s.core.v1.Namespace]

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Namespaces", name, {"spec": args.spec.to_inputs()}, opts)
        child = pulumi.ResourceOptions(parent=self, provider=args.provider)
        levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        self.by_name = {}
        for each in args.spec.all:
            space = k8s.core.v1.Namespace(
                each, metadata={"name": each, "labels": {**args.labels, **levels}}, opts=child
            )
            self.by_name[each] = space
            close(each, space, args.labels, child)
        self.register_outputs({})


def close(
    name: str, space: k8s.core.v1.Namespace, labels: Mapping[str, str], opts: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """Denies all traffic of a namespace but what asks DNS."""
    inside = space.metadata["name"]
    denied = k8s.networking.v1.NetworkPolicy(
        f"{name}-default-deny",
        metadata={"name": "default-deny", "namespace": inside, "labels": labels},
        spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
        opts=opts,
    )
    asks: Any = {
        "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": "kube-system"}},
        "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
    }
    dns = k8s.networking.v1.NetworkPolicy(
        f"{name}-allow-dns",
        metadata={"name": "allow-dns", "namespace": inside, "labels": labels},
        spec={
            "pod_selector": {},
            "policy_types": ["Egress"],
            "egress": [{"to": [asks], "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}],
        },
        opts=opts,
    )
    return [denied, dns]
