"""How property values look to a simulated cloud: a secret text is a `Secret` that refuses to be printed.

The reply to the engine gets the marks of secrets back.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from engine.marks import UNKNOWN
from engine.values import decode, encode, is_secret, marked

HIDDEN = "[secret]"


class Secret(str):
    """A string that is a secret: equal to its value, hidden when printed or formatted; `reveal()` gives the value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return HIDDEN

    def __str__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return HIDDEN

    def reveal(self) -> str:
        """The value itself, as an ordinary string."""
        return "".join(self)


def from_wire(properties: struct_pb2.Struct) -> dict[str, Any]:
    """Plain Python of a property map; whole numbers become int, strings under a secret become `Secret`."""
    return decode(properties, secret=_hidden)


def secret_keys(properties: struct_pb2.Struct) -> set[str]:
    """The top-level properties that are secret as a whole, or hold a secret that is no string and so no `Secret`."""
    return {key for key, value in properties.fields.items() if is_secret(value) or _hides(value)}


def to_wire(properties: Mapping[str, Any], secret: Collection[str] = ()) -> struct_pb2.Struct:
    """The property map as the engine reads it; `Secret` strings and the `secret` keys are marked as secrets."""
    return encode(
        {key: marked(_clear(value)) if key in secret else _marked(value) for key, value in properties.items()}
    )


def _hidden(value: Any) -> Any:
    if isinstance(value, str):
        return value if value == UNKNOWN else Secret(value)
    if isinstance(value, Mapping):
        return {key: _hidden(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_hidden(part) for part in value]
    return value


def _hides(value: struct_pb2.Value) -> bool:
    parts = [*value.struct_value.fields.values(), *value.list_value.values]
    if is_secret(value):
        return bool(value.struct_value.fields["value"].WhichOneof("kind") != "string_value")
    return any(map(_hides, parts))


def _clear(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: _clear(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clear(part) for part in value]
    return value


def _marked(value: Any) -> Any:
    if isinstance(value, Secret):
        return marked(value.reveal())
    if isinstance(value, Mapping):
        return {key: _marked(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(part) for part in value]
    return value
