"""Load balancers that a controller makes for a Service: priced when its annotations say exactly which one it will be.

Source: AWS cloud controller, `docs/service_controller.md`, and the AWS Load Balancer Controller's list of annotations (read
2026-11-30). An annotation that is not listed here may turn on what costs, so the Service has no price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node
from pricing.items.unpriced import Unpriced
from pricing.meters import meters
from pricing.meters.meters import Meter

BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"
"""What annotations of a Service begin with that tell AWS' cloud controller which load balancer to make."""
_FREE = (
    "additional-resource-tags",
    "backend-protocol",
    "connection-idle-timeout",
    "cross-zone-load-balancing-enabled",
    "healthcheck-",
    "manage-backend-security-group-rules",
    "name",
    "proxy-protocol",
    "security-groups",
    "ssl-",
    "subnets",
    "target-group-attributes",
    "target-node-labels",
)
"""Annotations that change nothing of the price; one that ends in `-` stands for all that begin with it."""
_WITHOUT = (None, "ClusterIP", "NodePort", "ExternalName")


def service(meter: Meter, node: Node) -> Iterator[CostItem]:
    """The load balancer of a Service; nothing for one that has none. Raises Unpriced."""
    kind, annotations = node.read("spec", "type"), node.read("metadata", "annotations")
    if kind in _WITHOUT:
        return iter(())
    said = annotations if isinstance(annotations, Mapping) else {}
    asked = {key: said.get(f"{BALANCER}{key}") for key in ("type", "internal")}
    of_eks = kind == "LoadBalancer" and node.read("spec", "loadBalancerClass") is None
    if annotations is UNKNOWN or not of_eks or asked != {"type": "nlb", "internal": "true"}:
        raise Unpriced(
            "a load balancer that a controller makes is not priced, unless annotations ask for an internal network load "
            "balancer: name it as an aws:lb/loadBalancer"
        )
    for annotation in said:
        what = annotation.removeprefix(BALANCER)
        if annotation.startswith(BALANCER) and what not in asked and not _free(what):
            raise Unpriced(f"the annotation {annotation} is not priced: it may change what the load balancer costs")
    return meters.load_balancer(meter, "nlb", 0)


def _free(annotation: str) -> bool:
    return any(annotation.startswith(each) if each.endswith("-") else annotation == each for each in _FREE)
