"""Property maps between the engine's wire format and plain Python: an unknown is `UNKNOWN`, whole numbers are int."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the wire format's mark of a secret)


class SecretGiven(ValueError):
    """A property holds a secret itself, where only the name of one may stand."""


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """A property map without what says nothing. Raises SecretGiven: no property of a registry item may hold a secret."""
    return {key: found for key, value in properties.fields.items() if says(found := _plain(value))}


def says(value: Any) -> bool:
    """Whether a property says anything: nothing, an empty text, list or map are all the same as leaving it out."""
    return value is not None and value not in ("", [], {})


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The property map as the engine reads it."""
    made = struct_pb2.Struct()
    made.update({key: value for key, value in values.items() if says(value)})
    return made


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """The paths at which two values differ, in the engine's notation; an unknown differs from everything."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in {**old, **new}:
            yield from differences(old.get(key), new.get(key), f'{path}["{key}"]' if path else str(key))
    elif isinstance(old, list) and isinstance(new, list):
        for place in range(max(len(old), len(new))):
            before, after = (each[place] if place < len(each) else None for each in (old, new))
            yield from differences(before, after, f"{path}[{place}]")
    elif type(old) is bool or type(new) is bool:
        if old is not new:
            yield path
    elif old != new or new == UNKNOWN:
        yield path


def _plain(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    if kind == "number_value":
        return int(value.number_value) if value.number_value.is_integer() else value.number_value
    if kind == "list_value":
        return [_plain(item) for item in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
            raise SecretGiven("a secret stands here itself; name it instead: config:NAME, env:NAME or awssm:ID#KEY")
        return {key: _plain(item) for key, item in fields.items()}
    return None
