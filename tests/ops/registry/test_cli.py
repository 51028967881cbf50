"""What `modelyard registry` and `modelyard models` say to a person and to a machine; the server is the test's own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlflow_provider.api import Server
from ops import cli
from ops.registry import cli as registry_cli
from ops.registry import importing as registry_import
from ops.registry import versions as model_versions
from ops.registry.versions import Model, Version
from tests.roots import ROOT

MODEL = {"name": "assistant", "description": "Answers", "newest": 2, "aliases": {"production": 1}}
BLOCK = registry_import.Block(
    content={"models": {"assistant": {"description": "Answers"}}},
    files={"prompts/p.md": "hi\n"},
    notes=["users.alice: give config:alicePassword the password that is in use"],
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    @contextlib.contextmanager
    def reached(*_: Any) -> Iterator[Server]:
        yield Server("http://127.0.0.1:1", "", "")

    (tmp_path / "Pulumi.yaml").write_text("name: modelyard\nmain: infra/\nruntime: python\n")
    (tmp_path / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry_cli, "reached", reached)
    monkeypatch.setattr(registry_import, "read", lambda *_, **__: BLOCK)
    monkeypatch.setattr(model_versions, "models", lambda _: [MODEL])
    version = Version(number=1, aliases=(), created_ms=0, run="", params={}, metrics={"a": 0.5}, data=(), signature="")
    monkeypatch.setattr(model_versions, "model", lambda *_: Model(name="m", tags={}, versions=(version,)))
    return tmp_path


@pytest.mark.parametrize(
    "command", [["models", "list"], ["models", "show", "m"], ["models", "compare", "m"], ["registry", "import"]]
)
def test_every_command_that_reads_a_registry_writes_one_json_value_when_a_machine_reads(
    command: list[str], root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "--stack", "dev", "--format", "json"]) == 0
    assert json.loads(capfd.readouterr().out)
    assert cli.run([*command, "--stack", "dev"]) == 0
    with pytest.raises(ValueError):
        json.loads(capfd.readouterr().out)


def test_an_import_tells_a_machine_the_block_what_was_written_and_what_to_know(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    at = ["registry", "import", "--stack", "dev", "--format", "json"]
    before = (root / "Pulumi.dev.yaml").read_text()
    assert cli.run([*at, "--look"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert said == {"registry": BLOCK.content, "written": [], "notes": BLOCK.notes}
    assert (root / "Pulumi.dev.yaml").read_text() == before and not (root / "prompts").exists()
    assert cli.run(at) == 0
    assert json.loads(capfd.readouterr().out)["written"] == ["Pulumi.dev.yaml", "prompts/p.md"]
    assert (root / "prompts" / "p.md").read_text() == "hi\n"


def test_an_import_tells_a_person_what_was_written_or_prints_the_block(
    root: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["registry", "import", "--stack", "dev", "--look"]) == 0
    out = capfd.readouterr().out
    assert out.startswith("registry:\n") and "wrote" not in out and f"note: {BLOCK.notes[0]}" in out
    assert cli.run(["registry", "import", "--stack", "dev"]) == 0
    assert capfd.readouterr().out.startswith("wrote Pulumi.dev.yaml\nwrote prompts/p.md\nnote: ")
