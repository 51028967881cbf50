"""Properties as the engine sends them, made plain: unknowns become `UNKNOWN` one by one, secrets are noted for redaction.

The signatures are those of Pulumi's wire format (`sdk/go/common/resource`, read at 3.259). A rule never meets a value
that raises when it is touched, which would turn a mandatory rule into an advisory.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from policies.graph import UNKNOWN

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"

UNKNOWNS = frozenset(
    (
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    )
)
"""What stands for a string, bool, number, list, asset, archive or map that only deployment will tell."""

SHORTEST_SECRET = 4
"""Secrets of fewer characters are not searched for in messages: they would blank out ordinary words."""


def plain(struct: struct_pb2.Struct, secrets: set[str]) -> dict[str, Any]:
    """A resource's properties as dicts, lists and scalars; texts inside secrets are added to `secrets`.

    Whole numbers come back as int. A property that is an asset or an archive is its map of path, text or uri.
    """
    return {key: _value(value, secrets) for key, value in struct.fields.items()}


def _value(value: struct_pb2.Value, secrets: set[str]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in UNKNOWNS else value.string_value
    if kind == "struct_value":
        return _map(value.struct_value.fields, secrets)
    if kind == "list_value":
        return [_value(item, secrets) for item in value.list_value.values]
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    return None


def _map(fields: Mapping[str, struct_pb2.Value], secrets: set[str]) -> Any:
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature not in (SECRET, OUTPUT):
        return {key: _value(item, secrets) for key, item in fields.items() if key != SIGNATURE}
    if "value" not in fields:
        return UNKNOWN
    inner = _value(fields["value"], secrets)
    if signature == SECRET or ("secret" in fields and fields["secret"].bool_value):
        secrets.update(_texts(inner))
    return inner


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
