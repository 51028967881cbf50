"""One stack, three ways to declare it: in this process, through the language host, and without an engine at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from engine.marks import SIGNATURE
from infra.declared import declare
from ops import commands, shell
from ops.worlds.sandbox import SandboxWorld
from tests.roots import ROOT

pytestmark = pytest.mark.engine

OF_THE_RUN = ("created", "modified", "sourcePosition", "stackTrace")
"""What a state says of when and from which line a resource was registered."""

STACKS = sorted(file.name.split(".")[1] for file in ROOT.glob("Pulumi.*.yaml"))
PROVIDER, STACK = "pulumi:providers:", "pulumi:pulumi:Stack"


def test_plain_pulumi_through_the_language_host_makes_the_same_state(
    deployed: Callable[..., Any], stage: Callable[..., Any], tmp_path: Path
) -> None:
    plain = stage("dev")
    command = ["pulumi", "up", "--yes", "--skip-preview", "--suppress-outputs"]
    assert shell.run(plain.place, SandboxWorld(), command, plain.show) == 0
    assert plain.git() == ""
    ours = deployed("dev", tmp_path / "inline")
    mine, theirs = (_by_urn(each.export()) for each in (ours, plain))
    assert list(mine) == list(theirs)
    for urn, resource in mine.items():
        assert resource == theirs[urn], urn


@pytest.mark.parametrize("stack", STACKS)
def test_what_is_declared_without_an_engine_is_what_the_engine_has(deployed: Callable[..., Any], stack: str) -> None:
    stage = deployed(stack)
    state = {each["urn"]: each for each in stage.export() if not _is_the_engines(each)}
    declared = declare(commands.program(stage.place), project="modelyard", stack=stack)
    assert set(declared) == set(state)
    providers = [each for each in declared.values() if each.token == f"{PROVIDER}aws"]
    tags = [json.loads(provider.inputs["defaultTags"])["tags"] for provider in providers]
    by_default = {f"tags.{key}": tag for of_one in tags for key, tag in of_one.items()}
    for urn, wanted in declared.items():
        found = state[urn]
        assert (wanted.token, wanted.custom) == (found["type"], found["custom"]), urn
        assert (wanted.parent, wanted.protect) == (found.get("parent", ""), found.get("protect", False)), urn
        assert set(wanted.dependencies) == set(found.get("dependencies") or ()), urn
        more = dict(_differences(wanted.inputs, found.get("inputs") or {}))
        assert more.items() <= by_default.items(), urn


def _is_the_engines(resource: Mapping[str, Any]) -> bool:
    """Whether a resource is not the program's own: the stack, and providers that the engine adds."""
    return resource["type"] == STACK or (resource["type"].startswith(PROVIDER) and "::default" in resource["urn"])


def _by_urn(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """The state in the order of URNs, without what belongs to one run: times, places, random ids, the order of sets."""
    return {
        resource["urn"]: _plain(resource) for resource in sorted(resources, key=lambda resource: str(resource["urn"]))
    }


def _plain(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in resource.items() if key not in OF_THE_RUN}
    kept["provider"] = str(kept.get("provider", "")).rpartition("::")[0]
    kept["dependencies"] = sorted(kept.get("dependencies") or ())
    needed = kept.get("propertyDependencies") or {}
    kept["propertyDependencies"] = {key: sorted(urns or ()) for key, urns in needed.items()}
    if str(kept["type"]).startswith(PROVIDER):
        del kept["id"]
    metadata = (kept.get("outputs") or {}).get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("uid", None)
    return {key: _veiled(value) for key, value in kept.items()}


def _veiled(value: Any) -> Any:
    """The value without what secrets hold: keys that are made at random differ from run to run."""
    if isinstance(value, dict):
        if SIGNATURE in value:
            return "a secret"
        return {key: _veiled(inner) for key, inner in value.items()}
    return [_veiled(inner) for inner in value] if isinstance(value, list) else value


def _differences(wanted: Any, found: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Where a state's inputs say something else than what was declared, as far as that could be known."""
    if isinstance(wanted, str) and "${" in wanted:
        return
    if isinstance(wanted, dict | None) and isinstance(found, dict):
        generated = {"__defaults", "__internal", "version", *(found.get("__defaults") or ())}
        for key in (wanted or {}).keys() | (found.keys() - generated):
            yield from _differences((wanted or {}).get(key), found.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (mine, theirs) in enumerate(zip(wanted, found, strict=True)):
            yield from _differences(mine, theirs, f"{path}[{index}]")
    elif wanted != found:
        yield path, found
