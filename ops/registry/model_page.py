"""Versions of a model one after the other, for a terminal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from ops.registry.versions import Version


def as_value(version: Version) -> dict[str, Any]:
    """One version for a machine."""
    return {
        "version": version.number,
        "aliases": list(version.aliases),
        "created": day(version),
        "run": version.run,
        "params": dict(version.params),
        "metrics": dict(version.metrics),
        "datasets": [str(data_set) for data_set in version.data],
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
    lines += [f"  {'data':11} {data_set}" for data_set in version.data]
    told = {"signature": version.signature, "weights": version.digest, "base": version.base, "commit": version.commit}
    return lines + [f"  {title:11} {said}" for title, said in told.items() if said]


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table's rows as lines of even columns."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def day(version: Version) -> str:
    """When it was registered (UTC)."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(version.created_ms / 1000))


def short(value: object) -> str:
    """A parameter or a metric in at most six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
