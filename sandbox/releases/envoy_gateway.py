"""Envoy Gateway, as the chart `gateway-helm` installs it: certificates, configuration, rights and the controller.

Read against the chart's templates in the controller's own module (v1.9.1, 2026-11-30). The topology injector, a webhook that
tells Envoy its zone, is left out: the node has one zone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from sandbox.images.catalogue import RECIPES
from sandbox.releases import manifests as parts
from sandbox.releases.manifests import LOOK, Object, may

NAMESPACE, NAME, CERTGEN = "envoy-gateway-system", "envoy-gateway", "envoy-gateway-certgen"
CONTROLLER = "gateway.envoyproxy.io/gatewayclass-controller"
_LABELS = {"control-plane": NAME}
_EG, _API = "gateway.envoyproxy.io", "gateway.networking.k8s.io"
_EG_KINDS = (
    "envoyproxies envoypatchpolicies clienttrafficpolicies backendtrafficpolicies securitypolicies"
    " envoyextensionpolicies backends"
)
_ROUTES = "gateways listenersets grpcroutes httproutes tcproutes tlsroutes udproutes backendtlspolicies"
_OWNED = (*LOOK, "create", "patch", "delete", "deletecollection")
_READ = [
    may("core", "nodes namespaces configmaps secrets services", *LOOK),
    may("apps", "deployments daemonsets", *LOOK),
    may("discovery.k8s.io", "endpointslices", *LOOK),
    may(_EG, f"{_EG_KINDS} httproutefilters", *LOOK),
    may(_EG, " ".join(f"{each}/status" for each in _EG_KINDS.split()), "update"),
    may(_API, f"{_ROUTES} referencegrants", *LOOK),
    may(_API, " ".join(f"{each}/status" for each in _ROUTES.split()), "update"),
    may(_API, "gatewayclasses", *LOOK, "patch", "update"),
    may(_API, "gatewayclasses/status", "update"),
]
_INFRASTRUCTURE = [
    may("core", "serviceaccounts services configmaps", *_OWNED),
    may("apps", "deployments daemonsets", *_OWNED),
    may("autoscaling", "horizontalpodautoscalers", *_OWNED),
    may("policy", "poddisruptionbudgets", *_OWNED),
    may("certificates.k8s.io", "clustertrustbundles", *LOOK),
    may("authentication.k8s.io", "tokenreviews", "create"),
]
_ELECTION = [
    may("core", "configmaps", *_OWNED, "update"),
    may("coordination.k8s.io", "leases", *_OWNED, "update"),
    may("core", "events", "create", "patch"),
]


def certificates() -> list[Object]:
    """What is there before the controller: its namespace, and the Job that writes the certificates into it."""
    image = RECIPES[NAME].image.name
    generator = parts.container(CERTGEN, image, ["certgen", "--disable-topology-injector"])
    generator["env"] = _env()
    pod = {**parts.pod(CERTGEN, [generator], {}), "restartPolicy": "OnFailure"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": CERTGEN, "namespace": NAMESPACE},
        "spec": {"backoffLimit": 5, "template": {"metadata": {"labels": {"app": CERTGEN}}, "spec": pod}},
    }
    return [
        parts.namespace(NAMESPACE),
        parts.account(NAMESPACE, CERTGEN),
        *parts.rights(NAMESPACE, CERTGEN, [may("core", "secrets", "get", "create", "update")], within=NAMESPACE),
        job,
    ]


def objects(values: Mapping[str, Any]) -> list[Object]:
    """The controller, everything but CRDs and certificates.

    Of a release's values, `config.envoyGateway` and `deployment.envoyGateway.resources` apply. Envoy runs in the namespace of
    its Gateway unless the values say otherwise.
    """
    resources = _in(values, "deployment", "envoyGateway").get("resources")
    config = yaml.safe_dump(configuration(_in(values, "config", "envoyGateway")), sort_keys=False)
    container = parts.container(
        NAME,
        RECIPES[NAME].image.name,
        ["server", "--config-path=/config/envoy-gateway.yaml"],
        env=_env(),
        ports=[{"name": name, "containerPort": port} for name, port in _PORTS.items()],
        readinessProbe={"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1},
        livenessProbe={"httpGet": {"path": "/healthz", "port": 8081}, "initialDelaySeconds": 30},
        resources=resources or {"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        volumeMounts=parts.mounts(config="/config", certs="/certs", wasm="/var/lib/eg/wasm"),
    )
    volumes: dict[str, Object] = {
        "config": {"configMap": {"name": "envoy-gateway-config"}},
        "certs": {"secret": {"secretName": NAME}},
        "wasm": {"emptyDir": {}},
    }
    digest = hashlib.sha256(config.encode()).hexdigest()
    return [
        parts.account(NAMESPACE, NAME),
        *parts.rights(NAMESPACE, NAME, [*_READ, *_INFRASTRUCTURE]),
        *parts.rights(NAMESPACE, NAME, _ELECTION, within=NAMESPACE),
        parts.config(NAMESPACE, "envoy-gateway-config", {"envoy-gateway.yaml": config}),
        parts.service(NAMESPACE, NAME, _LABELS, _PORTS),
        parts.deployment(NAMESPACE, NAME, _LABELS, parts.pod(NAME, [container], volumes), digest=digest),
    ]


_PORTS = {"grpc": 18000, "ratelimit": 18001, "wasm": 18002, "metrics": 19001}


def configuration(declared: Mapping[str, Any]) -> Object:
    """What the controller reads: a release's own configuration over the one that fits the node."""
    own: Object = {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": CONTROLLER},
        "provider": {
            "type": "Kubernetes",
            "kubernetes": {
                "deploy": {"type": "GatewayNamespace"},
                "shutdownManager": {"image": RECIPES[NAME].image.name},
            },
        },
        "logging": {"level": {"default": "info"}},
    }
    return _merged(own, declared)


def _env() -> list[Object]:
    space = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    return [
        {"name": "ENVOY_GATEWAY_NAMESPACE", "valueFrom": space},
        {"name": "KUBERNETES_CLUSTER_DOMAIN", "value": "cluster.local"},
    ]


def _in(values: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        values = values.get(key) or {}
    return values


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    found = dict(below)
    for key, value in above.items():
        held = found.get(key)
        found[key] = _merged(held, value) if isinstance(held, Mapping) and isinstance(value, Mapping) else value
    return found
