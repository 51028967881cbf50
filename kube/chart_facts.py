"""What is known of Helm charts: the fact tables, read when first asked for.

`data/charts` holds one fact table a chart at one pinned version (source and commit in each): which paths its values and
templates know, which maps they pass on whole, which are read by nothing, and which are gone since an older version.
Path notation: dots between keys, `\\.` for a dot inside a key, `name[]` for each item of a list, `*` for any key,
`{set}` for each name in the table's `sets`.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.problem import Problem
from kube.shape import nearest

_FOLDER = Path(__file__).parent / "data" / "charts"
ITEM, ANY = "[]", "*"


@dataclass(slots=True)
class Node:
    """One step of a path that a chart knows; `kind` is empty for a map that is only the way to something below."""

    kind: str = ""
    open: bool = False
    unread: bool = False
    children: dict[str, Node] = field(default_factory=dict)

    def at(self, steps: Sequence[str]) -> Node:
        """The node at the end of `steps`, made if it is new."""
        node = self
        for step in steps:
            below = node.children.get(step)
            if below is None:
                below = node.children[step] = Node()
            node = below
        return node


@dataclass(frozen=True)
class Chart:
    """What is known of one chart: its version, the CRDs it brings, and the tree of values that it reads.

    `owns_crds` says that the CRDs are templates: upgraded and deleted with the release, unlike those of a `crds` folder.
    `runs_pods` is False for a chart that brings nothing but CRDs.
    """

    name: str
    version: str
    app_version: str
    crds: tuple[str, ...]
    owns_crds: bool
    runs_pods: bool
    root: Node
    required: tuple[tuple[tuple[str, ...], bool], ...]
    gone: Mapping[tuple[str, ...], str]
    replaced: Mapping[tuple[str, ...], str]


def steps_of(path: str) -> tuple[str, ...]:
    """A path in the tables' notation as single steps."""
    if not ("[" in path or "\\" in path):
        return tuple(step for step in path.split(".") if step)
    steps: list[str] = []
    for raw in re.findall(r"(?:\\.|[^.\\])+", path):
        base = raw.rstrip("[]") if raw.endswith(ITEM) else raw
        steps.append(re.sub(r"\\(.)", r"\1", base))
        steps.extend([ITEM] * raw[len(base) :].count(ITEM))
    return tuple(steps)


def _tree(facts: Mapping[str, Any]) -> Node:
    sets: Mapping[str, list[str]] = facts.get("sets", {})

    def each(path: str) -> Iterator[tuple[str, ...]]:
        steps = steps_of(path)
        if "{" not in path:
            yield steps
            return
        name = re.search(r"\{(\w+)\}", path)
        if name is None or name[1] not in sets:
            yield steps
        else:
            for member in sets[name[1]]:
                yield tuple(step.replace(name[0], member) for step in steps)

    root = Node()
    found: dict[str, Node] = {"": root}

    def at(path: str) -> Iterator[Node]:
        # Most paths are plain keys, and most of those share what is above them with others.
        if "[" in path or "\\" in path or "{" in path:
            yield from (root.at(steps) for steps in each(path))
            return
        node = found.get(path)
        if node is None:
            above, _, key = path.rpartition(".")
            (parent,) = at(above)
            node = found[path] = parent.at((key,)) if key else parent
        yield node

    for path, kind in facts["values"].items():
        for node in at(path):
            node.kind = kind
    for path in facts["open_maps"]:
        for node in at(path):
            node.open = True
    for path in facts["unread"]:
        root.at(steps_of(path)).unread = True
    return root


def _switched(root: Node, steps: tuple[str, ...]) -> bool:
    node = root
    for step in steps[:-1]:
        node = node.children.get(step, Node())
        if node.children.keys() & {"enabled", "enable"}:
            return True
    return False


@functools.cache
def chart(name: str) -> Chart | None:
    """The facts of a chart, read once; None when there is no table for it."""
    file = _FOLDER / f"{name}.json"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not file.is_file():
        return None
    facts = json.loads(file.read_text(encoding="utf-8"))
    root = _tree(facts)
    required = [steps_of(path) for path in facts["required"]]
    return Chart(
        name=facts["chart"],
        version=facts["version"],
        app_version=facts["appVersion"],
        crds=tuple(facts["crds"]),
        owns_crds=facts.get("crds_from") == "templates",
        runs_pods=bool(facts["images"]) or "image.repository" in facts["values"],
        root=root,
        required=tuple((steps, _switched(root, steps)) for steps in required),
        gone={steps_of(path): last for path, last in facts["gone"].items()},
        replaced={steps_of(path): now for path, now in facts.get("replaced_by", {}).items()},
    )


def known_charts() -> tuple[str, ...]:
    """The names of all charts that have a fact table."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.json")))


def find(name: str, version: str) -> Chart | Problem:
    """The facts of a chart at exactly this version (a leading `v` does not matter), or why there are none."""
    known = chart(name)
    if known is None:
        names = known_charts()
        guess = nearest(name, names)
        fix = f'did you mean "{guess}"?' if guess else "add a fact table for it to kube/data/charts"
        return Problem(
            summary="no facts about this chart", where="chart", found=name, allowed=", ".join(names), fix=fix
        )
    if known.version.removeprefix("v") != version.removeprefix("v"):
        fix = f"use {known.version}, or renew kube/data/charts/{name}.json"
        summary = f"the facts about chart {name} are of another version"
        return Problem(summary=summary, where="version", found=version, allowed=known.version, fix=fix)
    return known


def crds(name: str, version: str) -> tuple[str, ...]:
    """The names of the CRDs that a chart brings; empty when it brings none or nothing is known of that version."""
    known = find(name, version)
    return () if isinstance(known, Problem) else known.crds
