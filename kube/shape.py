"""The one checker behind every Kubernetes object: a tree of what a place may hold, and a walk of a value along it.

Built-in kinds (from the API's published schemas) and custom resources (from our own fact tables) become the same tree,
so that a misspelt field of a NodePool and of a Deployment are refused in the same words, each with its path.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.problem import Problem
from engine.marks import UNKNOWN

QUANTITY = r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$"
"""A Kubernetes quantity (`500m`, `1Gi`), from the API's documented grammar."""


@dataclass(slots=True)
class Shape:
    """What one place in an object may hold.

    `kinds` empty means anything at all. `entries` is the shape of each value of a map with free keys; `open` a map
    whose inside is not looked at. `domains` maps a label domain to the labels of it that users may set.
    """

    kinds: frozenset[str] = frozenset()
    fields: dict[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    entries: Shape | None = None
    open: bool = False
    items: Shape | None = None
    enum: tuple[Any, ...] = ()
    pattern: re.Pattern[str] | None = None
    bounds: tuple[tuple[str, float], ...] = ()
    keys: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    domains: Mapping[str, frozenset[str]] = field(default_factory=dict)


def is_unknown(value: object) -> bool:
    """Whether the value is only known at deployment."""
    return isinstance(value, str) and value == UNKNOWN


def nearest(name: str, names: Sequence[str] | set[str] | frozenset[str]) -> str:
    """The known name that `name` was probably meant to be, or an empty string."""
    folded = {known.casefold(): known for known in names}
    near = difflib.get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.7)
    return folded[near[0]] if near else ""


def under(path: str, key: object) -> str:
    """The path of `key` inside the map at `path`; a key that holds a dot stands in quotes."""
    step = f'"{key}"' if "." in str(key) else str(key)
    return f"{path}.{step}" if path else step


def _kind_of(value: object) -> str:
    if isinstance(value, Mapping):
        return "map"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    if isinstance(value, float):
        return "number"
    return "string" if isinstance(value, str) else "list" if isinstance(value, Sequence) else type(value).__name__


_LIMITS = {
    "min": "should be greater than or equal to",
    "max": "should be less than or equal to",
    "minLength": "should be at least this many characters long:",
    "maxLength": "should be at most this many characters long:",
    "minItems": "should have at least this many entries:",
    "maxItems": "should have at most this many entries:",
}


class Walk:
    """One check of one object; `problems` holds what was found, `show` says whether values may be quoted."""

    def __init__(self, *, show: bool = True) -> None:
        self.problems: list[Problem] = []
        self._show = show

    def add(self, path: str, summary: str, value: object = None, allowed: str = "", fix: str = "") -> None:
        """Note one problem; the value is quoted only where the object holds no secrets."""
        found = "" if value is None or not self._show else str(value)[:200]
        self.problems.append(Problem(summary=summary, where=path, found=found, allowed=allowed, fix=fix))

    def visit(self, shape: Shape, value: Any, path: str) -> None:
        """Compare `value`, standing at `path`, with `shape` and everything under it."""
        if value is None or is_unknown(value):
            return
        kind = _kind_of(value)
        if shape.kinds and kind not in shape.kinds and not (kind == "integer" and "number" in shape.kinds):
            allowed = " or ".join(sorted(shape.kinds))
            self.add(path, f"Invalid value: must be of type {allowed}, not {kind}", value, allowed)
        elif kind == "map":
            self._map(shape, value, path)
        elif kind == "list":
            self._bounds(shape, len(value), path)
            if shape.items is not None:
                for index, item in enumerate(value):
                    self.visit(shape.items, item, f"{path}[{index}]")
        else:
            self._scalar(shape, value, path)

    def _map(self, shape: Shape, value: Mapping[str, Any], path: str) -> None:
        if shape.open or not shape.kinds:
            return
        self._bounds(shape, len(value), path)
        for key, inner in value.items():
            here = under(path, key)
            known = shape.fields.get(key) or shape.entries
            if known is None:
                guess = nearest(str(key), set(shape.fields))
                fix = f'did you mean "{guess}"?' if guess else "remove it"
                self.add(here, "field not declared in schema", key, ", ".join(sorted(shape.fields)), fix)
                continue
            if key not in shape.fields:
                self._key(shape, str(key), here)
            self.visit(known, inner, here)
        for name in shape.required:
            if value.get(name) is None:
                self.add(under(path, name), "Required value", fix=f"set {under(path, name)}")

    def _key(self, shape: Shape, key: str, path: str) -> None:
        if shape.keys and key not in shape.keys:
            self.add(path, "key is not one of those allowed", key, ", ".join(sorted(shape.keys)))
        self._name(shape, key, path)

    def _name(self, shape: Shape, value: str, path: str) -> None:
        if value in shape.refused:
            self.add(path, f'"{value}" is restricted' if value else "may not be empty", value)
        domain = value.split("/", 1)[0]
        for restricted, allowed in shape.domains.items():
            if value not in allowed and domain.endswith(restricted):
                self.add(path, f'label domain "{restricted}" is restricted', value, ", ".join(sorted(allowed)))

    def _scalar(self, shape: Shape, value: Any, path: str) -> None:
        if shape.enum and value not in shape.enum:
            allowed = ", ".join(map(str, shape.enum))
            guess = nearest(str(value), [str(item) for item in shape.enum])
            self.add(path, "Unsupported value", value, allowed, f'did you mean "{guess}"?' if guess else "")
        if isinstance(value, str):
            if shape.pattern is not None and not shape.pattern.search(value):
                self.add(path, "Invalid value: does not match the pattern", value, shape.pattern.pattern)
            self._bounds(shape, len(value), path)
            self._name(shape, value, path)
        elif not isinstance(value, bool):
            self._bounds(shape, value, path)

    def _bounds(self, shape: Shape, number: float, path: str) -> None:
        for limit, bound in shape.bounds:
            if (number < bound) if limit.startswith("min") else (number > bound):
                self.add(path, f"Invalid value: {_LIMITS[limit]} {bound:g}", number, f"{limit} {bound:g}")
