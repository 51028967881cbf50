"""Writes the page of all classified inputs: `python -m pricing.bill.input_docs` renews docs/priced-inputs.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pricing.bill.inputs import Input, Kind, Table, tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "priced-inputs.md"

_INTRODUCTION = """\
# Inputs, and what each does to a price

This page is written by `python -m pricing.bill.input_docs`; change `pricing/bill/data/inputs`, not the page.

A price is only as good as the inputs that it reads. So every input of a type that has a price, or that affects another price, is
classified once:

- **priced**: the price reads it. A value that the price does not cover makes the line unpriced.
- **free**: it costs nothing, or is counted elsewhere; the file says why.
- **unpriced**: it costs something that the price does not cover. Once it is set, or when nobody knows whether it is, the line
  has no price, its name stands in the reason, and no budget fits.

An input that nobody has classified is unpriced too, so a new version of a provider cannot add a cost unnoticed.
Tests hold the tables against the schemas that the providers publish, and change every priced input to see the bill change.
An input with parts that is unpriced as a whole counts once. A free type of which no input can cost says so once, for all of them.
"""


def page() -> str:
    """The whole page as Markdown."""
    found = tables()
    rows = [_row(f"`{token}`", *_counts(found[token])) for token in sorted(found)]
    sums = [sum(counts) for counts in zip(*(_counts(table) for table in found.values()), strict=True)]
    parts = [_INTRODUCTION, "| Type | Inputs | Priced | Free | Unpriced |", "|---|---:|---:|---:|---:|", *rows]
    parts.append(_row(f"**{len(found)} types**", *sums))
    parts.append("\n## Types of which every other input is free\n")
    parts += [f"- `{token}`: {found[token].rest}." for token in sorted(found) if found[token].rest]
    parts.append("\n## What has no price once it is set\n")
    for token in sorted(found):
        if lines := list(_unpriced(found[token])):
            parts += [f"### `{token}`\n", *lines, ""]
    return "\n".join(parts).rstrip("\n") + "\n"


def _counts(table: Table) -> tuple[int, int, int, int]:
    kinds = [each.kind for each in table.inputs.values()]
    return len(kinds), kinds.count(Kind.PRICED), kinds.count(Kind.FREE), kinds.count(Kind.UNPRICED)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _unpriced(table: Table) -> Iterator[str]:
    for each in table.inputs.values():
        if each.kind is Kind.UNPRICED:
            yield f"- `{each.path}`{_unless(each)}: {each.why}."


def _unless(each: Input) -> str:
    shown = ["`false`" if value is False else f"`{value}`" for value in each.unless]
    return f" (unless {' or '.join(shown)})" if shown else ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
