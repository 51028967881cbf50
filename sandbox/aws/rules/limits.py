"""Values that AWS takes for single properties: enumerations, ranges, name patterns, and what tags may look like."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import yaml_lines
from engine.marks import UNKNOWN
from sandbox.provider import Fault

MOST_TAGS = 50
_TAG_KEY = re.compile(r"(?!aws:).{1,128}", re.IGNORECASE | re.DOTALL)


def faults(token: str, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Every value among the inputs that is outside of what AWS takes."""
    for path, allowed in table().get(token, {}).items():
        for where, value in everywhere(inputs, path.split(".")):
            if value is not None and value != UNKNOWN and not accepts(allowed, value):
                said = ", ".join(map(str, allowed)) if isinstance(allowed, list) else allowed
                yield Fault(
                    where, f"ValidationException: Value '{value}' at '{where}' failed to satisfy constraint: {said}"
                )
    tags = inputs.get("tags")
    if isinstance(tags, Mapping):
        if len(tags) > MOST_TAGS:
            yield Fault("tags", f"TagLimitExceeded: {len(tags)} tags, {MOST_TAGS} are allowed")
        for key, value in tags.items():
            if not _TAG_KEY.fullmatch(key) or (isinstance(value, str) and len(value) > 256 and value != UNKNOWN):
                yield Fault(
                    f"tags.{key}", "InvalidTag: a key has 1 to 128 characters and no aws: prefix, a value up to 256"
                )


def accepts(allowed: Any, value: Any) -> bool:
    """Whether one value is in the list, the range `a..b` or the pattern `/.../`."""
    if isinstance(allowed, list):
        return value in allowed
    if allowed.startswith("/"):
        return isinstance(value, str) and re.fullmatch(allowed[1:-1], value) is not None
    low, _, high = allowed.partition("..")
    return isinstance(value, int | float) and int(low) <= value <= int(high)


def everywhere(value: Any, path: list[str], where: str = "") -> Iterator[tuple[str, Any]]:
    """Each place that a path with `[*]` means, with what stands there."""
    if not path:
        yield where, value
    elif isinstance(value, Mapping):
        key = path[0].removesuffix("[*]")
        here = f"{where}.{key}" if where else key
        found = value.get(key)
        if path[0] == key:
            yield from everywhere(found, path[1:], here)
        elif isinstance(found, list):
            for index, part in enumerate(found):
                yield from everywhere(part, path[1:], f"{here}[{index}]")


@functools.cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """The constraints by type and path."""
    text = Path(__file__).with_name("limits.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Mapping[str, Any]] = yaml_lines.load(text)
    return loaded
