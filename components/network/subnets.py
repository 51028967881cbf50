"""Where every subnet lies, planned without a cloud, so that it can be tested by properties and shown before an `up`.

The VPC is cut once, for as many zones as there may ever be: three quarters for private subnets, the last quarter for
public and intra ones. A zone's place depends on its letter's position alone, so adding a zone moves nothing.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from components.kinds.addresses import VPC_NARROWEST, VPC_WIDEST

MAX_ZONES = 3


class Tier(enum.StrEnum):
    """What a subnet is for: `public` routes to the internet, `private` out through NAT, `intra` nowhere."""

    PUBLIC = "public"
    PRIVATE = "private"
    INTRA = "intra"


@dataclass(frozen=True, kw_only=True)
class Subnet:
    """One planned subnet: `zone` is a letter within the region, `cidr` an IPv4 block inside the VPC."""

    tier: Tier
    zone: str
    cidr: str


def plan_subnets(cidr: str, zones: Sequence[str]) -> tuple[Subnet, ...]:
    """Three subnets for each zone, none overlapping, all inside `cidr`, unmoved when a zone is added at the end.

    Raises ValueError for a block that is not /16 to /20 or for more zones than there are places.
    """
    block = ipaddress.IPv4Network(cidr)
    if not VPC_WIDEST <= block.prefixlen <= VPC_NARROWEST:
        raise ValueError(f"/{block.prefixlen} is not between /{VPC_WIDEST} and /{VPC_NARROWEST}")
    if not 1 <= len(zones) <= MAX_ZONES:
        raise ValueError(f"{len(zones)} zones, where 1 to {MAX_ZONES} have a place")
    *quarters, rest = block.subnets(prefixlen_diff=2)
    eighths = list(rest.subnets(prefixlen_diff=3))
    blocks = {Tier.PRIVATE: quarters, Tier.PUBLIC: eighths[:4], Tier.INTRA: eighths[4:]}
    return tuple(
        Subnet(tier=tier, zone=zone, cidr=str(blocks[tier][place])) for tier in Tier for place, zone in enumerate(zones)
    )
