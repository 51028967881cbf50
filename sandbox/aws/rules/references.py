"""References between objects: what names another object must name one that exists, as the table `references.yaml` says."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core import yaml_lines
from engine.marks import UNKNOWN
from sandbox.aws.outputs import ACCOUNT
from sandbox.aws.view import View
from sandbox.provider import CloudError

_HOLE = re.compile(r"\{(\w+)\}")
_TEXTS = ("tags", "description", "name")
_OF_EVERYONE = re.compile(rf"arn:aws:iam::{ACCOUNT}:(root|user/.*|role/aws-service-role/.*)")


def refused(message: str, values: Mapping[str, Any]) -> CloudError:
    """A CloudError from a table's `Code: text` with its holes filled."""
    code, _, said = _HOLE.sub(lambda hole: str(values.get(hole[1], "")), message).partition(": ")
    return CloudError(code, said)


def check(view: View, token: str, inputs: Mapping[str, Any], *, preview: bool) -> None:
    """Raise CloudError for the first reference to something that does not exist.

    In a preview only ids count: nobody knows an id of something that is still to be made, but anyone may know its name.
    """
    table = _table()
    for key, value in _leaves(inputs, ""):
        prefix = table["ids"].get(key)
        named = table["names"].get(key)
        if prefix:
            if not (value.startswith(f"{prefix}-") and view.named(value)):
                raise refused(table["prefixes"][prefix], {"value": value})
        elif named and named["type"] != token:
            if not preview and view.one(named["type"], value) is None:
                raise refused(named["message"], {"value": value})
        elif key not in _TEXTS:
            _anywhere(view, value, preview)


def _anywhere(view: View, value: str, preview: bool) -> None:
    table = _table()
    looks = re.fullmatch(r"([a-z]+)-[0-9a-f]{8}(?:[0-9a-f]{9})?", value)
    if looks and looks[1] in table["prefixes"] and not view.named(value):
        raise refused(table["prefixes"][looks[1]], {"value": value})
    if not preview and re.match(rf"arn:aws:[^:]+:[^:]*:{ACCOUNT}:", value) and "*" not in value.removesuffix(":*"):
        items = view.named(value.removesuffix(":*"))
        if any(item.pending for item in items):
            raise CloudError("KMSInvalidStateException", f"{value} is pending deletion.")
        if not items and not _OF_EVERYONE.fullmatch(value):
            raise refused(table["role" if ":role/" in value else "arn"], {"value": value})


def _leaves(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, part in value.items():
            if key != "tags":
                yield from _leaves(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from _leaves(part, key)
    elif isinstance(value, str) and value not in ("", UNKNOWN) and value[0] not in "{[":
        yield key, value


@functools.cache
def _table() -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = yaml_lines.load(Path(__file__).with_name("references.yaml").read_text(encoding="utf-8"))
    return loaded
