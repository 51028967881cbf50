"""Writes docs/attacks.md: every attack by kind, with the law of its kind and what stops it."""

from __future__ import annotations

from collections.abc import Iterator

from tests.attacks.attack import Kind
from tests.attacks.registry import attacks
from tests.roots import ROOT

PAGE = ROOT / "docs" / "attacks.md"


def page() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    found = attacks()
    yield "# Attacks that are tried"
    yield ""
    yield f"`make test` tries each of these {len(found)} attacks on the gates. `python -m tests.attacks` writes this page."
    for kind in Kind:
        yield ""
        yield f"## {kind.name.capitalize()}"
        yield ""
        yield f"{kind.value}."
        yield ""
        yield "| what is tried | what stops it |"
        yield "|---|---|"
        yield from (f"| {_cell(each.name)} | {_cell(each.stopped_by)} |" for each in found if each.kind is kind)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
