"""How the block of an import is put into a stack file; with no server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.registry.content.spec import RegistryContentSpec
from mlflow_provider.api import Server
from ops.registry import importing as registry_import

# Built from pieces, so that no scanner meets them.
PLANTED = "planted" + "5e1f7c"


def test_a_stack_file_without_a_registry_gets_one_at_the_end_of_its_platform(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bare.yaml"
    file.write_text("config:\n  modelyard:platform:\n    environment: dev\n\n  # regions\n  aws:region: us-east-1\n")
    block = registry_import.Block(content={"models": {"m": {"description": "d"}}}, files={"prompts/p.md": "hi\n"})
    registry_import.write(block, file, tmp_path)
    content = yaml.safe_load(file.read_text())["config"]
    assert content["modelyard:platform"] == {"environment": "dev", "registry": {"models": {"m": {"description": "d"}}}}
    assert "\n\n  # regions\n  aws:region: us-east-1\n" in file.read_text()
    assert (tmp_path / "prompts" / "p.md").read_text() == "hi\n"


class Filled(Server):
    """A server with one webhook and one key of the gateway; it has nothing else."""

    def __init__(self, url: str, settings: dict[str, str]) -> None:
        super().__init__("http://127.0.0.1:1")
        self.hook = {"webhook_id": "1", "name": "ci", "url": url, "events": [{"entity": "PROMPT", "action": "CREATED"}]}
        self.secret = {"secret_id": "1", "secret_name": "openai", "provider": "openai", "auth_config": settings}

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        assert method in ("GET", "POST") and not path.endswith(("create", "update"))
        return {"webhooks": [self.hook]} if path.endswith("/webhooks") else {"secrets": [self.secret]}


@pytest.mark.parametrize(
    "url",
    [
        f"https://robot:{PLANTED}@example.org/x",
        f"https://example.org/x?token={PLANTED}",
        "https://hooks.slack.com/services/" + PLANTED,
    ],
)
def test_an_address_or_a_setting_that_is_a_secret_is_named_or_left_out_and_noted(url: str) -> None:
    block = registry_import.read(Filled(url, {"api_base": "https://example.org", "api_key": PLANTED}), users=False)
    assert PLANTED not in str(block)
    assert block.content["webhooks"]["ci"] == {"urlSecret": "config:ciUrl", "events": ["prompt.created"]}
    assert block.content["gateway"]["keys"]["openai"]["settings"] == {"api_base": "https://example.org"}
    assert any("config:ciUrl" in note for note in block.notes)
    assert any("api_key" in note and "left out" in note for note in block.notes)
    RegistryContentSpec.model_validate(block.content)


def test_an_address_that_anybody_may_read_is_written(tmp_path: Path) -> None:
    block = registry_import.read(Filled("https://example.org/x", {}), users=False)
    assert block.content["webhooks"]["ci"] == {"url": "https://example.org/x", "events": ["prompt.created"]}
    assert "settings" not in block.content["gateway"]["keys"]["openai"]


@pytest.mark.parametrize("url", ["https://example.org/x", f"https://example.org/x?token={PLANTED}"])
def test_an_address_that_the_file_names_as_a_secret_stays_one(url: str, tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bare.yaml"
    before = {"webhooks": {"ci": {"urlSecret": "awssm:hooks#ci", "events": ["prompt.created"]}}}
    file.write_text(yaml.safe_dump({"config": {"modelyard:platform": {"registry": before}}}, default_flow_style=False))
    registry_import.write(registry_import.read(Filled(url, {}), users=False), file, tmp_path)
    content = yaml.safe_load(file.read_text())["config"]["modelyard:platform"]["registry"]
    assert content["webhooks"]["ci"] == {"urlSecret": "awssm:hooks#ci", "events": ["prompt.created"]}
