r"""YAML whose every value all readers read the same way: what they disagree about is refused, with its line.

Pulumi's engine reads a stack file with a Go library, this program with a Python one. `0200` is 128 for both and 200 for a
person, `1:30` is 90 for one and a text for the other, `yes` is true for one and a text for the other. So a value without
quotes is a plain decimal number, `true`, `false`, nothing, or a text that no reader takes for anything else. There are no
tags, aliases or merges.

Nothing here repeats a value, for it may be a secret.
Sources: YAML 1.1 (yaml.org/type), YAML 1.2.2 section 10.3, PyYAML 6 `resolver.py`, gopkg.in/yaml.v3 `resolve.go`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from typing import Any

import yaml

from core.bounded_yaml import DEEPEST, Loader
from core.problem import Problem, Refused
from core.yaml_lines import Read, broken, inside, key_twice, nearest

__all__ = ["DEEPEST", "DIGITS", "Read", "nearest", "read"]

DIGITS = 15
"""Digits of a number that a float of 64 bits keeps, which is how the engine hands numbers on."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NOTHING = ("", "~", "null", "Null", "NULL")
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_HALF = re.compile("[\ud800-\udfff]")
"""Surrogates, which only an escape in quotes can bring, and which no encoding takes."""
_LOOSE = (
    (re.compile(r"[-+]?0[0-9_]+"), "a number with a leading zero, which readers take for octal", "leave the zero out"),
    (
        re.compile(r"[-+]?0[bBoOxX][0-9A-Fa-f_]+"),
        "a number in base 2, 8 or 16",
        "write it as a plain decimal number",
    ),
    (
        re.compile(r"[-+]?[0-9][0-9_]*(:[0-9]{1,2})+(\.[0-9_]*)?"),
        "digits with colons, which some readers take for a number in base 60",
        "write a number as a plain decimal number",
    ),
    (
        re.compile(r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9][0-9_]*)?"),
        "a number that readers write differently: a sign, an underscore, an exponent or a bare dot",
        "write it as a plain decimal number",
    ),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), "not a number that can be counted with", ""),
    (
        re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"),
        "a word that some readers take for true or false and others for a text",
        "write true or false",
    ),
    (
        re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \t].*)?"),
        "a date, which some readers turn into a moment",
        "",
    ),
    (re.compile(r"=|<<"), "a sign with a meaning of its own in YAML", ""),
)


def read(text: str, file: str, *, days: bool = False) -> Read:
    """The one document of a text; `file` is how a refusal names it. Raises Refused with each problem's line.

    With `days` a value like 2027-01-31 is a date, for a file that Pulumi's engine does not read; otherwise it is refused.
    """
    try:
        loader = Loader(text)
        root = loader.get_single_node()
        problems = [problem.at(file, problem.line) for problem in _problems(root, loader, days)]
        if problems:
            raise Refused(problems)
        found = Read(value=None)
        value = _value(root, "", found, days)
    except yaml.YAMLError as error:
        raise Refused(broken(error, text, file)) from None
    except (ValueError, OverflowError):
        raise Refused(Problem(summary="not valid YAML: an escape names no character", file=file, line=1)) from None
    return Read(value=value, lines=found.lines, words=found.words)


def _problems(root: yaml.Node | None, loader: Loader, days: bool) -> Iterator[Problem]:
    for what, line in loader.features:
        yield Problem(
            summary=f"this YAML feature is not allowed here: {what}",
            line=line,
            fix="write the value out; a text that starts with * or ! stands in quotes",
        )
    # Through aliases a few lines stand for a tree without end: no step into it.
    if root is not None and not loader.features:
        yield from _of_node(root, "", days)


def _of_node(node: yaml.Node, where: str, days: bool) -> Iterator[Problem]:
    if isinstance(node, yaml.ScalarNode):
        yield from _of_scalar(node, where, days)
    elif isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _of_node(item, f"{where}[{place}]", days)
    elif isinstance(node, yaml.MappingNode):
        seen = set[str]()
        for key, value in node.value:
            yield from _of_key(key, where, seen)
            yield from _of_node(value, inside(where, key), days)


def _of_key(key: yaml.Node, where: str, seen: set[str]) -> Iterator[Problem]:
    line = key.start_mark.line + 1
    if not isinstance(key, yaml.ScalarNode):
        yield Problem(
            summary="a key is a text", where=where, line=line, fix="write it on one line, in quotes if need be"
        )
    elif _is_plain(key) and (_loose(key.value) or not isinstance(_plain(key.value), str)):
        yield Problem(
            summary="a key that YAML readers disagree about", where=where, line=line, fix="write the key in quotes"
        )
    elif _HALF.search(key.value):
        yield Problem(summary="a key is half a character", where=where, line=line, fix="write the character itself")
    elif key.value in seen:
        yield key_twice(where, key)
    else:
        seen.add(key.value)


def _of_scalar(node: yaml.ScalarNode, where: str, days: bool) -> Iterator[Problem]:
    if _HALF.search(node.value):
        yield Problem(
            summary="an escape is only half of a character",
            where=where,
            line=node.start_mark.line + 1,
            fix="write the character itself",
        )
    found = _loose(node.value) if _is_plain(node) and not (days and _day(node.value)) else None
    if found:
        what, fix = found
        yield Problem(
            summary=f"the value is {what}",
            where=where,
            line=node.start_mark.line + 1,
            allowed="a plain decimal number, true, false, or a text that is nothing else",
            fix=f"{fix}; or, when it is a text, write it in quotes" if fix else "write it in quotes when it is a text",
        )


def _loose(text: str) -> tuple[str, str] | None:
    """What a plain scalar is that readers disagree about, and what to write; None when all of them read it the same way."""
    if _NUMBER.fullmatch(text):
        if sum(each.isdigit() for each in text) <= DIGITS:
            return None
        return f"a number of more than {DIGITS} digits, which readers round", ""
    # The engine's reader takes underscores out before it looks for a number, wherever they stand.
    tried = (text, text.replace("_", "")) if text[:1] in "-+.0123456789" and "_" in text else (text,)
    if len(tried) > 1 and _NUMBER.fullmatch(tried[1]):
        return "a number with an underscore", "write it as a plain decimal number"
    return next(((what, fix) for each in tried for shape, what, fix in _LOOSE if shape.fullmatch(each)), None)


def _plain(text: str) -> Any:
    """The value of a plain scalar that is not loose."""
    if text in _NOTHING:
        return None
    if text in _TRUTH:
        return _TRUTH[text]
    if number := _NUMBER.fullmatch(text):
        return float(text) if number[2] else int(text)
    return text


def _day(text: str) -> datetime.date | None:
    """The day of a plain scalar; None for any other text, and for a day that no calendar has."""
    try:
        return datetime.date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _value(node: yaml.Node | None, where: str, found: Read, days: bool) -> Any:
    if node is None:
        return None
    found.lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{where}[{place}]", found, days) for place, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        made = {}
        for key, value in node.value:
            path = inside(where, key)
            found.lines[path] = key.start_mark.line + 1
            made[str(key.value)] = _value(value, path, found, days)
        return made
    said = str(node.value)
    value = ((days and _day(said)) or _plain(said)) if _is_plain(node) else said
    if isinstance(value, int | float):
        found.words[where] = said
    return value


def _is_plain(node: yaml.Node) -> bool:
    """Whether a scalar stands there without quotes."""
    return isinstance(node, yaml.ScalarNode) and node.style is None
