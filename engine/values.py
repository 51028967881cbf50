"""Property values between the engine's wire format and plain Python.

What an unknown, a secret and a marked map become differs between those who read them, so the caller says it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from engine.marks import OUTPUT, SECRET, SIGNATURE, UNKNOWN, UNKNOWNS


def decode(
    properties: struct_pb2.Struct,
    *,
    secret: Callable[[Any], Any],
    unknown: Any = UNKNOWN,
    signatures: bool = True,
) -> dict[str, Any]:
    """A property map as dicts, lists and scalars; whole numbers come back as int.

    `secret` gets the decoded value of each secret and returns what stands in its place. `unknown` stands for every
    unknown value. Without `signatures` an asset or an archive is its map of path, text or uri alone. Raises what
    `secret` raises.
    """

    def value(of: struct_pb2.Value) -> Any:
        kind = of.WhichOneof("kind")
        if kind == "string_value":
            return unknown if of.string_value in UNKNOWNS else of.string_value
        if kind == "struct_value":
            return mapping(of.struct_value.fields)
        if kind == "list_value":
            return [value(item) for item in of.list_value.values]
        if kind == "bool_value":
            return of.bool_value
        if kind == "number_value":
            return int(of.number_value) if of.number_value.is_integer() else of.number_value
        return None

    def mapping(fields: Mapping[str, struct_pb2.Value]) -> Any:
        mark = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
        if mark not in (SECRET, OUTPUT):
            return {key: value(item) for key, item in fields.items() if signatures or key != SIGNATURE}
        inner = value(fields["value"]) if "value" in fields else unknown
        hidden = mark == SECRET or ("secret" in fields and fields["secret"].bool_value)
        return secret(inner) if hidden else inner

    return {key: value(item) for key, item in properties.fields.items()}


def encode(properties: Mapping[str, Any]) -> struct_pb2.Struct:
    """The property map as the engine reads it; a secret stands in it as `marked` writes one."""
    return struct_pb2.Struct(fields={str(key): _encoded(value) for key, value in properties.items()})


def marked(value: Any) -> dict[str, Any]:
    """A value as a secret, for `encode`."""
    return {SIGNATURE: SECRET, "value": value}


def is_secret(value: struct_pb2.Value) -> bool:
    """Whether the value is a secret as a whole."""
    fields = value.struct_value.fields
    return bool(SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET)


def has_unknown(value: Any) -> bool:
    """Whether anything in a decoded value is `UNKNOWN`."""
    if isinstance(value, str):
        return value == UNKNOWN
    if isinstance(value, Mapping):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return False


def _encoded(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=encode(value))
    return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_encoded(part) for part in value]))
