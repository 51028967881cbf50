"""A release as one component: its Rollout, the Services and the route that Argo moves, and who may talk to its pods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.gateway.component import GATEWAY, envoys
from components.gateway.component import NAMESPACE as GATEWAYS
from components.registry import pods as registry_pods
from components.serving import pods, timing
from components.serving.spec import ReleaseSpec
from core.versions import ROLLOUTS_PLUGIN

PORT = 80
"""The port of a release's Services."""
ROLLOUTS, ROUTES = "argoproj.io/v1alpha1", "gateway.networking.k8s.io/v1"
MONITORS = "monitoring.coreos.com/v1"


@dataclass(frozen=True, kw_only=True)
class ReleaseArgs:
    """What a release is made from. `needs` are the gateway, the rollout controller, the registry's reader and its program.

    `scraper` is the namespace that Prometheus is in; metrics are collected when there is `monitoring`.
    """

    spec: ReleaseSpec
    release: str
    monitoring: pulumi.Resource | None
    scraper: str
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: Sequence[pulumi.Resource]


@pulumi.type_token("modelyard:index:Release")
class Release(pulumi.ComponentResource):
    """One model version behind one address; a new one takes over step by step, and nobody but gateway and Prometheus comes in."""

    def __init__(self, name: str, args: ReleaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        inputs = {"release": args.release, "spec": args.spec.to_inputs()}
        super().__init__("modelyard:index:Release", name, inputs, opts)
        self._args, self._name = args, args.release
        self._child = pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=list(args.needs))
        account = k8s.core.v1.ServiceAccount(
            self._name, metadata=self._metadata(), automount_service_account_token=False, opts=self._child
        )
        ready = [account, self._policy(), self._budget(), *(self._service(role) for role in ("stable", "canary"))]
        route = self._route(ready)
        self._custom("", ROLLOUTS, "Rollout", rollout(self._name, args.spec, self._labels), [*ready, route])
        if args.monitoring is not None:
            self._custom("-monitor", MONITORS, "PodMonitor", monitor(self._name), [args.monitoring])
        self.register_outputs({})

    @property
    def _labels(self) -> dict[str, str]:
        return {**self._args.labels, **pods.labels(self._name)}

    def _metadata(self, name: str = "") -> Any:
        return {"name": name or self._name, "namespace": pods.NAMESPACE, "labels": self._labels}

    def _custom(
        self,
        suffix: str,
        api: str,
        kind: str,
        spec: Mapping[str, Any],
        needs: Sequence[pulumi.Resource],
        ignored: Sequence[str] = (),
    ) -> pulumi.Resource:
        # A version may not be in the registry yet, and a canary may wait for a person: `up` waits for neither.
        metadata = {**self._metadata(), "annotations": {"pulumi.com/skipAwait": "true"}}
        return k8s.apiextensions.CustomResource(
            f"{self._name}{suffix}",
            api_version=api,
            kind=kind,
            metadata=metadata,
            spec=dict(spec),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._args.provider,
                depends_on=[*self._args.needs, *needs],
                ignore_changes=list(ignored),
            ),
        )

    def _service(self, role: str) -> pulumi.Resource:
        name = f"{self._name}-{role}"
        metadata: Any = {**self._metadata(name), "annotations": {"pulumi.com/skipAwait": "true"}}
        spec: Any = {
            "selector": pods.labels(self._name),
            "ports": [{"name": "http", "port": PORT, "target_port": "http", "app_protocol": "http"}],
        }
        return k8s.core.v1.Service(
            name,
            metadata=metadata,
            spec=spec,
            # Argo adds the version that a Service stands for.
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(ignore_changes=["spec.selector"])),
        )

    def _route(self, needs: Sequence[pulumi.Resource]) -> pulumi.Resource:
        # The weights are Argo's, and Pulumi's provider ignores no path through a list.
        return self._custom("", ROUTES, "HTTPRoute", route(self._name), needs, ["spec.rules"])

    def _policy(self) -> pulumi.Resource:
        scraper = {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": self._args.scraper}}}
        registry = {
            "namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": registry_pods.NAMESPACE}},
            "pod_selector": {"match_labels": registry_pods.labels("server")},
        }
        # Typed as Any: a type checker that compares such a tree with the SDK's overloads takes gigabytes for it.
        spec: Any = {
            "pod_selector": {"match_labels": pods.labels(self._name)},
            "policy_types": ["Ingress", "Egress"],
            "ingress": [{"from": [envoys(), scraper], "ports": [{"protocol": "TCP", "port": pods.PORT}]}],
            "egress": [{"to": [registry], "ports": [{"protocol": "TCP", "port": registry_pods.PORT}]}],
        }
        return k8s.networking.v1.NetworkPolicy(self._name, metadata=self._metadata(), spec=spec, opts=self._child)

    def _budget(self) -> pulumi.Resource:
        spec: Any = {"max_unavailable": 1, "selector": {"match_labels": pods.labels(self._name)}}
        return k8s.policy.v1.PodDisruptionBudget(self._name, metadata=self._metadata(), spec=spec, opts=self._child)


def rollout(name: str, spec: ReleaseSpec, labels: Mapping[str, str]) -> dict[str, Any]:
    """The Rollout's `spec`: the steps of the release, each by moving the route's weights."""
    return {
        "replicas": spec.replicas,
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": timing.progress_seconds(spec),
        "selector": {"matchLabels": pods.labels(name)},
        "strategy": {
            "canary": {
                "stableService": f"{name}-stable",
                "canaryService": f"{name}-canary",
                # The old version's pods stay until no Envoy sends to them any more.
                "scaleDownDelaySeconds": 30,
                "trafficRouting": {
                    "plugins": {ROLLOUTS_PLUGIN.name: {"httpRoute": name, "namespace": pods.NAMESPACE}},
                },
                "steps": [each for step in spec.rollout.steps for each in _step(step.weight, step.pause_seconds)],
            }
        },
        "template": {
            "metadata": {"labels": dict(labels), "annotations": pods.pod_annotations(spec)},
            "spec": pods.pod(name, spec),
        },
    }


def _step(weight: int, seconds: int | None) -> list[dict[str, Any]]:
    return [{"setWeight": weight}, {"pause": {} if seconds is None else {"duration": f"{seconds}s"}}]


def route(name: str) -> dict[str, Any]:
    """The HTTPRoute's `spec`: the OpenAI API below `/NAME/v1/` to stable and canary, and nothing else of their servers."""
    return {
        "parentRefs": [
            {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": GATEWAY, "namespace": GATEWAYS}
        ],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}/v1/"}}],
                "filters": [
                    {
                        "type": "URLRewrite",
                        "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v1/"}},
                    }
                ],
                "backendRefs": [
                    {"group": "", "kind": "Service", "name": f"{name}-{role}", "port": PORT, "weight": weight}
                    for role, weight in (("stable", 100), ("canary", 0))
                ],
                # Another value would cut streams that take longer, and call them answered.
                "timeouts": {"request": "0s"},
            }
        ],
    }


def monitor(name: str) -> dict[str, Any]:
    """The PodMonitor's `spec`: every replica by itself, with the version that it serves."""
    return {
        "selector": {"matchLabels": pods.labels(name)},
        "podTargetLabels": ["app.kubernetes.io/name", "rollouts-pod-template-hash"],
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "15s"}],
    }
