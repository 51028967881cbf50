"""Versions of a model as a table for a terminal, and a metric over them as a picture."""

from __future__ import annotations

import base64
import html
import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ops.model_versions import Version
from problem import Problem, Refused

SUFFIXES = (".png", ".html")


def as_value(version: Version) -> dict[str, Any]:
    """One version for a machine."""
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "created": _day(version),
        "run": version.run,
        "params": dict(version.params),
        "metrics": dict(version.metrics),
        "datasets": list(version.datasets),
        "signature": version.signature,
        "description": version.description,
    }


def shown(version: Version) -> list[str]:
    """One version as lines."""
    lines = [f"version {version.number}  {_day(version)}  {', '.join(version.aliases)}".rstrip()]
    for title, values in (("parameters", version.params), ("metrics", version.metrics)):
        said = ", ".join(f"{key}={_short(value)}" for key, value in sorted(values.items()))
        lines += [f"  {title:11} {said}"] if said else []
    lines += [f"  {'run':11} {version.run}"] if version.run else []
    lines += [f"  {'data':11} {each}" for each in version.datasets]
    lines += [f"  {'signature':11} {version.signature}"] if version.signature else []
    return lines


def compared(versions: Sequence[Version], metric: str = "") -> list[list[str]]:
    """A table: one row a version, its aliases, the parameters that differ, and its metrics (or only `metric`).

    Raises Refused when no version has that metric.
    """
    metrics = [metric] if metric else sorted({key for each in versions for key in each.metrics})
    _known(versions, metric)
    keys = sorted({key for each in versions for key in each.params})
    differing = [key for key in keys if len({each.params.get(key) for each in versions}) > 1]
    rows = [["version", "aliases", *differing, *metrics]]
    for each in versions:
        params = [each.params.get(key, "") for key in differing]
        values = [_short(each.metrics[key]) if key in each.metrics else "" for key in metrics]
        rows.append([str(each.number), ", ".join(each.aliases), *params, *values])
    return rows


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's rows as lines of even columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def draw(name: str, versions: Sequence[Version], metric: str, out: Path) -> None:
    """Writes a picture of a metric over versions, as PNG or as a page of its own. Raises Refused."""
    if out.suffix not in SUFFIXES:
        allowed = " or ".join(SUFFIXES)
        raise Refused(Problem(summary="a picture is not written in this form", found=out.name, allowed=f"*{allowed}"))
    _known(versions, metric)
    picture = _picture(name, versions, metric)
    if out.suffix == ".png":
        out.write_bytes(picture)
        return
    rows = compared(versions, metric)
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    title = html.escape(f"{name}: {metric} over versions")
    image = base64.b64encode(picture).decode()
    style = (
        "body{font:15px system-ui;margin:2rem}td{padding:.2rem .8rem;border-bottom:1px solid #ddd}img{max-width:100%}"
    )
    table = f"<table><tr>{'</tr><tr>'.join(cells)}</tr></table>"
    body = f'<h1>{title}</h1><img alt="{title}" src="data:image/png;base64,{image}">{table}'
    page = f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{style}</style>{body}\n"
    out.write_text(page, encoding="utf-8")


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


def _known(versions: Sequence[Version], metric: str) -> None:
    there = sorted({key for each in versions for key in each.metrics})
    if metric and metric not in there:
        raise Refused(Problem(summary="no version has this metric", found=metric, allowed=", ".join(there) or "none"))


def _day(version: Version) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(version.created_ms / 1000))


def _short(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
