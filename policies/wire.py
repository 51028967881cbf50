"""Properties as a rule may read them: unknowns become `UNKNOWN` one by one, secrets are noted for redaction.

A rule never meets a value that raises when it is touched, which would turn a mandatory rule into an advisory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from engine.values import decode
from policies.graph import UNKNOWN

SHORTEST_SECRET = 4
"""Secrets of fewer characters are not searched for in messages: they would blank out ordinary words."""


def plain(struct: struct_pb2.Struct, secrets: set[str]) -> dict[str, Any]:
    """A resource's properties as dicts, lists and scalars; texts inside secrets are added to `secrets`.

    A property that is an asset or an archive is its map of path, text or uri.
    """

    def noted(value: Any) -> Any:
        secrets.update(_texts(value))
        return value

    return decode(struct, secret=noted, unknown=UNKNOWN, signatures=False)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
        yield from (line for line in value.splitlines() if line != value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def redact(text: str, secrets: Collection[str]) -> str:
    """`text` with every secret's text blanked out, longest first."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "[secret]")
    return text
