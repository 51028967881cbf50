"""Envoy Gateway and one Gateway before all models: `http://models.modelyard-gateway.svc/RELEASE/v1/...`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.namespaces.component import close
from components.resources import resources, small
from components.spec import Spec
from core.versions import CHARTS, IMAGES

CONTROLLERS, NAMESPACE = "envoy-gateway-system", "modelyard-gateway"
"""Where the controller runs, and where the Gateway is and its Envoys run."""
CLASS, GATEWAY = "modelyard", "models"
"""The GatewayClass, and the one name of Gateway, EnvoyProxy, Deployment and Service."""
PORT, ENVOY_PORT, METRICS_PORT, CONTROL_PORT = 80, 10080, 19001, 18000
"""The Service's port, the one that Envoy listens on for it (10000 more for ports below 1024), its metrics, its controller's."""
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_PROXIES, _ROUTES = "gateway.envoyproxy.io/v1alpha1", "gateway.networking.k8s.io/v1"
_ENVOYS = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy"}
"""Labels that Envoy Gateway gives its Envoys (v1.9.0, `internal/infrastructure/kubernetes/proxy/resource.go`)."""


_SERVERS = {"app.kubernetes.io/component": "model-server"}
"""The label that every release's pods have."""
SERVER_PORT = 8080
"""The port that every model server listens on."""


class GatewaySpec(Spec):
    """The gateway in front of the models. It exists when there are releases."""

    replicas: int = Field(default=1, ge=1, le=20)
    """Envoys, and controllers; with two or more, the loss of a node causes no outage."""


@dataclass(frozen=True, kw_only=True)
class GatewayArgs:
    """What the gateway is made from: the namespaces that ask (`clients`), the one that is asked, and Prometheus' own."""

    spec: GatewaySpec
    clients: Sequence[str]
    serving: str
    scraper: str
    monitoring: pulumi.Resource | None
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: Sequence[pulumi.Resource]


def url(release: str) -> str:
    """Where a release answers inside the cluster, as an OpenAI client's base address."""
    return f"http://{GATEWAY}.{NAMESPACE}.svc/{release}/v1"


def envoys() -> dict[str, Any]:
    """The gateway's Envoys, as a peer of a NetworkPolicy."""
    return {"namespace_selector": _named(NAMESPACE), "pod_selector": {"match_labels": _ENVOYS}}


