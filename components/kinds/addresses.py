"""Blocks of addresses, addresses of servers and names of hosts, each with the rule of whoever reads it.

Sources: Amazon VPC user guide, "VPC CIDR blocks" (sizes, what cannot be a VPC's block, 172.17.0.0/16); AWS knowledge center, on
locking down the EKS API server to specific IP addresses (a block may not hold reserved addresses); Amazon EKS user guide,
"Configure network access to cluster API server endpoint" (opening only; its example lies in 203.0.113.0/24, which is kept for
examples and so is taken here); RFC 6890 for what is reserved. Read 2026-11-30.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Annotated

from components.kinds.kind import Kind

Block = ipaddress.IPv4Network


def _blocks(*texts: str) -> tuple[Block, ...]:
    return tuple(Block(text) for text in texts)


VPC_WIDEST, VPC_NARROWEST = 16, 20
"""Prefixes of a VPC: AWS takes /16 to /28; below /20 the small subnets would have fewer than 123 usable addresses."""
VPC_RANGES = _blocks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.19.0.0/16")
"""What a VPC of the platform may lie in: the private ranges, and the two others that AWS takes without a public address."""
USED_BY_AWS = Block("172.17.0.0/16")
"""AWS asks for no VPC there: some of its services and Docker use it."""
RESERVED = _blocks(
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/4",
    "240.0.0.0/4",
)
"""What no packet from the internet comes from."""
PUBLIC_WIDEST = 8
PRIVATE = _blocks("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16")
"""Where whoever reaches an internal load balancer comes from: a VPC, and networks that are peered or connected with it."""

_FOUR = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_ADDRESS = rf"{_FOUR}(/[0-9]{{1,2}})?"


def _read(text: str) -> Block | str:
    """The block of a text, or what is wrong with it."""
    if not re.fullmatch(_ADDRESS, text, re.ASCII):
        return "this is not an IPv4 block"
    if "/" not in text:
        return "an address without a prefix is no block"
    try:
        return Block(text)
    except ValueError as error:
        return "the block has host bits set" if "host bits" in str(error) else "this is not an IPv4 block"


def _listed(blocks: Iterable[Block]) -> str:
    return ", ".join(map(str, blocks))


def _mended(text: str) -> str:
    """The block that was probably meant, written out; empty when that cannot be told."""
    try:
        block = Block(text, strict=False)
    except ValueError:
        return ""
    return f"write {block}" if str(block) != text else ""


def _vpc(text: str) -> str:
    block = _read(text)
    if isinstance(block, str):
        return block
    if not VPC_WIDEST <= block.prefixlen <= VPC_NARROWEST:
        return "the VPC's block has the wrong size"
    if not any(block.subnet_of(vpc_range) for vpc_range in VPC_RANGES):
        return "a VPC cannot lie there, or its addresses are somebody else's on the internet"
    return "AWS asks for no VPC there: its own services use that block" if block.overlaps(USED_BY_AWS) else ""


def _mended_vpc(text: str) -> str:
    block = _read(text)
    if isinstance(block, Block) and not VPC_WIDEST <= block.prefixlen <= VPC_NARROWEST:
        return f"write {block.network_address}/{VPC_WIDEST}" if block.network_address.packed[2:] == b"\0\0" else ""
    return _mended(text)


def _public(text: str) -> str:
    block = _read(text)
    if isinstance(block, str):
        return block
    if block.prefixlen < PUBLIC_WIDEST:
        return "the endpoint would be open to a large part of the internet"
    return "nobody comes from there over the internet" if any(block.overlaps(network) for network in RESERVED) else ""


def _mended_public(text: str) -> str:
    block = _read(text)
    if isinstance(block, Block):
        return "name the blocks that the deployer and the administrators come from, as the internet sees them"
    return _mended(text)


def _private(text: str) -> str:
    block = _read(text)
    if isinstance(block, str):
        return block
    within = any(block.subnet_of(network) for network in PRIVATE)
    return "" if within else "passwords travel here, so it is open to private networks alone"


def _some(text: str) -> str:
    block = _read(text)
    return block if isinstance(block, str) else ""


def _inside(text: str) -> str:
    within = any(Block(text).subnet_of(network) for network in PRIVATE)
    return "" if within else "nobody comes to a private endpoint from public addresses"


def _mended_inside(_: str) -> str:
    return "name the block of the subnet that the runner is in, or say reach: publicCidrs"


VpcBlock = Annotated[
    str,
    Kind(
        what="an IPv4 block",
        allowed=f"/{VPC_WIDEST} to /{VPC_NARROWEST} within {_listed(VPC_RANGES)}, apart from {USED_BY_AWS}",
        why=_vpc,
        fix=_mended_vpc,
    ),
]
PUBLIC = Kind(
    what="an IPv4 block",
    allowed=f"a public block of /{PUBLIC_WIDEST} or smaller, for example 203.0.113.0/24 or 203.0.113.7/32",
    why=_public,
    fix=_mended_public,
)
"""What comes to a public endpoint."""
INSIDE = Kind(
    what="an IPv4 block",
    allowed=f"a block within {_listed(PRIVATE)}",
    why=_inside,
    fix=_mended_inside,
)
"""What comes to a private endpoint."""
SomeBlock = Annotated[
    str, Kind(what="an IPv4 block", allowed="for example 203.0.113.0/24 or 10.40.0.0/18", why=_some, fix=_mended)
]
"""A block of which another field says whether it has to be a public or a private one."""
PrivateBlock = Annotated[
    str,
    Kind(what="an IPv4 block", allowed=f"a block within {_listed(PRIVATE)}", why=_private, fix=_mended),
]

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_URL = r"://[!-~]+"
Host = Annotated[
    str,
    Kind(
        what="the name of a host",
        allowed="for example registry.example.com",
        pattern=rf"{_LABEL}(\.{_LABEL})+",
        longest=253,
    ),
]
HttpsUrl = Annotated[str, Kind(what="an https address", allowed="https://...", pattern=rf"https{_URL}", longest=2000)]
WebUrl = Annotated[
    str, Kind(what="a web address", allowed="https://... or http://...", pattern=rf"https?{_URL}", longest=2000)
]
Email = Annotated[
    str,
    Kind(
        what="a mail address",
        allowed="for example ml-platform@example.com",
        pattern=r"[!-?A-~]+@[!-?A-~]+\.[!-?A-~]+",
        longest=254,
    ),
]
