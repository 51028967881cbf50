"""Versions of a model one after the other for a terminal, and a metric over them as a picture."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.problem import Problem, Refused
from ops.registry.compare import Comparison
from ops.registry.versions import Version

SUFFIXES = (".png", ".html")


def as_value(version: Version) -> dict[str, Any]:
    """One version for a machine."""
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "created": day(version),
        "run": version.run,
        "params": dict(version.params),
        "metrics": dict(version.metrics),
        "datasets": [str(each) for each in version.data],
        "signature": version.signature,
        "description": version.description,
        "digest": version.digest,
        "base": version.base,
        "commit": version.commit,
        "sizeBytes": version.size_bytes or None,
    }


def shown(version: Version) -> list[str]:
    """One version as lines."""
    lines = [f"version {version.number}  {day(version)}  {', '.join(version.aliases)}".rstrip()]
    for title, values in (("parameters", version.params), ("metrics", version.metrics)):
        said = ", ".join(f"{key}={short(value)}" for key, value in sorted(values.items()))
        lines += [f"  {title:11} {said}"] if said else []
    lines += [f"  {'run':11} {version.run}"] if version.run else []
    lines += [f"  {'data':11} {each}" for each in version.data]
    told = {"signature": version.signature, "weights": version.digest, "base": version.base, "commit": version.commit}
    return lines + [f"  {title:11} {said}" for title, said in told.items() if said]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's rows as lines of even columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def draw(found: Comparison, out: Path) -> None:
    """Writes a picture of the comparison's metric over versions, as PNG or as a page of its own. Raises Refused."""
    if out.suffix not in SUFFIXES:
        allowed = " or ".join(SUFFIXES)
        raise Refused(Problem(summary="a picture is not written in this form", found=out.name, allowed=f"*{allowed}"))
    (metric,) = found.metrics
    picture = _picture(found.model, found.versions, metric)
    if out.suffix == ".png":
        out.write_bytes(picture)
        return
    from ops.registry.compare_page import page

    out.write_text(page(found, f"{found.model}: {metric} over versions", picture), encoding="utf-8")


def _picture(name: str, versions: Sequence[Version], metric: str) -> bytes:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    points = [(each.number, each.metrics[metric], each.aliases) for each in versions if metric in each.metrics]
    figure, axes = pyplot.subplots(figsize=(7, 3.5), layout="constrained")
    axes.plot([point[0] for point in points], [point[1] for point in points], marker="o")
    for number, value, aliases in points:
        if aliases:
            axes.annotate(", ".join(aliases), (number, value), xytext=(0, 8), textcoords="offset points", ha="center")
    axes.set(xlabel="version", ylabel=metric, title=f"{name}: {metric} over versions")
    axes.set_xticks([point[0] for point in points])
    axes.margins(y=0.2)
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=120)
    pyplot.close(figure)
    return made.getvalue()


def day(version: Version) -> str:
    """When it was registered (UTC)."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(version.created_ms / 1000))


def short(value: object) -> str:
    """A parameter or a metric in at most six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
