"""Whom a secret may be sent to: hosts that the guard file lists, over https.

A stack file may name a server, and the deployer's secrets go there. So that whoever writes stack files cannot choose who is told,
the hosts stand in the guard file (`secretHosts`). An entry is a host (`registry.example.com`), at its scheme's own port, or a
host and a port (`registry.example.com:8443`). No entry stands for more than one host. http is for this machine alone, and this
machine has to be listed as well: whoever is logged in there may listen on a port of it.

What this cannot see: where a listed host's own network leads, and what a server does with a secret once it has it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from urllib.parse import urlsplit

from core.problem import Problem

ALLOWED = "an https address of a host that the guard file lists under secretHosts"
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
_PORTS = {"https": 443, "http": 80}
_PLAIN = re.compile(r"[A-Za-z0-9._~:/?#&=%+,\[\]-]+")
"""Letters about which no two readers of addresses disagree: no backslash, no `@`, no white space."""
_ENTRY = re.compile(r"(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(:[0-9]{1,5})?")


def is_entry(text: str) -> bool:
    """Whether a text may stand under secretHosts."""
    return bool(_ENTRY.fullmatch(text))


def why_not(url: str, listed: Collection[str]) -> str:
    """Why nothing secret goes to an address; empty when it may."""
    if not _PLAIN.fullmatch(url):
        return "the address is one that programs read differently"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "this is no address"
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        return "a secret would go to this address without https"
    named = f"[{host}]" if ":" in host else host
    if f"{named}:{port}" in listed or (port == _PORTS[parts.scheme] and named in listed):
        return ""
    return "a secret would go to a host that the guard file does not list"


def problems(addresses: Iterable[tuple[str, str]], listed: Collection[str]) -> Iterator[Problem]:
    """The refusals of addresses, each given with its place in the stack file."""
    for where, url in addresses:
        if why := why_not(url, listed):
            yield Problem(summary=why, where=where, allowed=ALLOWED, fix="let a guardian add the host to secretHosts")