@pulumi.type_token("modelyard:index:Gateway")
class Gateway(pulumi.ComponentResource):
    """A controller, an address that releases attach to, and Envoys that known namespaces reach and that reach only models."""

    ready: list[pulumi.Resource]
    """What must be there before a route."""

    def __init__(self, name: str, args: GatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Gateway", name, {"spec": args.spec.to_inputs()}, opts)
        self._args = args
        here = self._namespace(NAMESPACE)
        release = self._release(self._namespace(CONTROLLERS), here)
        policies = [*close(NAMESPACE, here, args.labels, self._in_cluster()), *self._policies(here)]
        proxy = self._custom(GATEWAY, _PROXIES, "EnvoyProxy", envoy_proxy(args.spec), [release, *policies])
        parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": GATEWAY, "namespace": NAMESPACE}
        kind = self._custom(
            CLASS,
            _ROUTES,
            "GatewayClass",
            {"controllerName": CONTROLLER, "parametersRef": parameters},
            [proxy],
            namespaced=False,
        )
        gateway = self._custom(GATEWAY, _ROUTES, "Gateway", gateway_spec(args.serving), [kind])
        if args.monitoring is not None:
            self._custom(
                f"{GATEWAY}-monitor", "monitoring.coreos.com/v1", "PodMonitor", _monitor(), [args.monitoring, here]
            )
        self.ready = [gateway]
        self.register_outputs({})

    def _in_cluster(self, needs: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=[*self._args.needs, *needs])

    def _namespace(self, name: str) -> k8s.core.v1.Namespace:
        levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        return k8s.core.v1.Namespace(
            name, metadata={"name": name, "labels": {**self._args.labels, **levels}}, opts=self._in_cluster()
        )

    def _release(self, space: k8s.core.v1.Namespace, gateways: k8s.core.v1.Namespace) -> k8s.helm.v3.Release:
        chart = CHARTS["gateway-helm"]
        return k8s.helm.v3.Release(
            "envoy-gateway",
            name="envoy-gateway",
            namespace=space.metadata["name"],
            chart=chart.reference,
            version=chart.version,
            values=controller_values(self._args.spec),
            timeout=600,
            opts=self._in_cluster([gateways]),
        )

    def _custom(
        self,
        name: str,
        api: str,
        kind: str,
        spec: Mapping[str, Any],
        needs: Sequence[pulumi.Resource],
        *,
        namespaced: bool = True,
    ) -> pulumi.Resource:
        space = {"namespace": NAMESPACE} if namespaced else {}
        return k8s.apiextensions.CustomResource(
            name,
            api_version=api,
            kind=kind,
            metadata={"name": name.removesuffix("-monitor"), **space, "labels": dict(self._args.labels)},
            spec=dict(spec),
            opts=self._in_cluster(needs),
        )

    def _policies(self, here: k8s.core.v1.Namespace) -> list[pulumi.Resource]:
        args = self._args
        # Typed as Any: a type checker that compares such a tree with the SDK's overloads takes gigabytes for it.
        own: Any = {
            "pod_selector": {"match_labels": _ENVOYS},
            "policy_types": ["Ingress", "Egress"],
            "ingress": [
                {
                    "from": [{"namespace_selector": _named(client)} for client in args.clients],
                    "ports": [_tcp(ENVOY_PORT)],
                },
                {"from": [{"namespace_selector": _named(args.scraper)}], "ports": [_tcp(METRICS_PORT)]},
            ],
            "egress": [
                {
                    "to": [{"namespace_selector": _named(args.serving), "pod_selector": {"match_labels": _SERVERS}}],
                    "ports": [_tcp(SERVER_PORT)],
                },
                {"to": [{"namespace_selector": _named(CONTROLLERS)}], "ports": [_tcp(CONTROL_PORT)]},
            ],
        }
        outward: Any = {
            "pod_selector": {},
            "policy_types": ["Egress"],
            "egress": [{"to": [envoys()], "ports": [_tcp(ENVOY_PORT)]}],
        }
        made = [self._policy("models", NAMESPACE, own, here)]
        return [*made, *(self._policy(f"{client}-to-models", client, outward, here) for client in args.clients)]

    def _policy(self, name: str, space: str, spec: Any, here: pulumi.Resource) -> pulumi.Resource:
        return k8s.networking.v1.NetworkPolicy(
            name,
            metadata={
                "name": name.removeprefix(f"{space}-"),
                "namespace": space,
                "labels": dict(self._args.labels),
            },
            spec=spec,
            opts=self._in_cluster([here]),
        )


def controller_values(spec: GatewaySpec) -> dict[str, Any]:
    """The chart's values: Envoys in the namespace of their Gateway, and nothing that no release uses."""
    return {
        # A Service of the Gateway's own name then stands beside it, so that its address says where it is.
        "config": {
            "envoyGateway": {"provider": {"type": "Kubernetes", "kubernetes": {"deploy": {"type": "GatewayNamespace"}}}}
        },
        "deployment": {
            "replicas": spec.replicas,
            "envoyGateway": {"resources": small("50m", "128Mi", "1Gi")},
        },
        "topologyInjector": {"enabled": False},
        **({"podDisruptionBudget": {"minAvailable": 1}} if spec.replicas > 1 else {}),
    }


def envoy_proxy(spec: GatewaySpec) -> dict[str, Any]:
    """The EnvoyProxy's `spec`: how many Envoys there are, how large, and their Service's name."""
    return {
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {
                "envoyService": {"name": GATEWAY, "type": "ClusterIP"},
                "envoyDeployment": {
                    "name": GATEWAY,
                    "replicas": spec.replicas,
                    "container": {
                        "image": IMAGES["envoy"].reference,
                        "resources": resources("100m", "128Mi", memory_limit="512Mi", most_mib=1024),
                    },
                },
                "envoyPDB": {"maxUnavailable": 1},
            },
        },
    }


def gateway_spec(serving: str) -> dict[str, Any]:
    """The Gateway's `spec`: plain HTTP inside the cluster, and routes from the serving namespace only."""
    return {
        "gatewayClassName": CLASS,
        "listeners": [
            {
                "name": "http",
                "protocol": "HTTP",
                "port": PORT,
                "allowedRoutes": {
                    "namespaces": {
                        "from": "Selector",
                        "selector": {"matchLabels": {"kubernetes.io/metadata.name": serving}},
                    }
                },
            }
        ],
    }


def _monitor() -> dict[str, Any]:
    return {
        "selector": {"matchLabels": _ENVOYS},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/stats/prometheus", "interval": "15s"}],
    }


def _named(space: str) -> dict[str, Any]:
    return {"match_labels": {"kubernetes.io/metadata.name": space}}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
