"""`modelyard images refresh`: reads what registries say of every pinned image and chart, and writes it into core/versions.py."""

from __future__ import annotations

import ast
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from core import versions
from core.problem import Problem, Refused
from core.versions import CHART_IMAGES, CHARTS, IMAGES, Chart, Image
from ops.images.deployed import Read
from ops.images.oci import Manifest, Unread

Values = Mapping[str, str | tuple[str, ...]]


@dataclass(frozen=True, kw_only=True)
class Pin:
    """What one entry of core/versions.py would say: its class and name there, and the values that a registry answers for."""

    kind: str
    name: str
    values: Values

    def moved(self) -> Iterator[tuple[str, str, str]]:
        """Each value that would change: its key, what stands there and what would."""
        entry = _entries()[self.kind, self.name]
        for key, value in self.values.items():
            if getattr(entry, key) != value:
                yield key, _shown(getattr(entry, key)), _shown(value)


@dataclass(frozen=True, kw_only=True)
class Refresh:
    """What registries said of each entry, and what nobody said, a sentence each."""

    pins: list[Pin] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def refresh(read: Read, accept: Collection[str] = ()) -> Refresh:
    """Reads every image and chart of core/versions.py that lies in a registry.

    An entry that is not answered for keeps what it has. Raises Refused when a digest that is pinned is no longer its tag's, for
    whoever moved the tag would decide what runs; `accept` names the entries of which somebody has looked at that.
    """
    found, moved = Refresh(), list[Problem]()
    for (kind, name), entry in _entries().items():
        values: dict[str, str | tuple[str, ...]] = {}
        for repository, tag, digest_key, built in _asked(entry):
            try:
                said = read(repository, tag)
            except Unread as error:
                found.unread.append(f"{name}: {error}")
                continue
            if built:
                values["architectures"] = said.architectures
            if digest_key:
                values[digest_key] = said.digest
                moved += _moved(name, getattr(entry, digest_key), said, accept)
        found.pins.append(Pin(kind=kind, name=name, values=values))
    if moved:
        raise Refused(moved)
    found.unread.extend(
        f"chart {chart.name}: {chart.repository} has no digests" for chart in CHARTS.values() if not _oci(chart)
    )
    return found


def _moved(name: str, before: str, said: Manifest, accept: Collection[str]) -> Iterator[Problem]:
    if before and before != said.digest and name not in accept:
        yield Problem(
            summary="the tag names another digest than the pinned one",
            where=f"core/versions.py: {name}",
            found=said.digest,
            allowed=before,
            fix=f"find out who moved it and why, then --accept {name}",
        )


def _entries() -> dict[tuple[str, str], Chart | Image]:
    images = [*IMAGES.values(), *(each for several in CHART_IMAGES.values() for each in several)]
    charts = {("Chart", chart.name): chart for chart in CHARTS.values()}
    return {**charts, **{("Image", image.name): image for image in images}}


def _oci(chart: Chart) -> bool:
    return chart.repository.startswith("oci://")


def _asked(entry: Chart | Image) -> Iterator[tuple[str, str, str, bool]]:
    """What to read for an entry: repository and tag, which key takes the digest, and whether it says what is built."""
    if isinstance(entry, Image):
        # A chart names its other images by tag, so their digests would stand here and pin nothing.
        yield entry.repository, entry.tag, "digest" if entry.name in IMAGES else "", True
        return
    if _oci(entry):
        yield f"{entry.repository.removeprefix('oci://')}/{entry.name}", entry.version, "digest", False
    if (own := entry.image) is not None:
        yield own.repository, own.tag, "image_digest", True


def written(text: str, pins: Iterable[Pin]) -> str:
    """core/versions.py with what the pins say; everything else stays as it is. Raises KeyError for an entry that is not there."""
    calls = {
        (node.func.id, _name(node)): node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Chart", "Image")
    }
    changed = [(calls[pin.kind, pin.name], pin) for pin in pins if any(pin.moved())]
    lines = text.splitlines(keepends=True)
    for node, pin in sorted(changed, key=lambda each: each[0].lineno, reverse=True):
        assert node.end_lineno is not None  # noqa: S101 - a parsed node has its end
        first, last = lines[node.lineno - 1], lines[node.end_lineno - 1]
        before, after = first[: node.col_offset], last[node.end_col_offset :]
        indent = first[: len(first) - len(first.lstrip())]
        lines[node.lineno - 1 : node.end_lineno] = [before + _call(text, node, pin, indent) + after]
    return "".join(lines)


def _name(node: ast.Call) -> str:
    said = [keyword.value for keyword in node.keywords if keyword.arg == "name"]
    return said[0].value if said and isinstance(said[0], ast.Constant) and isinstance(said[0].value, str) else ""


def _call(text: str, node: ast.Call, pin: Pin, indent: str) -> str:
    said = {str(keyword.arg): str(ast.get_source_segment(text, keyword.value)) for keyword in node.keywords}
    said |= {key: _shown(value) for key, value in pin.values.items()}
    order = [field.name for field in fields(getattr(versions, pin.kind))]
    body = "".join(f"{indent}    {key}={said[key]},\n" for key in order if key in said)
    return f"{pin.kind}(\n{body}{indent})"


def _shown(value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return json.dumps(value)
    inner = ", ".join(json.dumps(each) for each in value)
    return f"({inner},)" if len(value) == 1 else f"({inner})"
