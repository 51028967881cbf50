"""The life of registry content, with the real engine, our provider and a real MLflow server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlflow_provider.api import Server
from tests.conformance.registry.conftest import PLANTED
from tests.conformance.registry.playground import Playground, said, shown

Make = Callable[..., Playground]
Fresh = Callable[[str], str]
pytestmark = pytest.mark.conformance


def newest(server: Server, prompt: str) -> tuple[int, str]:
    item = server.get("2.0/mlflow/registered-models/get", name=prompt)["registered_model"]
    version = item["latest_versions"][0]
    tags = {tag["key"]: tag["value"] for tag in version["tags"]}
    return int(version["version"]), tags["mlflow.prompt.text"]


def alias(server: Server, name: str, alias: str) -> int | None:
    item = server.get("2.0/mlflow/registered-models/get", name=name)["registered_model"]
    return next((int(each["version"]) for each in item.get("aliases", []) if each["alias"] == alias), None)


def test_a_prompt_and_its_alias_through_change_drift_and_repair(playground: Make, server: Server, fresh: Fresh) -> None:
    play, prompt = playground(), fresh("support")
    file = play.prompt("support.md", "You help.\nBe brief.")
    play.content = {"prompts": {prompt: {"file": file, "aliases": {"production": {}}}}}
    assert play.up().events.changes["create"] == 5
    assert (newest(server, prompt), alias(server, prompt, "production")) == ((1, "You help.\nBe brief."), 1)

    play.prompt("support.md", "You help.\nBe kind.")
    planned = play.preview()
    assert "-Be brief." in shown(planned) and "+Be kind." in shown(planned)
    assert {step.type.rpartition(":")[2] for step in planned.events.steps.values()} == {"Prompt", "PromptAlias"}
    assert newest(server, prompt)[0] == 1
    play.up()
    assert (newest(server, prompt), alias(server, prompt, "production")) == ((2, "You help.\nBe kind."), 2)
    assert play.up().events.touched == 0

    server.post("2.0/mlflow/registered-models/alias", name=prompt, alias="production", version="1")
    outcome = play.refresh()
    assert [(step.type, step.keys) for step in outcome.events.steps.values()] == [
        ("modelyard:registry:PromptAlias", ("version",))
    ]
    play.up()
    assert (newest(server, prompt)[0], alias(server, prompt, "production")) == (2, 2)


def test_an_unchanged_stack_asks_the_server_nothing(playground: Make, server: Server, fresh: Fresh) -> None:
    play = playground()
    play.content = {"models": {fresh("model"): {"description": "d", "tags": {"a": "b"}}}}
    play.up()
    nowhere = {"MODELYARD_REGISTRY_URL": "http://127.0.0.1:9", "MODELYARD_REGISTRY_PASSWORD": server.password}
    apart = Playground(play.root, nowhere, play.config, play.content)
    assert apart.preview().events.touched == 0
    assert apart.up().events.touched == 0


def test_a_server_that_comes_back_lets_a_second_up_finish_and_no_secret_is_in_the_state(
    playground: Make, server: Server, fresh: Fresh
) -> None:
    model, hook, veiled, user = fresh("model"), fresh("hook"), fresh("veiled"), fresh("user")
    play = playground()
    play.content = {
        "timeoutSec": 1,
        "models": {model: {"description": "d"}},
        "webhooks": {
            hook: {"url": "https://example.org/x", "events": ["model_version.created"], "secret": "config:hook"},
            veiled: {"urlSecret": "config:address", "events": ["model_version.created"]},
        },
        "users": {user: {"password": "config:pass", "grants": {"models": {model: "edit"}}}},
    }
    address = f"https://example.org/{PLANTED}?token={PLANTED}"
    play.config = {"hook": PLANTED, "pass": f"{PLANTED}-long", "address": address}
    down = Playground(play.root, {"MODELYARD_REGISTRY_URL": "http://127.0.0.1:9"}, play.config, play.content)
    failed = down.up(ok=False)
    assert "the registry does not answer" in said(failed) and "the same `up` goes on" in said(failed)
    assert [resource for resource in play.resources() if resource.get("id")] == []

    play.content["timeoutSec"] = 60
    play.up()
    state = play.export()
    assert PLANTED not in state and "secretDigest" in state and "urlSecretDigest" in state
    (told,) = [page for page in server.pages("2.0/mlflow/webhooks", "webhooks") if page["name"] == veiled]
    assert told["url"] == address
    signed_in = Server(server.url, user, f"{PLANTED}-long").get("2.0/mlflow/users/current")
    assert signed_in["user"]["username"] == user
    assert play.preview().events.touched == 0

    play.config["pass"] = f"{PLANTED}-other"
    changed = play.preview()
    assert [(step.type, step.keys) for step in changed.events.steps.values()] == [
        ("modelyard:registry:User", ("password",))
    ]
    assert PLANTED not in shown(changed)

    play.up()
    server.patch(f"2.0/mlflow/webhooks/{told['webhook_id']}", url=f"https://example.org/{PLANTED}/elsewhere")
    outcome = play.refresh()
    assert [(step.type, step.keys) for step in outcome.events.steps.values()] == [
        ("modelyard:registry:Webhook", ("urlSecret",))
    ]
    assert PLANTED not in play.export() + shown(outcome)
    play.up()
    (told,) = [page for page in server.pages("2.0/mlflow/webhooks", "webhooks") if page["name"] == veiled]
    assert told["url"] == address and PLANTED not in play.export()
