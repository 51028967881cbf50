"""The registry's address outside the cluster: an internal Network Load Balancer of AWS that ends TLS.

EKS' own cloud controller makes it from a Service. It sends each connection to a node that runs a server and keeps the client's
address, so that the nodes' security group and the pods' network policy both see who asks. The annotations are those of
kubernetes/cloud-provider-aws (`docs/service_controller.md`, `pkg/providers/v1`).
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from components import registry_pods as pods
from components.spec import Invalid, Spec

NAME = "registry-outside"
PORT = 443
TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.2 and 1.3; without a policy AWS would take one that still speaks TLS 1.0."""
PRIVATE = tuple(
    ipaddress.IPv4Network(each) for each in ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")
)
"""Where whoever reaches an internal load balancer comes from: the VPC, and networks that are peered or connected with it."""

_ANNOTATION = "service.beta.kubernetes.io/aws-load-balancer-"


class Exposure(enum.StrEnum):
    """Who can reach the registry besides the cluster's own pods: nobody, or private networks through a load balancer."""

    NONE = "none"
    INTERNAL = "internal"


class RegistryOutsideSpec(Spec):
    """Under which name, with which certificate and from which networks the registry is reached from outside the cluster."""

    host: str = Field(max_length=253, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$")
    """Name that clients ask for, for example `registry.example.com`; its DNS record is yours to make."""
    certificate_arn: str = Field(pattern=r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate/[0-9a-f-]+$")
    """ARN of the certificate for that name, in Certificate Manager and in the stack's region."""
    allowed_cidrs: list[str] = Field(min_length=1)
    """Private IPv4 blocks that clients come from; nobody else gets in."""

    @property
    def region(self) -> str:
        """The certificate's region."""
        return self.certificate_arn.split(":")[3]

    @property
    def url(self) -> str:
        """The address for clients."""
        return f"https://{self.host}"

    @model_validator(mode="after")
    def _private(self) -> RegistryOutsideSpec:
        for place, each in enumerate(self.allowed_cidrs):
            where = f"allowedCidrs[{place}]"
            try:
                block = ipaddress.IPv4Network(each)
            except ValueError as error:
                allowed = "for example 10.20.0.0/16"
                raise Invalid("not an IPv4 block", where=where, found=each, allowed=allowed, fix=str(error)) from None
            if not any(block.subnet_of(private) for private in PRIVATE):
                raise Invalid(
                    "passwords travel here, so it is open to private networks alone",
                    where=where,
                    found=each,
                    allowed=f"a block within {', '.join(map(str, PRIVATE))}",
                    fix="name the networks that clients come from",
                )
        return self


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
