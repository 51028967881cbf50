"""Who administers the cluster, and from where the deployer comes to its API server."""

from __future__ import annotations

import enum
import ipaddress
import re

from pydantic import Field, model_validator

from components.spec import Invalid, Spec

_SECURITY_GROUP = re.compile(r"sg-[0-9a-f]{8,17}")
_ROLE = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
"""An IAM role's name, as the IAM API takes it."""
PRIVATE = tuple(map(ipaddress.IPv4Network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16")))
"""Blocks that a VPC and what is peered with it may have (VPC user guide, VPC CIDR blocks)."""


class Reach(enum.StrEnum):
    """How the deployer gets to the API server: from inside the VPC, through an SSM tunnel, or from known public addresses."""

    VPC_RUNNER = "vpcRunner"
    SSM_TUNNEL = "ssmTunnel"
    PUBLIC_CIDRS = "publicCidrs"


class AccessSpec(Spec):
    """Who administers the cluster, and from where the deployer reaches its endpoint."""

    reach: Reach = Reach.VPC_RUNNER
    """Private endpoint with a runner in the VPC or a tunnel, or a public endpoint for `allowedCidrs`."""
    allowed_cidrs: list[str] = Field(default_factory=list)
    """IPv4 blocks that may come to the endpoint: of a public one, never the whole internet; with `vpcRunner`, private ones."""
    allowed_security_group_ids: list[str] = Field(default_factory=list)
    """With `vpcRunner`: security groups whose members may come; such a group exists before the `up` that names it."""
    tunnel_port: int = Field(default=8443, ge=1024, le=65_535)
    """Local port on which the SSM tunnel to the endpoint stands; nothing else uses it."""
    runner_label: str = "ubuntu-latest"
    """Label of the CI runner that deploys this environment."""
    admin_roles: list[str] = Field(default_factory=lambda: ["modelyard-deployer"], min_length=1)
    """Names of IAM roles of this account that administer the cluster; the deployer's is one."""

    @model_validator(mode="after")
    def _agrees(self) -> AccessSpec:
        public = self.reach is Reach.PUBLIC_CIDRS
        if public and not self.allowed_cidrs:
            raise Invalid(
                "a public endpoint that names nobody",
                where="allowedCidrs",
                found="[]",
                allowed="at least one IPv4 block",
                fix="name the blocks that the deployer and the administrators come from",
            )
        if self.reach is Reach.SSM_TUNNEL and self.allowed_cidrs:
            raise Invalid(
                "a tunnel ends in a node, which the cluster knows: nobody else has to be let in",
                where="allowedCidrs",
                found=", ".join(self.allowed_cidrs),
                allowed="[] with reach ssmTunnel",
            )
        if self.reach is not Reach.VPC_RUNNER and self.allowed_security_group_ids:
            raise Invalid(
                "security groups are of a VPC: they let nobody in from elsewhere",
                where="allowedSecurityGroupIds",
                found=", ".join(self.allowed_security_group_ids),
                allowed="[] unless reach is vpcRunner",
            )
        for field, named in (
            ("allowedCidrs", self.allowed_cidrs),
            ("allowedSecurityGroupIds", self.allowed_security_group_ids),
        ):
            if len(set(named)) != len(named):
                raise Invalid("named twice", where=field, found=", ".join(named), fix="name each once")
        for place, text in enumerate(self.allowed_security_group_ids):
            if not _SECURITY_GROUP.fullmatch(text):
                raise Invalid(
                    "not the id of a security group",
                    where=f"allowedSecurityGroupIds[{place}]",
                    found=text,
                    allowed="for example sg-0123456789abcdef0",
                )
        for place, text in enumerate(self.admin_roles):
            if not _ROLE.fullmatch(text):
                raise Invalid(
                    "an administrator is named by the role's name, not by its ARN or path",
                    where=f"adminRoles[{place}]",
                    found=text,
                    allowed="up to 64 letters, digits and +=,.@_-",
                    fix=f"write {text.rpartition('/')[2]}" if _ROLE.fullmatch(text.rpartition("/")[2]) else "",
                )
        for place, text in enumerate(self.allowed_cidrs):
            try:
                block = ipaddress.IPv4Network(text)
            except ValueError as error:
                raise Invalid("not an IPv4 block", where=f"allowedCidrs[{place}]", found=text, fix=str(error)) from None
            if block.prefixlen < 8:
                raise Invalid(
                    "the endpoint would be open to a large part of the internet",
                    where=f"allowedCidrs[{place}]",
                    found=text,
                    allowed="/8 or smaller",
                    fix="name the blocks that the deployer and the administrators come from",
                )
            if not public and not any(block.subnet_of(each) for each in PRIVATE):
                raise Invalid(
                    "nobody comes to a private endpoint from public addresses",
                    where=f"allowedCidrs[{place}]",
                    found=text,
                    allowed=f"a block within {', '.join(map(str, PRIVATE))}",
                    fix="name the block of the subnet that the runner stands in, or say reach: publicCidrs",
                )
        return self

    @property
    def tunnel(self) -> int | None:
        """The local port through which the endpoint is reached, None when it is reached at its own address."""
        return self.tunnel_port if self.reach is Reach.SSM_TUNNEL else None
