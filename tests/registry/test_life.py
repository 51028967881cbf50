"""The life of registry content, with the real engine, our provider and a real MLflow server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from registry.api import Server
from tests.registry.conftest import Playground

Make = Callable[..., Playground]
Fresh = Callable[[str], str]
pytestmark = pytest.mark.engine


def newest(server: Server, prompt: str) -> tuple[int, str]:
    item = server.get("2.0/mlflow/registered-models/get", name=prompt)["registered_model"]
    version = item["latest_versions"][0]
    tags = {each["key"]: each["value"] for each in version["tags"]}
    return int(version["version"]), tags["mlflow.prompt.text"]


def alias(server: Server, name: str, alias: str) -> int | None:
    item = server.get("2.0/mlflow/registered-models/get", name=name)["registered_model"]
    return next((int(each["version"]) for each in item.get("aliases", []) if each["alias"] == alias), None)


def test_a_prompt_and_its_alias_through_change_drift_and_repair(playground: Make, server: Server, fresh: Fresh) -> None:
    play, prompt = playground(), fresh("support")
    file = play.prompt("support.md", "You help.\nBe brief.")
    play.content = {"prompts": {prompt: {"file": file, "aliases": {"production": {}}}}}
    assert play.up().gathered.changes["create"] == 5
    assert (newest(server, prompt), alias(server, prompt, "production")) == ((1, "You help.\nBe brief."), 1)

    play.prompt("support.md", "You help.\nBe kind.")
    shown = play.preview(diff=True)
    assert "- Be brief." in shown.diff and "+ Be kind." in shown.diff
    assert {step.type.rpartition(":")[2] for step in shown.gathered.steps.values()} == {"Prompt", "PromptAlias"}
    assert newest(server, prompt)[0] == 1
    play.up()
    assert (newest(server, prompt), alias(server, prompt, "production")) == ((2, "You help.\nBe kind."), 2)
    assert play.up().gathered.touched == 0

    server.post("2.0/mlflow/registered-models/alias", name=prompt, alias="production", version="1")
    found = play.refresh()
    assert [(step.type, step.keys) for step in found.gathered.steps.values()] == [
        ("modelyard:registry:PromptAlias", ("version",))
    ]
    play.up()
    assert (newest(server, prompt)[0], alias(server, prompt, "production")) == (2, 2)
