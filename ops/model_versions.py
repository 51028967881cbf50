"""Reads a model's versions from the registry: parameters, metrics, aliases, and where each came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from problem import Problem, Refused
from registry.api import Rejected, Server

_API = "2.0/mlflow"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a model. `datasets` are `name (digest)`, `signature` says inputs and outputs in one line."""

    number: int
    aliases: tuple[str, ...]
    created_ms: int
    run: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    datasets: tuple[str, ...]
    signature: str
    description: str = ""


def models(server: Server) -> list[dict[str, Any]]:
    """Every model with its aliases and the number of its newest version, by name."""
    found = server.pages(f"{_API}/registered-models/search", "registered_models", max_results=1000)
    return sorted(
        (
            {
                "name": each["name"],
                "description": each.get("description", ""),
                "newest": max((int(version["version"]) for version in each.get("latest_versions", [])), default=0),
                "aliases": {alias["alias"]: int(alias["version"]) for alias in each.get("aliases", [])},
            }
            for each in found
        ),
        key=lambda each: str(each["name"]),
    )


def versions(server: Server, name: str) -> list[Version]:
    """Every version of a model, oldest first. Raises Refused when there is no such model."""
    try:
        model = server.get(f"{_API}/registered-models/get", name=name)["registered_model"]
    except Rejected as error:
        if not error.missing:
            raise
        there = ", ".join(each["name"] for each in models(server)) or "none"
        raise Refused(Problem(summary="the registry has no such model", found=name, allowed=there)) from None
    aliases: dict[int, list[str]] = {}
    for each in model.get("aliases", []):
        aliases.setdefault(int(each["version"]), []).append(each["alias"])
    only = "name='" + name.replace("'", "\\'") + "'"
    found = server.pages(f"{_API}/model-versions/search", "model_versions", filter=only, max_results=1000)
    return sorted((_version(server, each, aliases) for each in found), key=lambda each: each.number)


def _version(server: Server, item: Mapping[str, Any], aliases: Mapping[int, list[str]]) -> Version:
    number, run_id = int(item["version"]), str(item.get("run_id") or "")
    run = _run(server, run_id) if run_id else {}
    data = run.get("data", {})
    inputs = run.get("inputs", {}).get("dataset_inputs", [])
    datasets = [each.get("dataset", {}) for each in inputs]
    return Version(
        number=number,
        aliases=tuple(sorted(aliases.get(number, []))),
        created_ms=int(item.get("creation_timestamp", 0)),
        run=run_id,
        params={each["key"]: each["value"] for each in data.get("params", [])},
        metrics={each["key"]: float(each["value"]) for each in data.get("metrics", [])},
        datasets=tuple(f"{each.get('name', '')} ({each.get('digest', '')})" for each in datasets),
        signature=_signature(server, str(item["name"]), number),
        description=item.get("description", ""),
    )


def _run(server: Server, id: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = server.get(f"{_API}/runs/get", run_id=id)["run"]
        return found
    except Rejected as error:
        if not error.missing:
            raise
        return {}


def _signature(server: Server, name: str, number: int) -> str:
    """What a version takes and gives, from its MLmodel file; empty when it has none."""
    try:
        text = server.text("model-versions/get-artifact", name=name, version=str(number), path="MLmodel")
        said = (yaml.safe_load(text) or {}).get("signature") or {}
    except (Rejected, yaml.YAMLError, AttributeError):
        return ""
    sides = [_columns(said.get(side)) for side in ("inputs", "outputs")]
    return " -> ".join(sides) if any(sides) else ""


def _columns(schema: Any) -> str:
    try:
        columns = json.loads(schema or "[]")
    except ValueError:
        return ""
    return ", ".join(f"{each.get('name', each.get('type', 'value'))}: {_type(each)}" for each in columns)


def _type(column: Mapping[str, Any]) -> str:
    if column.get("type") != "tensor":
        return str(column.get("type", "any"))
    spec = column.get("tensor-spec", {})
    return f"{spec.get('dtype', 'any')}{spec.get('shape', '')}"
