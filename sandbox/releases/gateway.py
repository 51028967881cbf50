"""The address of every release, written by hand: namespaces, a class, Envoy's form on the node, and the Gateway `models`.

A stack declares the same objects; this is for what runs on the node without a stack.
"""

from __future__ import annotations

from sandbox.images.catalogue import RECIPES
from sandbox.releases import manifests as parts
from sandbox.releases.envoy_gateway import CONTROLLER
from sandbox.releases.manifests import Object

CLASS, NAMESPACE, NAME, PORT = "modelyard", "modelyard-gateway", "models", 80
SERVING = "modelyard-serving"
GATEWAY = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "Gateway",
    "metadata": {"name": NAME, "namespace": NAMESPACE},
}
"""Which Gateway it is; what is asked of it is among the objects."""


def objects() -> list[Object]:
    """All of them, in the order in which they are applied."""
    eg, api = "gateway.envoyproxy.io/v1alpha1", "gateway.networking.k8s.io/v1"
    envoy = {
        "image": RECIPES["envoy"].image.name,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "512Mi"}},
    }
    provider = {
        "type": "Kubernetes",
        "kubernetes": {
            "envoyService": {"type": "ClusterIP", "name": NAME},
            "envoyDeployment": {"name": NAME, "replicas": 1, "container": envoy},
        },
    }
    reference = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": CLASS, "namespace": NAMESPACE}
    listener = {
        "name": "http",
        "protocol": "HTTP",
        "port": PORT,
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": _label(SERVING)}}},
    }
    return [
        *(
            parts.namespace(each, **{"pod-security.kubernetes.io/enforce": "restricted"})
            for each in (NAMESPACE, SERVING)
        ),
        {
            "apiVersion": eg,
            "kind": "EnvoyProxy",
            "metadata": {"name": CLASS, "namespace": NAMESPACE},
            "spec": {"concurrency": 1, "provider": provider},
        },
        {
            "apiVersion": api,
            "kind": "GatewayClass",
            "metadata": {"name": CLASS},
            "spec": {"controllerName": CONTROLLER, "parametersRef": reference},
        },
        {**GATEWAY, "spec": {"gatewayClassName": CLASS, "listeners": [listener]}},
    ]


def _label(space: str) -> dict[str, str]:
    """The label that the server gives every namespace."""
    return {"kubernetes.io/metadata.name": space}
