"""A server filled by hand: its block is written, and an `up` from it changes nothing on the server."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlflow_provider.api import Server
from mlflow_provider.kinds.base import Found
from mlflow_provider.kinds.catalogue import KINDS
from ops.registry import importing as registry_import
from sandbox.stack import mlflow_server as registry
from tests.conformance.registry.playground import Playground
from tests.roots import ROOT

pytestmark = pytest.mark.conformance

STACK = """\
# What the reader should keep.
config:
  modelyard:platform:
    environment: dev
    registry:
      database: { storageGb: 30 }
      models:
        model-1: { aliases: { production: { by: promotion } }, retainOnDelete: false }
    # after it
    owner: ml-platform
"""


def everything(server: Server) -> dict[str, list[tuple[str, Any, Any]]]:
    return {
        token: sorted((each.id, each.inputs, each.outputs) for each in kind.every(server))
        for token, kind in KINDS.items()
    }


def make(server: Server, kind: str, inputs: dict[str, Any], secret: str = "") -> Found:
    return KINDS[f"modelyard:registry:{kind}"].create(server, inputs, secret)


COUNT = int(os.environ.get("MODELYARD_IMPORT_COUNT", "8"))
"""Items of every kind, of permissions twice as many: 104 in all. MODELYARD_IMPORT_COUNT=100 makes 1,300, and takes minutes."""


def fill(server: Server, count: int) -> None:
    """`count` of every kind, as people make them by hand."""
    for number in range(1, count + 1):
        tags = {"team": f"t{number}"}
        experiment = make(server, "Experiment", {"name": f"experiment/{number}", "description": "runs", "tags": tags})
        make(server, "RegisteredModel", {"name": f"model-{number}", "description": "a model", "tags": tags})
        server.post("2.0/mlflow/model-versions/create", name=f"model-{number}", source=f"s3://models/{number}")
        make(server, "ModelAlias", {"model": f"model-{number}", "alias": "champion", "version": 1})
        text = {"text": f"Say {{{{name}}}} hello.\n\nTwice: {number}\n"}
        chat = {
            "messages": [{"role": "system", "content": "Be brief.\nBe kind."}, {"role": "user", "content": "{{q}}"}],
            "modelConfig": {"temperature": 0.7, "max_tokens": 10 * number, "seed": 4},
            "responseFormat": {"type": "object", "properties": {"answer": {"type": "string"}}},
        }
        make(server, "Prompt", {"name": f"prompt-{number}", **(text if number % 2 else chat), "tags": tags})
        make(server, "PromptAlias", {"prompt": f"prompt-{number}", "alias": "live", "version": 1})
        hook = {"url": f"https://hooks.example.org/{number}", "events": ["prompt.created"], "enabled": number % 2 == 0}
        make(server, "Webhook", {"name": f"hook-{number}", **hook}, "s3cret")
        make(
            server, "User", {"username": f"user-{number}", "password": "", "admin": number == 1}, f"password-{number}-x"
        )
        for kind, id, level in (("experiment", experiment.id, "EDIT"), ("prompt", f"prompt-{number}", "READ")):
            make(server, "Permission", {"user": f"user-{number}", "type": kind, "resource": id, "permission": level})
        key = make(server, "GatewayKey", {"name": f"key-{number}", "provider": "openai", "value": ""}, f"sk-{number}-x")
        made = {"name": f"fast-{number}", "provider": "openai", "model": "gpt-4o-mini", "key": key.id}
        model = make(server, "GatewayModel", made)
        shares = {"models": [{"id": model.id, "weight": 1}], "usageTracking": number % 2 == 0}
        endpoint = make(server, "GatewayEndpoint", {"name": f"chat-{number}", **shares})
        budget = {"amountUsd": 10.5 * number, "every": 1, "unit": "DAYS", "action": "ALERT"}
        make(server, "BudgetPolicy", {**budget, "scope": "ENDPOINT", "target": endpoint.id})


@pytest.fixture
def own(tmp_path: Path) -> Iterator[registry.MlflowServer]:
    """A server of this test's own, with nothing in it."""
    server = registry.start(tmp_path / "mlflow", ROOT / ".sandbox" / "cache", {}, users=True)
    yield server
    server.close()


def test_a_server_filled_by_hand_is_imported_and_up_changes_nothing_on_it(
    own: registry.MlflowServer, playground: Callable[..., Playground]
) -> None:
    server, play, count = Server(own.url, registry.ADMIN, own.password), playground(**own.variables()), COUNT
    fill(server, count)
    before = everything(server)
    assert {len(items) for kind, items in before.items() if not kind.endswith(":Permission")} == {count}
    file = play.root / "Pulumi.filled.yaml"
    file.write_text(STACK)
    block = registry_import.read(server, users=True)
    registry_import.write(block, file, play.root)

    text = file.read_text()
    assert text.startswith("# What the reader should keep.\n") and "    # after it\n    owner: ml-platform\n" in text
    said = yaml.safe_load(text)["config"]["modelyard:platform"]["registry"]
    assert said["database"] == {"storageGb": 30}
    assert said["models"]["model-1"]["aliases"] == {"champion": {"version": 1}, "production": {"by": "promotion"}}
    assert said["models"]["model-1"]["retainOnDelete"] is False

    play.content = {key: value for key, value in said.items() if key != "database"}
    play.config = {f"user-{n}Password": f"password-{n}-x" for n in range(1, count + 1)}
    play.config |= {f"key-{n}Key": f"sk-{n}-x" for n in range(1, count + 1)}
    play.up()
    assert everything(server) == before
    assert play.preview().events.touched == 0
    assert registry_import.read(server, users=True).content == block.content
