"""The namespaces that workloads live in: Pod Security `restricted`, and no traffic but what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.spec import Spec

WORKLOAD_NAMESPACES = ("modelyard-registry", "modelyard-serving", "modelyard-training")


class NamespacesSpec(Spec):
    """Which namespaces there are, all at Pod Security level `restricted`."""

    names: list[str] = Field(default_factory=lambda: list(WORKLOAD_NAMESPACES))
    """Namespaces for workloads; teams may add theirs."""


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
        for each in args.spec.names:
            space = k8s.core.v1.Namespace(
                each, metadata={"name": each, "labels": {**args.labels, **levels}}, opts=child
            )
            self.by_name[each] = space
            inside = space.metadata["name"]
            k8s.networking.v1.NetworkPolicy(
                f"{each}-default-deny",
                metadata={"name": "default-deny", "namespace": inside, "labels": args.labels},
                spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
                opts=child,
            )
            k8s.networking.v1.NetworkPolicy(
                f"{each}-allow-dns",
                metadata={"name": "allow-dns", "namespace": inside, "labels": args.labels},
                spec={
                    "pod_selector": {},
                    "policy_types": ["Egress"],
                    "egress": [
                        {
                            "to": [
                                {
                                    "namespace_selector": {
                                        "match_labels": {"kubernetes.io/metadata.name": "kube-system"}
                                    },
                                    "pod_selector": {"match_labels": {"k8s-app": "kube-dns"}},
                                }
                            ],
                            "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
                        }
                    ],
                },
                opts=child,
            )
        self.register_outputs({})
