"""The registry's address outside the cluster: an internal Network Load Balancer of AWS that ends TLS.

EKS' own cloud controller makes it from a Service. It sends each connection to a node that runs a server and keeps the client's
address, so that the nodes' security group and the pods' network policy both see who asks. The annotations are those of
kubernetes/cloud-provider-aws (`docs/service_controller.md`, `pkg/providers/v1`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from components.kinds.addresses import Host, PrivateBlock
from components.kinds.aws import CertificateArn
from components.registry import pods
from components.spec import Spec

NAME = "registry-outside"
PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3; without a policy AWS would take one that still speaks TLS 1.0."""

_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-"


class Exposure(enum.StrEnum):
    """Who can reach the registry besides the cluster's own pods: nobody, or private networks through a load balancer."""

    NONE = "none"
    INTERNAL = "internal"


class RegistryOutsideSpec(Spec):
    """Under which name, with which certificate and from which networks the registry is reached from outside the cluster."""

    host: Host
    """Name that clients ask for, for example `registry.example.com`; its DNS record is yours to make."""
    certificate_arn: CertificateArn
    """ARN of the certificate for that name, in Certificate Manager and in the stack's region."""
    allowed_cidrs: list[PrivateBlock] = Field(min_length=1)
    """Private IPv4 blocks that clients come from; nobody else gets in."""

    @property
    def region(self) -> str:
        """The certificate's region."""
        return self.certificate_arn.split(":")[3]

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"https://{self.host}"


def asked_of_aws(spec: RegistryOutsideSpec, tags: Mapping[str, str]) -> dict[str, str]:
    """What tells the cloud controller which load balancer to make; `tags` are put on it."""
    said = {
        "type": "nlb",
        "internal": "true",
        "ssl-cert": spec.certificate_arn,
        "ssl-ports": str(PORT),
        "ssl-negotiation-policy": TLS_POLICY,
        "additional-resource-tags": ",".join(f"{key}={value}" for key, value in tags.items()),
    }
    return {f"{_ANNOTATION}{key}": value for key, value in said.items()}


def service(spec: RegistryOutsideSpec) -> dict[str, Any]:
    """The Service's `spec`."""
    return {
        "type": "LoadBalancer",
        "selector": pods.labels("server"),
        "external_traffic_policy": "Local",
        "load_balancer_source_ranges": spec.allowed_cidrs,
        "ports": [{"name": "https", "port": PORT, "target_port": "http"}],
    }
