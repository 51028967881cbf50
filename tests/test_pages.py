"""What the pages tell a reader to type is there: every command of ours, every make target, every file that a link names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ops.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
_COMMAND = re.compile(r"(?:^|`|\$ |-- )modelyard((?: [a-z][a-z-]*)+)", re.MULTILINE)
_TARGET = re.compile(r"(?:`|^\$ |^)make ([a-z]+(?:-[a-z]+)*)(?=[`\s]|$)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)\s]*)?\)")


def commands(group: typer.core.TyperGroup) -> dict[str, list[str]]:
    """Every command, and below each group those of the group."""
    return {name: sorted(getattr(each, "commands", {})) for name, each in group.commands.items()}


COMMANDS = commands(typer.main.get_group(app))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_tells_to_type_is_there(page: Path) -> None:
    text = page.read_text()
    for words in (found.split() for found in _COMMAND.findall(text)):
        assert words[0] in COMMANDS, f"modelyard {words[0]}"
        if below := COMMANDS[words[0]]:
            assert len(words) == 1 or words[1] in below, f"modelyard {' '.join(words[:2])}"
    assert set(_TARGET.findall(text)) <= TARGETS
    assert [name for name in _LINK.findall(text) if not (page.parent / name).exists()] == []
