"""Sets of networks by arithmetic: how much of the internet blocks let in together, however they are cut."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST_IPV4 = 8
LARGEST_IPV6 = 20
"""Prefix lengths of the largest blocks that are still somebody's, not everybody's."""
BOUND = {4: 2 ** (32 - LARGEST_IPV4), 6: 2 ** (128 - LARGEST_IPV6)}
"""How many public addresses of a version a set may hold: as many as one largest block has."""
ALLOWED = f"no more public addresses, all together, than an IPv4 /{LARGEST_IPV4} or an IPv6 /{LARGEST_IPV6} has"
_PRIVATE: dict[int, tuple[Network, ...]] = {
    4: tuple(
        map(
            ipaddress.IPv4Network,
            ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        )
    ),
    6: tuple(map(ipaddress.IPv6Network, ("fc00::/7", "fe80::/10"))),
}
"""Blocks that no router of the internet forwards: RFC 1918, 6598, 1122 and 3927; RFC 4193 and 4291."""


class TooOpenError(ValueError):
    """The blocks take in a large part of the internet, or one of them is no block."""


def block(text: str) -> Network:
    """A CIDR block. Raises TooOpenError when the text is none."""
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise TooOpenError(text) from None


def public(networks: Iterable[Network], version: int) -> int:
    """How many public addresses of a version the networks hold together, each counted once."""
    alike = [each for each in networks if each.version == version]
    # The two versions never meet here, which the types of `ipaddress` cannot say.
    merged: list[Network] = list(ipaddress.collapse_addresses(alike))  # type: ignore[type-var]
    total = 0
    for network in merged:
        if not any(_inside(network, private) for private in _PRIVATE[version]):
            own = sum(private.num_addresses for private in _PRIVATE[version] if _inside(private, network))
            total += network.num_addresses - own
    return total


def _inside(inner: Network, outer: Network) -> bool:
    return (
        outer.prefixlen <= inner.prefixlen
        and outer.network_address == inner.supernet(new_prefix=outer.prefixlen).network_address
    )


def admitted(texts: Sequence[str], before: Iterable[Network] = (), excepted: Sequence[str] = ()) -> list[Network]:
    """The networks of `texts` and `before` together, less those excepted. Raises TooOpenError when they are most people's."""
    networks = [block(text) for text in texts]
    for away in map(block, excepted):
        networks = [left for network in networks for left in _without(network, away)]
    together = [*before, *networks]
    if any(public(together, version) > bound for version, bound in BOUND.items()):
        raise TooOpenError(", ".join(texts))
    return together


def _without(network: Network, away: Network) -> list[Network]:
    if network.version != away.version or not network.overlaps(away):
        return [network]
    if _inside(network, away):
        return []
    return list(network.address_exclude(away))  # type: ignore[arg-type]


def open_to_everybody(text: str) -> bool:
    """Whether one block takes in a large part of the internet; a text that is no block counts as open."""
    try:
        admitted([text])
    except TooOpenError:
        return True
    return False
