"""The table of what the simulated AWS decides per resource type: `types.yaml`, read into rows."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core import yaml_lines

AUTONAME = "name"


@dataclass(frozen=True, kw_only=True)
class Link:
    """Objects of `type` that hold, at the path `by`, this object's id, name or ARN."""

    type: str
    by: str


@dataclass(frozen=True, kw_only=True)
class Unique:
    """No two objects of one region may agree on all of `by`; `message` is `Code: text`.

    `pending` is the message about an object that is only scheduled for deletion; empty where such a one is in nobody's way.
    """

    by: tuple[str, ...]
    message: str
    pending: str = ""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One resource type.

    `id`, `arn`, `computed` and `defaults` are templates; defaults are known in a preview, the others are not.
    `replaces` lists what cannot change in place, `once` what cannot once it is set, `volatile` what each update changes.
    `blocked` objects forbid the deletion with `blocked_message`; `cascades` objects go with it, and so do `blocked` ones
    when the input `forced` is true. `pending` is the status
    of a type that is only scheduled for deletion, `at_once` the inputs with which it goes at once all the same. `autoname`
    is the property that gets a generated name; None for none.
    """

    id: str = ""
    arn: str = ""
    computed: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    volatile: tuple[str, ...] = ()
    unique: Unique | None = None
    blocked: tuple[Link, ...] = ()
    blocked_message: str = "DependencyViolation: {id} has dependencies and cannot be deleted."
    cascades: tuple[Link, ...] = ()
    forced: str = ""
    pending: str = ""
    at_once: Mapping[str, Any] = field(default_factory=dict)
    autoname: str | None = AUTONAME
    autoname_prefix: str = ""


@functools.cache
def table() -> Mapping[str, Row]:
    """Every row by type token."""
    text = Path(__file__).with_name("types.yaml").read_text(encoding="utf-8")
    raw = yaml_lines.load(text)
    return {token: _row(columns) for token, columns in raw.items()}


def row(token: str) -> Row:
    """The row of a type; the empty row for a type that the table does not know."""
    return table().get(token, _NONE)


def _row(columns: dict[str, Any]) -> Row:
    parts: dict[str, Any] = dict(columns)
    for key in ("replaces", "once", "volatile"):
        parts[key] = tuple(parts.get(key, ()))
    for key in ("blocked", "cascades"):
        parts[key] = tuple(Link(**link) for link in parts.get(key, ()))
    if "unique" in parts:
        parts["unique"] = Unique(**{**parts["unique"], "by": tuple(parts["unique"]["by"])})
    return Row(**parts)


_NONE = Row()
