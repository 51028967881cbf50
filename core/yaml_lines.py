"""Any YAML, read safely, with the line on which everything in it stands.

What people write for Modelyard is read by `core/plain_yaml.py`, which takes less. This module reads what follows other
rules, as Kubernetes manifests do, and the tables that are part of the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from core.bounded_yaml import DEEPEST_OF_OTHERS, Loader, Unbounded
from core.problem import Problem, Refused

_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, kw_only=True)
class Read:
    """One document: its value, the line (from 1) of every dotted path in it, and the words of each number as they stand there.

    Only `core/plain_yaml.py` keeps the words.
    """

    value: Any
    lines: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def line(self, where: str) -> int:
        """The line of the nearest thing that stands in the file: the path itself, or what it is part of."""
        return nearest(self.lines, where)


def nearest(lines: Mapping[str, int], where: str) -> int:
    """The line of a dotted path, or of the nearest thing around it that has one; 1 when nothing has."""
    steps = re.findall(r"\[[0-9]+\]|[^.\[]+|[.\[]", where)
    while steps:
        if found := lines.get("".join(steps)):
            return found
        steps.pop()
    return lines.get("", 1)


def documents(text: str, file: str) -> list[Read]:
    """Every document of a text; `file` is how a refusal names it.

    Raises Refused with the line of what is no YAML, and of each key that stands twice.
    """
    found, problems = list[Read](), list[Problem]()
    try:
        loader = Loader(text, DEEPEST_OF_OTHERS)
        while loader.check_node() and (node := loader.get_node()) is not None:
            problems += _twice(node)
            lines = dict[str, int]()
            _walk(node, "", lines, set())
            found.append(Read(value=loader.construct_document(node), lines=lines))
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        raise Refused(broken(error, text, file)) from None
    if problems:
        raise Refused([problem.at(file, problem.line) for problem in problems])
    return found


def one(text: str, file: str) -> Any:
    """The value of a text's one document, or None of an empty one. Raises Refused, as `documents` does."""
    found = documents(text, file)
    if len(found) > 1:
        raise Refused(Problem(summary="there is more than one document", file=file, line=1))
    return found[0].value if found else None


def load(text: str) -> Any:
    """The one document of a table that is part of the code, read in C where that is there. Raises yaml.YAMLError."""
    return yaml.load(text, Loader=_FAST)  # noqa: S506 - a safe loader


def broken(error: Exception, text: str, file: str) -> Problem:
    """What a reader's error says, with its line and with no piece of the text: that may be a secret."""
    if isinstance(error, RecursionError):
        return Problem(summary="not valid YAML: a value is nested too deeply", file=file, line=1)
    if isinstance(error, Unbounded):
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return Problem(summary=str(error.problem), file=file, line=line)
    if not isinstance(error, yaml.YAMLError):
        return Problem(summary="not valid YAML: a value is none of its kind", file=file, line=1)
    mark, said = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
    # What the library quotes is a piece of the file: the name of an alias may be a password that starts with a star.
    known = str(said or getattr(error, "reason", "") or "the text cannot be read as YAML")
    summary = re.sub(r" ?(?:'[^']*'|\"[^\"]*\")", "", known)
    return Problem(
        summary=f"not valid YAML: {summary}",
        file=file,
        line=line,
        fix="check indentation, quotes and brackets on this line and the one above; a text that starts with one of "
        "* & ! % @ ` stands in quotes",
    )


def inside(where: str, key: yaml.Node) -> str:
    """The dotted path of a key in the map at `where`."""
    name = key.value if isinstance(key, yaml.ScalarNode) else ""
    return f"{where}.{name}" if where else str(name)


def _walk(node: yaml.Node, where: str, lines: dict[str, int], met: set[int]) -> None:
    lines.setdefault(where, node.start_mark.line + 1)
    # Through aliases a few lines can stand for a tree without end: each node is walked where it stands first.
    if id(node) in met:
        return
    met.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            _walk(item, f"{where}[{place}]", lines, met)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            path = inside(where, key)
            lines[path] = key.start_mark.line + 1
            _walk(value, path, lines, met)


def _twice(root: yaml.Node) -> Iterator[Problem]:
    waiting, met = [(root, "")], set[int]()
    while waiting:
        node, where = waiting.pop()
        if id(node) in met:
            continue
        met.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += [(item, f"{where}[{place}]") for place, item in enumerate(node.value)]
        elif isinstance(node, yaml.MappingNode):
            seen = set[tuple[str, str]]()
            for key, value in node.value:
                name = (key.tag, key.value) if isinstance(key, yaml.ScalarNode) else ("", str(id(key)))
                if name in seen:
                    yield key_twice(where, key)
                seen.add(name)
                waiting.append((value, inside(where, key)))


def key_twice(where: str, key: yaml.Node) -> Problem:
    """A key that stands twice in the map at `where`."""
    return Problem(summary="a key stands twice", where=where, line=key.start_mark.line + 1, fix="keep one of them")
