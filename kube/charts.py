"""Whether a Helm chart reads the values that it is given: Helm itself ignores a misspelt one without a word."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.problem import Problem
from kube.chart_facts import ANY, ITEM, Chart, Node, crds, find, known_charts, steps_of
from kube.shape import is_unknown, nearest, under

__all__ = ["Chart", "check_values", "crds", "find", "known_charts", "name_of"]

_SCALARS = frozenset(("bool", "float", "int", "string"))
_FREE = frozenset(("any", "null"))


def name_of(reference: object) -> str:
    """The plain name of the chart that a release refers to, without the registry before it and the digest behind it."""
    return str(reference or "").rstrip("/").rpartition("/")[2].partition("@")[0]


def check_values(chart: str, version: str, values: Mapping[str, Any]) -> list[Problem]:
    """Every value that the chart does not know or does not read, has the wrong kind of, or misses.

    A chart or a version without facts is a problem: what cannot be judged must not pass. Unknown values are accepted.
    Values are not quoted, for they may be secrets.
    """
    known = find(chart, version)
    if isinstance(known, Problem):
        return [known]
    return [*_walk(known, (known.root,), values, "", ()), *_missing(known, values)]


def _missing(known: Chart, values: Mapping[str, Any]) -> Iterator[Problem]:
    for steps, switched in known.required:
        value: Any = values
        given = True
        for step in steps:
            if is_unknown(value):
                break
            given = isinstance(value, Mapping) and step in value
            value = value[step] if given else None
        if value in (None, "") and (given or not switched):
            where = functools.reduce(under, steps, "")
            yield Problem(summary=f"chart {known.name} cannot be installed without it", where=where, fix=f"set {where}")


def _walk(known: Chart, nodes: Sequence[Node], value: Any, at: str, steps: tuple[str, ...]) -> Iterator[Problem]:
    if value is None or is_unknown(value):
        return
    kinds = {node.kind for node in nodes if node.kind}
    shut = not any(node.open for node in nodes)
    if isinstance(value, Mapping):
        bare = not any(node.children for node in nodes)
        if not shut or (bare and kinds <= _FREE):
            return
        if bare and kinds <= _SCALARS | {"list"}:
            yield _wrong(known, at, kinds, "a map")
            return
        for key, inner in value.items():
            yield from _entry(known, nodes, str(key), inner, at, steps)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        under_item = [node.children[ITEM] for node in nodes if ITEM in node.children]
        if shut and value and not under_item and all(n.children or n.kind in _SCALARS | {"map"} for n in nodes):
            yield _wrong(known, at, kinds or {"map"}, "a list")
        elif shut and under_item:
            for index, inner in enumerate(value):
                yield from _walk(known, under_item, inner, f"{at}[{index}]", (*steps, ITEM))
    else:
        yield from _scalar(known, nodes, value, at, kinds, shut)


def _entry(
    known: Chart, nodes: Sequence[Node], key: str, value: Any, at: str, steps: tuple[str, ...]
) -> Iterator[Problem]:
    here, path = under(at, key), (*steps, key)
    found = [node.children[step] for node in nodes for step in (key, ANY) if step in node.children]
    if not found:
        yield from _unknown(known, nodes, key, value, here, path)
    elif all(node.unread and not node.children for node in found):
        summary = f"no template of chart {known.name} {known.version} reads this value"
        yield Problem(summary=summary, where=here, fix="remove it: setting it does nothing")
    else:
        yield from _walk(known, found, value, here, path)


def _scalar(known: Chart, nodes: Sequence[Node], value: Any, at: str, kinds: set[str], shut: bool) -> Iterator[Problem]:
    is_map = any(node.children for node in nodes)
    if is_map or (kinds and kinds <= {"map", "list"}):
        if shut or not isinstance(value, str):
            yield _wrong(known, at, kinds - _FREE or {"map"}, "one value")
    elif kinds == {"bool"} and not isinstance(value, bool):
        yield _wrong(known, at, kinds, type(value).__name__)
    elif kinds and kinds <= _SCALARS - {"bool"} and isinstance(value, bool):
        yield _wrong(known, at, kinds, "bool")


def _wrong(known: Chart, at: str, kinds: set[str], found: str) -> Problem:
    allowed = " or ".join(sorted(kinds))
    return Problem(summary=f"chart {known.name} reads a {allowed} here", where=at, found=found, allowed=allowed)


def _gone(known: Chart, value: Any, here: str, path: tuple[str, ...], old: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, Mapping) and any(
        len(moved) > len(path) and moved[: len(path)] == path for moved in known.replaced
    ):
        for key, inner in value.items():
            yield from _gone(known, inner, under(here, key), (*path, str(key)), old)
        return
    moved = max((start for start in known.replaced if path[: len(start)] == start), key=len, default=())
    now = known.replaced.get(moved, "")
    if rest := path[len(moved) :] if now else ():
        now = functools.reduce(under, rest, now) if _reads(known, (*steps_of(now), *rest)) else ""
    summary = f"gone from chart {known.name}: {known.gone[old]} was the last version seen that had it"
    yield Problem(summary=summary, where=here, fix=f"now {now}" if now else "remove it")


def _reads(known: Chart, path: tuple[str, ...]) -> bool:
    node = known.root
    for step in path:
        if node.open:
            return True
        if step not in node.children:
            return False
        node = node.children[step]
    return True


def _unknown(
    known: Chart, nodes: Sequence[Node], key: str, value: Any, here: str, path: tuple[str, ...]
) -> Iterator[Problem]:
    for length in range(len(path), 0, -1):
        if path[:length] in known.gone:
            yield from _gone(known, value, here, path, path[:length])
            return
    names = sorted({name for node in nodes for name in node.children if name not in (ITEM, ANY)})
    guess = nearest(key, names)
    yield Problem(
        summary=f"chart {known.name} {known.version} knows no such value",
        where=here,
        found=key,
        allowed=", ".join(names[:40]) + (", ..." if len(names) > 40 else ""),
        fix=f'did you mean "{guess}"?' if guess else "remove it",
    )
