"""An account that can carry the stack of these tests, and that stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from core.versions import ADDONS
from infra.stack.stack import Stack
from ops.doctor import checks as health
from ops.doctor.account import Unanswered, Zone

TYPES = ("m7g.large", "m7g.xlarge", "g6.xlarge", "g6.2xlarge")
ARN = "arn:aws:sts::000000000000:assumed-role/modelyard-deployer/ci"
G_SPOT, G_ON_DEMAND, STANDARD = "L-3819A6DF", "L-DB2E81BA", "L-1216C47A"


def stack(**changes: Any) -> Stack:
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 9000},
        "cluster": {"access": {"reach": "publicCidrs", "allowedCidrs": ["203.0.113.0/24"]}},
        "generalPool": {"instanceTypes": ["m7g.large", "m7g.xlarge"], "limits": {"vcpus": 16}},
        "gpuPools": {
            "chat": {
                "purpose": "serving",
                "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
                "limits": {"gpus": 3},
                "onDemandFallback": {"gpus": 1},
            }
        },
    }
    return Stack.of({**platform, **changes}, "us-east-1")


@dataclass
class Healthy:
    """An account in which nothing is missing; a test takes away one thing."""

    arn: str = ARN
    opt_in: str = "opt-in-not-required"
    ids: dict[str, str] = field(default_factory=lambda: {"us-east-1a": "use1-az1", "us-east-1b": "use1-az2"})
    offers: set[tuple[str, str]] = field(
        default_factory=lambda: {(name, zone) for name in TYPES for zone in ("us-east-1a", "us-east-1b")}
    )
    quotas: dict[str, int] = field(default_factory=dict)
    roles: set[str] = field(default_factory=lambda: {"modelyard-deployer", health.SPOT_ROLE})
    ips: list[dict[str, str]] = field(default_factory=list)
    key_state: str = "Enabled"
    pays: str = "000000000000"
    gone: set[str] = field(default_factory=set)
    denied: str = ""

    def caller(self) -> tuple[str, str]:
        if self.denied == "caller":
            raise Unanswered("Unable to locate credentials", "`aws sso login`")
        return "000000000000", self.arn

    def region(self, name: str) -> str:
        return self.opt_in

    def zones(self) -> list[Zone]:
        return [Zone(name=name, id=id, open=True) for name, id in self.ids.items()]

    def offered(self, types: list[str]) -> set[tuple[str, str]]:
        return self.offers

    def quota(self, code: str) -> int:
        if self.denied == "quota":
            raise Unanswered("AccessDenied: no", "allow servicequotas:GetServiceQuota to the caller")
        return self.quotas.get(code, 5 if code == health.ADDRESS_QUOTA else 1000)

    def role(self, name: str) -> bool:
        return name in self.roles

    def addon_versions(self, addon: str, kubernetes: str) -> set[str]:
        pinned = {each.name: each.version for each in ADDONS[kubernetes]}
        return {"v0.0.1-eksbuild.1"} | ({pinned[addon]} - self.gone)

    def payer(self) -> str:
        if self.denied == "payer":
            raise Unanswered("AccessDeniedException: no", "allow organizations:DescribeOrganization to the caller")
        return self.pays

    def addresses(self) -> list[dict[str, str]]:
        return self.ips

    def key(self, id: str) -> str:
        return self.key_state

    def endpoint(self, cluster: str) -> str:
        return "https://127.0.0.1:1"

    def network(self, vpc: str) -> dict[str, Any]:
        raise AssertionError(f"{vpc} is not a VPC of this account")

    def cluster(self, name: str) -> dict[str, Any]:
        raise AssertionError(f"{name} is not a cluster of this account")
