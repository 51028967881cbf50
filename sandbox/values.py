"""How property values look between the engine's wire format and a simulated cloud: unknowns, secrets and differences.

The engine marks secrets and unknowns with signatures inside ordinary values. A cloud sees plain Python instead: an
unknown is the string `UNKNOWN`, a secret string is a `Secret` that refuses to be printed, and the reply gets the
signatures back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2  # type: ignore[import-untyped]

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the wire format's constant, not a password)
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
    return {key: _plain(value, False) for key, value in properties.fields.items()}


def secret_keys(properties: struct_pb2.Struct) -> set[str]:
    """The top-level properties that are secret as a whole, or hold a secret that is no string and so no `Secret`."""
    return {key for key, value in properties.fields.items() if _is_secret(value) or _hides(value)}


def _is_secret(value: struct_pb2.Value) -> bool:
    fields = value.struct_value.fields
    return bool(SIGNATURE in fields and fields[SIGNATURE].string_value == SECRET)


def _hides(value: struct_pb2.Value) -> bool:
    parts = [*value.struct_value.fields.values(), *value.list_value.values]
    if _is_secret(value):
        return bool(value.struct_value.fields["value"].WhichOneof("kind") != "string_value")
    return any(map(_hides, parts))


def to_wire(properties: Mapping[str, Any], secret: Collection[str] = ()) -> struct_pb2.Struct:
    """The property map as the engine reads it; `Secret` strings and the `secret` keys are marked as secrets."""
    return struct_pb2.Struct(
        fields={
            key: _marked(_wire(value, bare=True)) if key in secret else _wire(value)
            for key, value in properties.items()
        }
    )


def has_unknown(value: Any) -> bool:
    """Whether anything in `value` is not known yet."""
    if isinstance(value, str):
        return value == UNKNOWN
    if isinstance(value, Mapping):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return False


def differences(olds: Any, news: Any, path: str = "") -> Iterator[str]:
    """Property paths (`vpcConfig.subnetIds[0]`) at which two values differ; an unknown differs from everything."""
    if isinstance(olds, Mapping) and isinstance(news, Mapping):
        for key in {**olds, **news}:
            yield from differences(olds.get(key), news.get(key), _join(path, str(key)))
    elif isinstance(olds, list) and isinstance(news, list):
        for index in range(max(len(olds), len(news))):
            old = olds[index] if index < len(olds) else None
            new = news[index] if index < len(news) else None
            yield from differences(old, new, f"{path}[{index}]")
    elif type(olds) is bool or type(news) is bool:
        if olds is not news:
            yield path
    elif olds != news or news == UNKNOWN:
        yield path


def at(value: Any, path: str) -> Any:
    """What stands at a path of `differences`; None when nothing does."""
    for step in steps(path):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def steps(path: str) -> list[str | int]:
    """The keys and indexes of a path, the quoted form `tags["a.b"]` included."""
    found: list[str | int] = []
    rest = path
    while rest:
        if rest.startswith('["'):
            end = rest.index('"]')
            found.append(rest[2:end].replace('\\"', '"'))
            rest = rest[end + 2 :]
        elif rest.startswith("["):
            end = rest.index("]")
            found.append(int(rest[1:end]))
            rest = rest[end + 1 :]
        else:
            rest = rest.removeprefix(".")
            end = min((spot for spot in (rest.find("."), rest.find("[")) if spot >= 0), default=len(rest))
            found.append(rest[:end])
            rest = rest[end:]
    return found


def _join(path: str, key: str) -> str:
    if not key or any(mark in key for mark in '.[]"'):
        quoted = key.replace('"', '\\"')
        return f'{path}["{quoted}"]'
    return f"{path}.{key}" if path else key


def _plain(value: struct_pb2.Value, secret: bool) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text = value.string_value
        return Secret(text) if secret and text != UNKNOWN else text
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) < 2**53 else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_plain(part, secret) for part in value.list_value.values]
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _is_secret(value):
            return _plain(fields["value"], True)
        return {key: _plain(part, secret) for key, part in fields.items()}
    return None


def _wire(value: Any, bare: bool = False) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, Secret):
        clear = struct_pb2.Value(string_value=value.reveal())
        return clear if bare else _marked(clear)
    if isinstance(value, str):
        return struct_pb2.Value(string_value=value)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=value)
    if isinstance(value, Mapping):
        fields = {str(key): _wire(part, bare) for key, part in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_wire(part, bare) for part in value]))


def _marked(value: struct_pb2.Value) -> struct_pb2.Value:
    fields = {SIGNATURE: struct_pb2.Value(string_value=SECRET), "value": value}
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
