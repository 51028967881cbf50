"""Who administers the cluster, and from where the deployer comes to its API server."""

from __future__ import annotations

import enum

from pydantic import Field, model_validator

from components.kinds.addresses import INSIDE, PUBLIC, SomeBlock
from components.kinds.aws import AdminRole, SecurityGroupId
from components.kinds.words import Runner
from components.spec import Invalid, Spec


class Reach(enum.StrEnum):
    """How the deployer gets to the API server: from inside the VPC, through an SSM tunnel, or from known public addresses."""

    VPC_RUNNER = "vpcRunner"
    SSM_TUNNEL = "ssmTunnel"
    PUBLIC_CIDRS = "publicCidrs"


class AccessSpec(Spec):
    """Who administers the cluster, and from where the deployer reaches its endpoint."""

    reach: Reach = Reach.VPC_RUNNER
    """Private endpoint with a runner in the VPC or a tunnel, or a public endpoint for `allowedCidrs`."""
    allowed_cidrs: list[SomeBlock] = Field(default_factory=list)
    """IPv4 blocks that may reach the endpoint: public blocks for a public endpoint, never the whole internet; private blocks
    with `vpcRunner`."""
    allowed_security_group_ids: list[SecurityGroupId] = Field(default_factory=list)
    """With `vpcRunner`: security groups whose members may come; such a group exists before the `up` that names it."""
    tunnel_port: int = Field(default=8443, ge=1024, le=65_535)
    """Local port of the SSM tunnel to the endpoint."""
    runner_label: Runner = "ubuntu-latest"
    """Label of the CI runner that deploys this environment."""
    admin_roles: list[AdminRole] = Field(default_factory=lambda: ["modelyard-deployer"], min_length=1)
    """IAM roles of this account that administer the cluster, each by its name, after its path where it has one; the deployer's
    is one. A role of Identity Center is aws-reserved/sso.amazonaws.com/REGION/AWSReservedSSO_NAME_SUFFIX."""

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
        for place, text in enumerate(self.allowed_cidrs):
            kind = PUBLIC if public else INSIDE
            if summary := kind.problem(text):
                raise Invalid(
                    summary,
                    where=f"allowedCidrs[{place}]",
                    found=text,
                    allowed=kind.allowed,
                    fix=kind.fix(text) if kind.fix else "",
                )
        names = [role.rpartition("/")[2] for role in self.admin_roles]
        if len(set(names)) < len(names):
            raise Invalid("a role is named twice", where="adminRoles", found=", ".join(names), fix="keep one of them")
        return self

    @property
    def tunnel(self) -> int | None:
        """The local port through which the endpoint is reached, None when it is reached at its own address."""
        return self.tunnel_port if self.reach is Reach.SSM_TUNNEL else None
