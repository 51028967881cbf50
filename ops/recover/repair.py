"""Puts a stack's state right after an engine was killed, as a pure function of the state and of what the world holds.

An engine notes a create before it calls the provider. Killed in between, the note stays: the object may exist or not.
Killed on the provider's side, even the note may be gone. Either way the world knows on whose behalf an object was made.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Made:
    """An object of the world: the URN on whose behalf it was made, its id and inputs."""

    urn: str
    id: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """A state to import, and each thing that was done to it, one line each; `changed` is false when nothing was."""

    state: dict[str, Any]
    said: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """Whether the state must be written back."""
        return bool(self.said)


def repair(state: Mapping[str, Any], world: Iterable[Made]) -> Repaired:
    """The state without pending operations and with every object of this stack that the world holds.

    Idempotent: a repaired state is repaired again without a change.
    """
    fixed = copy.deepcopy(dict(state))
    resources: list[dict[str, Any]] = fixed.setdefault("resources", [])
    pending = {_urn(each): each for each in fixed.get("pending_operations") or []}
    said: list[str] = []
    known = {(resource["urn"], resource.get("id", "")) for resource in resources}
    imported: set[str] = set()
    for made in world:
        if (made.urn, made.id) in known:
            continue
        entry = _entry(made, pending.get(made.urn), resources)
        if entry is None:
            said.append(
                f"left alone: {_short(made.urn)} is in the world as {made.id}, its provider is not in the state"
            )
            continue
        _make_room(resources, made.urn)
        resources.append(entry)
        imported.add(made.urn)
        said.append(f"imported: {_short(made.urn)} had been created as {made.id}")
    for urn, operation in pending.items():
        kind = str(operation.get("type", ""))
        if kind != "creating":
            said.append(f"cleared: {_short(urn)} was {kind}; the refresh reads what came of it")
        elif urn not in imported:
            said.append(f"cleared: {_short(urn)} was creating, and had not been created")
    fixed.pop("pending_operations", None)
    return Repaired(state=fixed, said=tuple(said))


def _entry(made: Made, operation: Mapping[str, Any] | None, resources: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The state's entry for an object: the engine's own note of it when there is one, else what the world recalls."""
    if operation is not None and operation.get("type") == "creating":
        noted = dict(operation["resource"])
        return {**noted, "id": made.id, "outputs": noted.get("inputs", {})}
    kind = made.urn.split("::")[2].rpartition("$")[2]
    provider = _provider(kind.partition(":")[0], resources)
    if provider is None:
        return None
    entry: dict[str, Any] = {
        "urn": made.urn,
        "custom": True,
        "id": made.id,
        "type": kind,
        "inputs": dict(made.inputs),
        "outputs": dict(made.inputs),
        "provider": provider,
        "dependencies": _needs(made.inputs, resources),
    }
    parent = _parent(made.urn, resources)
    return {**entry, "parent": parent} if parent else entry


def _make_room(resources: list[dict[str, Any]], urn: str) -> None:
    """An older object under the same URN is the one being replaced: marked for deletion, or dropped if gone already."""
    for each in [resource for resource in resources if resource["urn"] == urn and not resource.get("delete")]:
        if each.get("pendingReplacement"):
            resources.remove(each)
        else:
            each["delete"] = True


def _provider(package: str, resources: Iterable[Mapping[str, Any]]) -> str | None:
    for resource in resources:
        if str(resource.get("provider", "")).split("::")[2:3] == [f"pulumi:providers:{package}"]:
            return str(resource["provider"])
    for each in resources:
        if each.get("type") == f"pulumi:providers:{package}":
            return f"{each['urn']}::{each['id']}"
    return None


def _needs(inputs: Mapping[str, Any], resources: Iterable[Mapping[str, Any]]) -> list[str]:
    """The resources whose id or ARN stands somewhere in the inputs: they must be deleted later."""
    words = set(_strings(inputs))
    return [
        str(resource["urn"])
        for resource in resources
        if {resource.get("id"), (resource.get("outputs") or {}).get("arn")} & words and not resource.get("delete")
    ]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _parent(urn: str, resources: Iterable[Mapping[str, Any]]) -> str:
    """The one resource whose type chain is that of `urn` without its own type; empty when that is not exactly one."""
    chain = urn.split("::")[2].rpartition("$")[0]
    chains = [str(resource["urn"]) for resource in resources if str(resource["urn"]).split("::")[2] == chain]
    return chains[0] if chain and len(chains) == 1 else ""


def _urn(operation: Mapping[str, Any]) -> str:
    return str(operation["resource"]["urn"])


def _short(urn: str) -> str:
    parts = urn.split("::")
    return f"{parts[-2].rpartition('$')[2]} {parts[-1]}"
