"""Who may talk to the registry, and whom it may talk to; everything else is denied in its namespace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.kinds import addresses
from components.registry import pods
from components.registry.database import PORT as POSTGRES

POD_IDENTITY_AGENT = "169.254.170.23/32"
"""The link-local address on which EKS hands pods the credentials of their role."""
PRIVATE = tuple(sorted(map(str, (*addresses.PRIVATE, "169.254.0.0/16"))))
"""What is not the internet: where a database and the node's own services are."""


def registry_policies(
    clients: Sequence[str],
    scraper: str,
    outside: Sequence[str],
    labels: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """The policies: in from the clients and the scraper, out to the database, to HTTPS outside and for credentials.

    `outside` are the blocks of clients outside the cluster, whose addresses the load balancer keeps. In each client namespace
    but the registry's own a policy lets every pod out to the registry.
    """
    registry: dict[str, Any] = {"match_labels": {"app.kubernetes.io/name": pods.NAME}}
    shown = dict(labels)
    spaces = sorted({pods.NAMESPACE, *clients})
    let_in = [_space(each) for each in sorted({*spaces, scraper})]
    blocks: list[dict[str, Any]] = [{"ip_block": {"cidr": each}} for each in outside]
    # Typed as Any: a type checker that compares such a tree with the SDK's overloads takes gigabytes for it.
    spec: Any = {
        "pod_selector": registry,
        "policy_types": ["Ingress", "Egress"],
        "ingress": [{"from": [*let_in, *blocks], "ports": [_tcp(pods.PORT)]}],
        "egress": [
            {"to": [{"ip_block": {"cidr": each}} for each in PRIVATE], "ports": [_tcp(POSTGRES)]},
            # S3, and the webhooks of a registry that tells others what happens in it.
            {
                "to": [{"ip_block": {"cidr": "0.0.0.0/0", "except_": list(PRIVATE)}}],
                "ports": [_tcp(443)],
            },
            {"to": [{"ip_block": {"cidr": POD_IDENTITY_AGENT}}], "ports": [_tcp(80)]},
        ],
    }
    own = k8s.networking.v1.NetworkPolicy(
        "registry",
        metadata={"name": pods.NAME, "namespace": pods.NAMESPACE, "labels": shown},
        spec=spec,
        opts=opts,
    )
    outward: Any = {
        "pod_selector": {},
        "policy_types": ["Egress"],
        "egress": [{"to": [{**_space(pods.NAMESPACE), "pod_selector": registry}], "ports": [_tcp(pods.PORT)]}],
    }
    ways_in = [
        k8s.networking.v1.NetworkPolicy(
            f"{space}-to-registry",
            metadata={"name": "to-registry", "namespace": space, "labels": shown},
            spec=outward,
            opts=opts,
        )
        for space in spaces
    ]
    return [own, *ways_in]


def _space(name: str) -> dict[str, Any]:
    return {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
