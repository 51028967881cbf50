"""Writes what a stack declares as files that a user's own scanners and GitOps can read.

    kubernetes/<namespace>/<kind>-<name>.yaml     every Kubernetes object (cluster-wide ones under `_cluster`)
    helm/<release>/values.yaml, release.yaml      every Helm release
    aws/<service>/<type>-<name>.json              every AWS resource's inputs
    index.json                                    every placeholder, what it stands for and which files use it

A value that only a cloud knows stands as `${urn#property}`; a deployed stack's state fills it in. Secrets never do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from core.problem import Problem, Refused
from engine.marks import SIGNATURE
from infra.declared import ACCOUNT, SECRET, Declared

PLACEHOLDER = re.compile(r"\$\{[^{}]+\}")
MARK, FILES = "index.json", "files"
RELEASE = "kubernetes:helm.sh/v3:Release"
CHART_KEYS = ("name", "namespace", "chart", "version", "skipCrds", "timeout", "createNamespace", "repositoryOpts")


def render(found: Mapping[str, Declared], out: Path, known: Mapping[str, str] | None = None) -> list[Path]:
    """Writes every file under `out`, an empty or earlier rendered folder, and returns their paths in order.

    `known` maps placeholders to values, from `from_state`. Raises Refused when `out` holds something else; of an
    earlier rendering only the files that its own index names are replaced.
    """
    _clear(out)
    texts = dict(
        _files([replace(declared, inputs=_filled(declared.inputs, known or {})) for declared in found.values()])
    )
    index: dict[str, dict[str, Any]] = {}
    for path, text in texts.items():
        for placeholder in sorted(set(PLACEHOLDER.findall(text))):
            index.setdefault(placeholder, {**_meaning(placeholder), "usedBy": []})["usedBy"].append(str(path))
    files = sorted(str(path) for path in texts)
    texts[Path(MARK)] = json.dumps({FILES: files, "placeholders": dict(sorted(index.items()))}, indent=2) + "\n"
    for path, text in texts.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(text, encoding="utf-8")
    return sorted(texts)


def _clear(out: Path) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    try:
        earlier = json.loads((out / MARK).read_text(encoding="utf-8"))[FILES]
    except (OSError, ValueError, KeyError, TypeError):
        raise Refused(
            Problem(
                summary="the folder holds something that is not a rendered stack",
                where=str(out),
                allowed="an empty folder, a new one, or one that render wrote",
                fix="name another folder",
            )
        ) from None
    root = out.resolve()
    for name in [*earlier, MARK]:
        file = (out / str(name)).resolve()
        if file.is_relative_to(root):
            file.unlink(missing_ok=True)


def from_state(export: Mapping[str, Any]) -> dict[str, str]:
    """Placeholders and their values from `pulumi stack export`; whatever the state keeps as a secret is left out."""
    known: dict[str, str] = {}
    for resource in export.get("deployment", {}).get("resources", []):
        urn = resource.get("urn", "")
        if isinstance(resource.get("id"), str):
            known[f"${{{urn}#id}}"] = resource["id"]
        for path, value in _leaves(resource.get("outputs", {}), f"{urn}#"):
            known[f"${{{path}}}"] = value
        arn = resource.get("outputs", {}).get("arn")
        if isinstance(arn, str) and arn.startswith("arn:aws:") and arn.split(":")[4:5] != [""]:
            known.setdefault(ACCOUNT, arn.split(":")[4])
    return known


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if SIGNATURE in value:
            return
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}{key}" if path.endswith("#") else f"{path}.{key}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{place}]")
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield path, str(value)


def _files(found: Iterable[Declared]) -> Iterator[tuple[Path, str]]:
    for declared in sorted(found, key=lambda one: one.urn):
        package = declared.token.partition(":")[0]
        if not declared.custom or package == "pulumi":
            continue
        if declared.token == RELEASE:
            folder = Path("helm") / _safe(str(declared.inputs.get("name", declared.name)))
            yield folder / "values.yaml", _yaml(declared.inputs.get("values", {}))
            yield folder / "release.yaml", _yaml({k: declared.inputs[k] for k in CHART_KEYS if k in declared.inputs})
        elif package == "kubernetes":
            metadata = declared.inputs.get("metadata", {})
            space = str(metadata.get("namespace", "_cluster"))
            if PLACEHOLDER.search(space):
                space = "_unknown"
            name = f"{declared.inputs['kind']}-{metadata.get('name', declared.name)}".lower()
            yield Path("kubernetes") / _safe(space) / f"{_safe(name)}.yaml", _yaml(declared.inputs)
        else:
            _, module, kind = declared.token.split(":")
            owner = declared.parent.rpartition("::")[2]
            path = (
                Path(package) / module.partition("/")[0] / f"{_safe(kind)}-{_safe(owner)}-{_safe(declared.name)}.json"
            )
            yield path, _json(declared)


def _json(each: Declared) -> str:
    record = {
        "urn": each.urn,
        "type": each.token,
        "name": each.name,
        "protect": each.protect,
        "dependsOn": list(each.dependencies),
        "inputs": each.inputs,
    }
    return json.dumps(record, indent=2, sort_keys=True) + "\n"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=120)


def _filled(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, known) for inner in value]
    if isinstance(value, str):
        return PLACEHOLDER.sub(lambda match: known.get(match[0], match[0]), value)
    return value


def _meaning(placeholder: str) -> dict[str, Any]:
    if placeholder == SECRET:
        return {"secret": True}
    urn, _, prop = placeholder[2:-1].rpartition("#")
    return {"urn": urn, "property": prop}


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "unnamed"
