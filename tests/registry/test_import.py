"""How the block of an import is put into a stack file; with no server."""

from __future__ import annotations

from pathlib import Path

import yaml

from ops import registry_import


def test_a_stack_file_without_a_registry_gets_one_at_the_end_of_its_platform(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.bare.yaml"
    file.write_text("config:\n  modelyard:platform:\n    environment: dev\n\n  # regions\n  aws:region: us-east-1\n")
    block = registry_import.Block(content={"models": {"m": {"description": "d"}}}, files={"prompts/p.md": "hi\n"})
    registry_import.write(block, file, tmp_path)
    content = yaml.safe_load(file.read_text())["config"]
    assert content["modelyard:platform"] == {"environment": "dev", "registry": {"models": {"m": {"description": "d"}}}}
    assert "\n\n  # regions\n  aws:region: us-east-1\n" in file.read_text()
    assert (tmp_path / "prompts" / "p.md").read_text() == "hi\n"
