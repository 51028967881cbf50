"""What the exporters at their pinned versions export: the fact tables behind every alert, recording rule and panel.

`data/metrics` holds one table an exporter (source and version in each). A rule on a metric that nobody exports stays silent
for ever, and one on a label that is not there never matches: so both are looked up before they are declared.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "data" / "metrics"
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One series as Prometheus stores it: its type, its labels (those that scraping adds too) and its unit if it says.

    `bounds` are a histogram's upper bounds, without infinity; only a `_bucket` series has them.
    """

    name: str
    exporter: str
    type: str
    labels: frozenset[str]
    unit: str = ""
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """An exporter at one version, and its series by name."""

    name: str
    version: str
    series: Mapping[str, Metric]


@functools.cache
def exporters() -> Mapping[str, Exporter]:
    """Every exporter that has a table, by name."""
    found = {}
    for file in sorted(_FOLDER.glob("*.json")):
        table = json.loads(file.read_text(encoding="utf-8"))
        name = table["exporter"]
        scraped = frozenset(table["scrapedLabels"])
        series: dict[str, Metric] = {}
        for metric, row in table["metrics"].items():
            for suffix in _SUFFIXES.get(row["type"], ("",)):
                own = {"_bucket": {"le"}, "": {"quantile"} if row["type"] == "summary" else set()}.get(suffix, set())
                series[metric + suffix] = Metric(
                    name=metric + suffix,
                    exporter=name,
                    # What a histogram or summary adds up only grows.
                    type="counter" if suffix else row["type"],
                    labels=scraped | frozenset(row["labels"]) | own,
                    unit="" if suffix in ("_bucket", "_count") else row.get("unit", _unit(metric)),
                    bounds=tuple(row.get("buckets", ())) if suffix == "_bucket" else (),
                )
        found[name] = Exporter(name=name, version=table["version"], series=series)
    return found


@functools.cache
def metrics() -> Mapping[str, Metric]:
    """Every series of every exporter, by name."""
    return {name: metric for exporter in exporters().values() for name, metric in exporter.series.items()}


def _unit(name: str) -> str:
    """The unit that a metric's name ends with, by Prometheus' naming practices."""
    base = name.removesuffix("_total")
    return next((unit for unit in ("seconds", "bytes", "percent", "celsius") if base.endswith(f"_{unit}")), "")
