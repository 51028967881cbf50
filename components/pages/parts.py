"""The page of the platform's parts, written from their catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from components.catalogue import PARTS
from components.part import Part

PAGE = Path(__file__).resolve().parents[2] / "docs" / "parts.md"

_HEAD = """# The parts of a platform

Written by `python -m components` from `components/catalogue.py`; a test compares the two.

Each part has a folder in `components/` with its Specs, its components, its bill, its alerts and its dashboards, as far as it has
them. To add one, write its folder, add its row to the catalogue, and wire it in `infra/`.

| part | what it is | a stack has it | folder | alerts | dashboard |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    return _HEAD + "".join(f"| {' | '.join(_cells(part))} |\n" for part in PARTS)


def _cells(part: Part) -> Iterator[str]:
    folder = part.components.__module__.rpartition(".")[0].replace(".", "/")
    alerts = ", ".join(f"[{group.name}](alerts.md#{group.name})" for group in part.alerts)
    yield from (part.name, part.about, part.when, f"`{folder}/`", alerts)
    yield ", ".join(f"`{board.uid}`" for board in part.dashboards)
