"""What the kinds around a model's release may cost: pods with volumes of their own, and load balancers before a Gateway.

What the platform declares of them costs nothing by itself: it runs on nodes that are counted where they are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.neighbours import only
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import Meter
from pricing.meters.storage.claims import Declared

ENVOY_PROXY = "kubernetes:gateway.envoyproxy.io/v1alpha1:EnvoyProxy"
GATEWAY = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
GATEWAY_CLASS = "kubernetes:gateway.networking.k8s.io/v1:GatewayClass"
ROLLOUT = "kubernetes:argoproj.io/v1alpha1:Rollout"
_ENVOY = "gateway.envoyproxy.io/gatewayclass-controller"
"""The name that Envoy Gateway's controller goes by (its documentation, GatewayClass)."""


def rollout(_: Declared, __: Meter, node: Node) -> Iterator[CostItem]:
    """Nothing for pods on nodes that are there. Raises Unpriced for pods that bring volumes, or that are not known."""
    volumes = node.read("spec", "template", "spec", "volumes")
    if volumes is not None and not isinstance(volumes, tuple):
        raise Unpriced("the volumes of its pods are not known")
    for volume in volumes or ():
        if not isinstance(volume, Mapping) or volume.get("ephemeral") is not None:
            raise Unpriced(
                "how many pods with volumes of their own a Rollout makes while it changes is not in the stack"
            )
    return iter(())


def envoy_proxy(_: Declared, __: Meter, node: Node) -> Iterator[CostItem]:
    """Nothing for Envoys behind an address inside the cluster. Raises Unpriced for any other: it is a load balancer."""
    if _inside(node):
        return iter(())
    raise Unpriced("Envoy Gateway makes a load balancer for it, unless envoyService.type is ClusterIP or NodePort")


def gateway(around: Declared, _: Meter, node: Node) -> Iterator[CostItem]:
    """Nothing where its class leads to Envoys that are inside. Raises Unpriced for any other: it may be a load balancer."""
    kind = only(each for each in around.of_type(GATEWAY_CLASS) if _may_be(each.read("metadata", "name"), node))
    proxy = only(each for each in around.of_type(ENVOY_PROXY) if kind is not None and _named(each) == _envoys(kind))
    if proxy is not None and _inside(proxy) and node.read("spec", "infrastructure") is None:
        return iter(())
    raise Unpriced(
        "a controller makes a load balancer for it, and its class names no EnvoyProxy of the stack that is inside"
    )


def _may_be(name: Value, gateway: Node) -> bool:
    """Whether a class is the one that a Gateway names, as far as anybody knows."""
    return name in (gateway.read("spec", "gatewayClassName"), UNKNOWN)


def _named(proxy: Node) -> tuple[Value, Value]:
    return proxy.read("metadata", "namespace"), proxy.read("metadata", "name")


def _envoys(kind: Node) -> tuple[Value, Value] | None:
    """Namespace and name of the EnvoyProxy that a class of Envoy Gateway names."""
    said = kind.read("spec", "parametersRef")
    if kind.read("spec", "controllerName") != _ENVOY or not isinstance(said, Mapping):
        return None
    return (said.get("namespace"), said.get("name")) if said.get("kind") == "EnvoyProxy" else None


def _inside(node: Node) -> bool:
    return node.read("spec", "provider", "kubernetes", "envoyService", "type") in ("ClusterIP", "NodePort")
