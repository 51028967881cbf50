"""Custom resources as shapes, from the fact tables in `data/crds` (one a kind, made by `kube.facts`)."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kube.shape import Shape

_FOLDER = Path(__file__).parent / "data" / "crds"
_BOUNDS = ("min", "max", "minLength", "maxLength", "minItems", "maxItems")


@dataclass(frozen=True)
class Custom:
    """A custom kind: its CRD's name (`nodepools.karpenter.sh`), whether it lives in namespaces, and its `spec`."""

    crd: str
    namespaced: bool
    required: tuple[str, ...]
    spec: Shape


def _shape(node: dict[str, Any]) -> Shape:
    kinds = node.get("type", [])
    return Shape(
        kinds=frozenset([kinds] if isinstance(kinds, str) else kinds),
        required=tuple(node.get("required", ())),
        open=node.get("open", False),
        enum=tuple(node.get("enum", ())),
        pattern=_pattern(node["pattern"]) if "pattern" in node else None,
        bounds=tuple((limit, node[limit]) for limit in _BOUNDS if limit in node),
        keys=frozenset(node.get("keys", ())),
        refused=frozenset(node.get("refused", ())),
        domains={domain: frozenset(labels) for domain, labels in node.get("domains", {}).items()},
    )


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern as the API server reads it; Go takes a flag for all of it behind the first anchor too, Python does not."""
    return re.compile(re.sub(r"^\^\(\?i\)", "(?i)^", text))


def _steps(path: str) -> Iterator[str]:
    for step in path.split(".")[1:]:
        yield step.rstrip("[]")
        yield from ["[]"] * step.count("[]")


def _tree(fields: dict[str, dict[str, Any]]) -> Shape:
    root = _shape(fields["spec"])
    for path, node in fields.items():
        place = root
        *parents, last = list(_steps(path)) or [""]
        for step in parents:
            inner = place.items if step == "[]" else place.entries if step == "*" else place.fields[step]
            assert inner is not None, path  # noqa: S101 - the generator lists a parent before its children
            place = inner
        if last == "[]":
            place.items = _shape(node)
        elif last == "*":
            place.entries = _shape(node)
        elif last:
            place.fields[last] = _shape(node)
    return root


@functools.cache
def _files() -> dict[tuple[str, str], Path]:
    found = {}
    for file in sorted(_FOLDER.glob("*.json")):
        facts = json.loads(file.read_text(encoding="utf-8"))
        found[f"{facts['group']}/{facts['version']}", facts["kind"]] = file
    return found


def kinds() -> frozenset[tuple[str, str]]:
    """Every (apiVersion, kind) that has a fact table."""
    return frozenset(_files())


@functools.cache
def custom(api_version: str, kind: str) -> Custom | None:
    """What is known of a custom kind, or None when there is no fact table for it."""
    file = _files().get((api_version, kind))
    if file is None:
        return None
    facts = json.loads(file.read_text(encoding="utf-8"))
    return Custom(
        crd=f"{facts['plural']}.{facts['group']}",
        namespaced=facts["scope"] == "Namespaced",
        required=tuple(facts["required"]),
        spec=_tree(facts["fields"]),
    )
