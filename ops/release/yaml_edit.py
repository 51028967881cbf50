"""Sets values in a YAML file that a person wrote, and leaves every other character of it as it is, comments included."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from core import bounded_yaml

Value = str | int


def set_maps(text: str, wanted: Mapping[str, Mapping[str, Value]]) -> str:
    """The text with each key of each top-level map set. A map that is not there comes at the end; a key, first in its map.

    Raises ValueError when the text is no map, or something other than a map stands where one is wanted.
    """
    for name, values in wanted.items():
        for key, value in reversed(list(values.items())):
            text = _set(text, name, key, value)
    return text


def _set(text: str, name: str, key: str, value: Value) -> str:
    root = bounded_yaml.compose(text)
    if not isinstance(root, yaml.MappingNode):
        raise ValueError("the file is no map")  # noqa: TRY004 - it is the text that is wrong
    inner = _value(root, name)
    if inner is None and root.flow_style:
        raise ValueError("the file is one map in braces: it is no map to add to")
    if inner is None:
        end = "" if not text or text.endswith("\n") else "\n"
        return f"{text}{end}{name}:\n  {key}: {value}\n"
    if isinstance(inner, yaml.ScalarNode) and inner.value == "":
        return f"{text[: inner.start_mark.index]} {{ {key}: {value} }}{text[inner.end_mark.index :]}"
    if not isinstance(inner, yaml.MappingNode):
        raise ValueError(f"{name} is no map")  # noqa: TRY004 - as above
    there = _value(inner, key)
    if there is not None:
        return f"{text[: there.start_mark.index]}{value}{text[there.end_mark.index :]}"
    if inner.flow_style:
        at = inner.start_mark.index + 1
        return f"{text[:at]} {key}: {value}{',' if inner.value else ' '}{text[at:]}"
    at = inner.value[0][0].start_mark.index
    return f"{text[:at]}{key}: {value}\n{' ' * inner.value[0][0].start_mark.column}{text[at:]}"


def _value(of: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for name, value in of.value if name.value == key), None)
