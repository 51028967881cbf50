"""A network that somebody else made: named by ids, looked at in the account, never changed."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws
from pydantic import Field

from components.kinds.aws import SubnetId, VpcId
from components.spec import Spec
from core.problem import Problem, Refused

_WHERE = "network.existing"


class ExistingNetworkSpec(Spec):
    """A VPC that somebody else owns: used, checked, never changed."""

    vpc_id: VpcId
    """The VPC's id."""
    private_subnet_ids: list[SubnetId] = Field(min_length=2)
    """Subnets for nodes, in exactly the zones of `network.zones`. `doctor --cloud` looks whether they have a way out."""
    intra_subnet_ids: list[SubnetId] = Field(default_factory=list)
    """Subnets for the control plane's interfaces; the private ones when empty."""

    @property
    def control_plane_subnet_ids(self) -> list[str]:
        """Where the control plane's interfaces are."""
        return self.intra_subnet_ids or self.private_subnet_ids


def check(spec: ExistingNetworkSpec, region: str, letters: Sequence[str], parent: pulumi.Resource) -> None:
    """Asks AWS whether the VPC is there, the subnets lie in it, and the private ones in just the zones that pools buy in.

    Raises Refused, with the setting, for what cannot carry a platform.
    """
    vpc = aws.ec2.get_vpc(id=spec.vpc_id, opts=pulumi.InvokeOptions(parent=parent))
    zones = _zones(spec.private_subnet_ids, "privateSubnetIds", vpc.id, parent)
    _zones(spec.intra_subnet_ids, "intraSubnetIds", vpc.id, parent)
    wanted = {f"{region}{letter}" for letter in letters}
    if zones != wanted:
        found = sorted(zone.removeprefix(region) for zone in zones)
        raise Refused(
            Problem(
                summary="the private subnets lie in other zones than those that pools buy in",
                where="network.zones",
                found=", ".join(sorted(zones)),
                allowed=", ".join(sorted(wanted)),
                fix=f"write zones: [{', '.join(found)}], or name a subnet of each zone",
            )
        )


def _zones(subnet_ids: Sequence[str], field: str, vpc_id: str, parent: pulumi.Resource) -> set[str]:
    """The zones of subnets that a field names. Raises Refused for one of another VPC, and when all lie in one zone."""
    zones = set[str]()
    for place, subnet_id in enumerate(subnet_ids):
        found = aws.ec2.get_subnet(id=subnet_id, opts=pulumi.InvokeOptions(parent=parent))
        if found.vpc_id != vpc_id:
            raise Refused(
                Problem(
                    summary="the subnet lies in another VPC",
                    where=f"{_WHERE}.{field}[{place}]",
                    found=f"{subnet_id} in {found.vpc_id}",
                    allowed=f"subnets of {vpc_id}",
                )
            )
        zones.add(found.availability_zone)
    if len(zones) == 1:
        raise Refused(
            Problem(
                summary="the subnets lie in one zone",
                where=f"{_WHERE}.{field}",
                found=", ".join(zones),
                allowed="at least two zones",
                fix="add a subnet of another zone: EKS refuses a cluster in one",
            )
        )
    return zones
