"""Versions side by side, as a table for a terminal, JSON, Markdown and a page that loads nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

from core.inert import as_json as inert_json
from core.inert import cell, one_line, plain
from ops.options import CompareFormat
from ops.pages import render
from ops.registry.compare import Comparison
from ops.registry.model_page import aligned, as_value, day, short
from ops.registry.versions import Version

BEST = "*"
_DIGEST_SHOWN = 12
NOT_COMPARABLE = "judged on different data, or on data that nobody recorded: nothing is marked as best"


def written(found: Comparison, form: CompareFormat) -> str:
    """The comparison for whoever reads it."""
    if form is CompareFormat.JSON:
        return inert_json(json.dumps(as_json(found), indent=2))
    if form is CompareFormat.HTML:
        return page(found, found.model)
    return "\n".join(map(one_line, table(found)) if form is CompareFormat.TEXT else markdown(found))


def as_json(found: Comparison) -> dict[str, Any]:
    """Everything, whole digests included, for a machine."""
    return {
        "model": found.model,
        "comparable": found.comparable,
        "differing": list(found.params),
        "metrics": list(found.metrics),
        "best": {metric: sorted(numbers) for metric, numbers in found.best.items()},
        "versions": [{**as_value(version), "judgedOn": sorted(version.judged_on)} for version in found.versions],
    }


def rows(found: Comparison) -> Iterator[tuple[str, list[str], bool]]:
    """Each row as its name, a cell a version, and whether it is a metric. Rows that no version has are left out."""
    facts: tuple[tuple[str, Callable[[Version], str]], ...] = (
        ("aliases", lambda each: ", ".join(each.aliases)),
        ("registered", day),
        *((key, lambda each, key=key: each.params.get(key, "")) for key in found.params),
    )
    for name, read in facts:
        yield name, [read(version) for version in found.versions], False
    for metric in found.metrics:
        yield metric, [_metric(found, version, metric) for version in found.versions], True
    origin: tuple[tuple[str, Callable[[Version], str]], ...] = (
        ("judged on", lambda each: ", ".join(map(_digest, sorted(each.judged_on))) or "not known"),
        ("trained on", lambda each: ", ".join(_digest(data.digest) for data in each.data if data.use == "training")),
        ("base", lambda each: _digest(each.base)),
        ("weights", lambda each: _digest(each.digest)),
        ("size", lambda each: f"{each.size_bytes / 1e6:.2f} MB" if each.size_bytes else ""),
        ("commit", lambda each: " ".join([each.commit[:_DIGEST_SHOWN], each.commit[40:].strip()]).strip()),
    )
    for name, read in origin:
        yield name, [read(version) for version in found.versions], False


def table(found: Comparison) -> Iterator[str]:
    """The comparison as lines of even columns, and what the marks say."""
    head = [found.model, *(f"version {version.number}" for version in found.versions)]
    yield from aligned([head, *([name, *cells] for name, cells in _said(found))])
    yield from _notes(found)


def markdown(found: Comparison) -> Iterator[str]:
    """The comparison for a pull request; nothing in it formats, links or calls anybody."""
    yield f"**{plain(found.model)}**"
    yield ""
    yield f"| |{'|'.join(f' version {version.number} ' for version in found.versions)}|"
    yield f"|---|{'---|' * len(found.versions)}"
    for name, cells in _said(found):
        yield f"| {plain(name)} |{'|'.join(f' {cell(each)} ' for each in cells)}|"
    for note in _notes(found):
        yield ""
        yield plain(note)


def page(found: Comparison, title: str, picture: bytes = b"") -> str:
    """The comparison as one HTML file that loads nothing; `picture` (PNG) stands over the table."""
    return render(
        "comparison.html",
        title=title,
        picture=base64.b64encode(picture).decode(),
        versions=found.versions,
        rows=[
            (name, [(cell, metric and cell.endswith(BEST)) for cell in cells])
            for name, cells, metric in rows(found)
            if any(cells)
        ],
        notes=list(_notes(found)),
    )


def _said(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    return ((name, cells) for name, cells, _ in rows(found) if any(cells))


def _notes(found: Comparison) -> Iterator[str]:
    if any(found.best.values()):
        yield f"{BEST} best of those shown, on the same data"
    if not found.comparable:
        yield NOT_COMPARABLE
    if found.undirected and found.comparable and len(found.versions) > 1:
        names = ", ".join(found.undirected)
        yield f"not marked, as nobody says which way is better: {names} (tag the model `better.<metric>`: higher or lower)"


def _metric(found: Comparison, version: Version, metric: str) -> str:
    if metric not in version.metrics:
        return ""
    return short(version.metrics[metric]) + f" {BEST}" * (version.number in found.best[metric])


def _digest(text: str) -> str:
    """A digest short enough for a table; JSON has all of it."""
    return text.removeprefix("sha256:")[:_DIGEST_SHOWN]
