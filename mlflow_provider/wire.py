"""Property maps of registry items between the engine's wire format and plain Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

from engine import paths
from engine.values import decode, encode


class SecretGiven(ValueError):
    """A property holds a secret itself, where only the name of one may stand."""


def plain(properties: struct_pb2.Struct) -> dict[str, Any]:
    """A property map without what says nothing. Raises SecretGiven: no property of a registry item may hold a secret."""
    return {key: value for key, value in decode(properties, secret=_refused).items() if says(value)}


def says(value: Any) -> bool:
    """Whether a property says anything: nothing, an empty text, list or map are all the same as leaving it out."""
    return value is not None and value not in ("", [], {})


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """The property map as the engine reads it, without what says nothing."""
    return encode({key: value for key, value in values.items() if says(value)})


def differences(old: Any, new: Any) -> Iterator[str]:
    """The paths at which two values differ, every key below the first quoted; an unknown differs from everything."""
    return paths.differences(old, new, quoted=True)


def _refused(_secret: Any) -> NoReturn:
    raise SecretGiven("a secret stands here itself; name it instead: config:NAME, env:NAME or awssm:ID#KEY")
