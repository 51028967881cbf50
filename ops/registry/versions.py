"""Reads a model's versions from the registry: parameters, metrics, aliases, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import plain_json, yaml_lines
from core.problem import Problem, Refused
from mlflow_provider.api import Rejected, Server

_API = "2.0/mlflow"


_JUDGED = frozenset({"eval", "evaluation", "held-out", "heldout", "test", "testing", "validation"})
"""What a data set is called (`mlflow.data.context`) that a version was judged on."""


@dataclass(frozen=True, kw_only=True)
class DataSet:
    """A data set that a run names: `use` is what for, as far as the run says."""

    name: str
    digest: str
    use: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.digest}){f', {self.use}' if self.use else ''}"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a model, and where it came from as far as that is recorded.

    `signature` says inputs and outputs in one line. `digest` and `base` are the weights' and the base model's own, `commit` is
    that of the code, `size_bytes` 0 when it is not known.
    """

    number: int
    aliases: tuple[str, ...]
    created_ms: int
    run: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    data: tuple[DataSet, ...]
    signature: str
    description: str = ""
    digest: str = ""
    base: str = ""
    commit: str = ""
    size_bytes: int = 0

    @property
    def judged_on(self) -> frozenset[str]:
        """The digests of the data that it was judged on; empty when that is not known."""
        named = [data_set.digest for data_set in self.data if data_set.use.lower() in _JUDGED]
        return frozenset(named) if all(named) else frozenset()


@dataclass(frozen=True, kw_only=True)
class Model:
    """A registered model: its tags, and every version, oldest first."""

    name: str
    tags: Mapping[str, str]
    versions: tuple[Version, ...]


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


def model(server: Server, name: str) -> Model:
    """A model with its versions. Raises Refused when there is no such model."""
    try:
        found = server.get(f"{_API}/registered-models/get", name=name)["registered_model"]
    except Rejected as error:
        if not error.missing:
            raise
        there = ", ".join(each["name"] for each in models(server)) or "none"
        raise Refused(Problem(summary="the registry has no such model", found=name, allowed=there)) from None
    aliases: dict[int, list[str]] = {}
    for alias in found.get("aliases", []):
        aliases.setdefault(int(alias["version"]), []).append(alias["alias"])
    only = "name='" + name.replace("'", "\\'") + "'"
    items = server.pages(f"{_API}/model-versions/search", "model_versions", filter=only, max_results=1000)
    versions = sorted((_version(server, item, aliases) for item in items), key=lambda version: version.number)
    return Model(name=name, tags=_tags(found), versions=tuple(versions))


def _version(server: Server, item: Mapping[str, Any], aliases: Mapping[int, list[str]]) -> Version:
    number, run_id = int(item["version"]), str(item.get("run_id") or "")
    run = _run(server, run_id) if run_id else {}
    data, ran, own = run.get("data", {}), _tags(run.get("data", {})), _tags(item)
    described = _described(server, str(item["name"]), number)
    changed = " and changes" if ran.get("source.changed") == "true" else ""
    commit = ran.get("mlflow.source.git.commit", "")
    size = own.get("weights.sizeBytes", "")
    return Version(
        number=number,
        aliases=tuple(sorted(aliases.get(number, []))),
        created_ms=int(item.get("creation_timestamp", 0)),
        run=run_id,
        params={param["key"]: param["value"] for param in data.get("params", [])},
        metrics={metric["key"]: float(metric["value"]) for metric in data.get("metrics", [])},
        data=tuple(map(_data_set, run.get("inputs", {}).get("dataset_inputs", []))),
        signature=_signature(described),
        description=item.get("description", ""),
        digest=own.get("weights.digest", ""),
        base=own.get("base.digest", ""),
        commit=f"{commit}{changed}" if commit else "",
        size_bytes=int(size if size.isdecimal() else described.get("model_size_bytes") or 0),
    )


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in item.get("tags", [])}


def _data_set(item: Mapping[str, Any]) -> DataSet:
    found = item.get("dataset", {})
    use = _tags(item).get("mlflow.data.context", "")
    return DataSet(name=found.get("name", ""), digest=found.get("digest", ""), use=use)


def _run(server: Server, id: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = server.get(f"{_API}/runs/get", run_id=id)["run"]
        return found
    except Rejected as error:
        if not error.missing:
            raise
        return {}


def _described(server: Server, name: str, number: int) -> Mapping[str, Any]:
    """A version's MLmodel file; empty when it has none."""
    try:
        text = server.text("model-versions/get-artifact", name=name, version=str(number), path="MLmodel")
        found = yaml_lines.one(text, "MLmodel")
    except (Rejected, Refused):
        return {}
    return found if isinstance(found, Mapping) else {}


def _signature(described: Mapping[str, Any]) -> str:
    """What a version takes and gives; empty when its file does not say."""
    said = described.get("signature")
    if not isinstance(said, Mapping):
        return ""
    sides = [_columns(said.get(side)) for side in ("inputs", "outputs")]
    return " -> ".join(sides) if any(sides) else ""


def _columns(schema: Any) -> str:
    try:
        columns = plain_json.loads(schema or "[]")
    except ValueError:
        return ""
    return ", ".join(f"{column.get('name', column.get('type', 'value'))}: {_type(column)}" for column in columns)


def _type(column: Mapping[str, Any]) -> str:
    if column.get("type") != "tensor":
        return str(column.get("type", "any"))
    spec = column.get("tensor-spec", {})
    return f"{spec.get('dtype', 'any')}{spec.get('shape', '')}"
