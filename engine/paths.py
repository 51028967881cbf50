"""Property paths as the engine writes them (`vpcConfig.subnetIds[0]`), and the paths at which two values differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.marks import UNKNOWN


def differences(olds: Any, news: Any, path: str = "", *, quoted: bool = False) -> Iterator[str]:
    """The paths at which two decoded values differ; an unknown differs from everything.

    `quoted` writes every key below the first in its quoted form, `tags["team"]`; without it only the keys that need it.
    """
    if isinstance(olds, Mapping) and isinstance(news, Mapping):
        for key in {**olds, **news}:
            yield from differences(olds.get(key), news.get(key), _join(path, str(key), quoted), quoted=quoted)
    elif isinstance(olds, list) and isinstance(news, list):
        for index in range(max(len(olds), len(news))):
            old, new = (each[index] if index < len(each) else None for each in (olds, news))
            yield from differences(old, new, f"{path}[{index}]", quoted=quoted)
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


def _join(path: str, key: str, quoted: bool) -> str:
    if not path and quoted:
        return key
    if quoted or not key or any(mark in key for mark in '.[]"'):
        escaped = key.replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key
