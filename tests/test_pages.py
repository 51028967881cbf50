"""What the pages tell a reader to type is there: every command and what it needs, every make target, every file of a link."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from ops.cli import app
from tests.roots import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
_COMMAND = re.compile(r"(?:^|`|\$ |-- )modelyard((?: [a-z][a-z-]*)+)", re.MULTILINE)
_CALL = re.compile(r"(^\$ |`|-- )modelyard((?: [a-z][a-z-]*)+)([^`\n]*)", re.MULTILINE)
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


_FILE = re.compile(
    r"`((?:app|components|contract|core|docs|examples|infra|kube|labs|mlflow_provider|ops|policies|pricing|prompts|releases"
    r"|requirements|sandbox|tests)/[\w./-]*)`"
)
HISTORY = ROOT / "CHANGELOG.md"
"""Names commands and files as they were when it was written."""


@pytest.mark.parametrize(
    "page", [path for path in PAGES if path != HISTORY], ids=lambda page: str(page.relative_to(ROOT))
)
def test_a_file_that_a_page_names_is_there(page: Path) -> None:
    # What stands in capitals is for the reader to fill in.
    named = [name for name in _FILE.findall(page.read_text()) if not re.search(r"\b[A-Z]{2,}\b", name)]
    assert [name for name in named if not (ROOT / name).exists()] == []


def anchors(text: str) -> set[str]:
    """The anchor that a page gets for each of its headings."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


_ANCHOR = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_heading_that_a_link_names_is_there(page: Path) -> None:
    for name, anchor in _ANCHOR.findall(page.read_text()):
        target = page.parent / name if name else page
        assert anchor in anchors(target.read_text()), f"{name}#{anchor}"


def missing(text: str) -> list[str]:
    """Each command of a text that lacks an option which it needs.

    In a console block a command is whole; in a sentence it may be named by its words alone, or with `...` for the rest.
    """
    found, group = [], typer.main.get_group(app)
    for before, words, more in _CALL.findall(text.replace("\\\n", " ")):
        names = words.split()
        command = group.commands[names[0]]
        if below := getattr(command, "commands", None):
            command = below.get(names[1] if len(names) > 1 else "")
        called = before.startswith("$") or (" -" in more and "..." not in more)
        if command is None or not called:
            continue
        typed = {word.partition("=")[0] for word in (words + more).split("  #")[0].split()}
        needed = [param.opts for param in command.params if param.required and param.param_type_name == "option"]
        found += [f"modelyard{words}: {options[0]}" for options in needed if typed.isdisjoint(options)]
    return found


@pytest.mark.parametrize(
    "page", [path for path in PAGES if path != HISTORY], ids=lambda page: str(page.relative_to(ROOT))
)
def test_what_a_page_tells_to_type_has_every_option_that_it_needs(page: Path) -> None:
    assert missing(page.read_text()) == []


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("`modelyard preview`", ""),
        ("`modelyard render --stack dev`", "modelyard render: --out"),
        ("`modelyard render --stack=dev -o there`", ""),
        ("`modelyard models compare ... --out it.html`", ""),
        ("`modelyard models compare router --out it.html`", "modelyard models compare router: --stack"),
        ("$ modelyard preview", "modelyard preview: --stack"),
        ("$ modelyard preview  # or with --stack dev", "modelyard preview: --stack"),
        ("$ modelyard simulate --stack dev \\\n    --pods pods.yaml", ""),
        ("$ python -m labs.registry --open -- modelyard models list --url URL", "modelyard models list: --stack"),
    ],
)
def test_a_command_without_what_it_needs_is_found(text: str, lacks: str) -> None:
    assert missing(text) == ([lacks] if lacks else [])
