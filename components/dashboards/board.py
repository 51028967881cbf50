"""What a dashboard, a row and a panel are here: titles, queries and units, and nothing of their layout."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

RENDERED = Path(__file__).parent / "rendered"


class Unit(enum.StrEnum):
    """The units that panels use, by Grafana's own ids."""

    BYTES = "bytes"
    BYTES_PER_SECOND = "Bps"
    CELSIUS = "celsius"
    COUNT = "short"
    PER_SECOND = "ops"
    PERCENT = "percent"
    RATIO = "percentunit"
    SECONDS = "s"
    USD = "currencyUSD"
    WATTS = "watt"


class Kind(enum.StrEnum):
    """How a panel shows its queries: as lines over time, or as the last value."""

    LINES = "timeseries"
    NUMBER = "stat"


@dataclass(frozen=True, kw_only=True)
class Query:
    """A PromQL expression, which may use `$pool` and `$__rate_interval`; `legend` names its labels as `{{label}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel; `about` says how to read it. `warn` is the value from which it is shown in red, where there is one."""

    title: str
    about: str
    unit: Unit
    queries: tuple[Query, ...]
    kind: Kind = Kind.LINES
    warn: float | None = None


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels that answer one question, side by side."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True)
class Board:
    """One dashboard; `by_pool` gives it a choice of GPU pools, `$pool` in its queries."""

    uid: str
    title: str
    about: str
    rows: tuple[Row, ...]
    by_pool: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """Every panel, row by row."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def rendered(self) -> str:
        """The dashboard's JSON as it was last rendered, which is what a stack declares."""
        return (RENDERED / f"{self.uid}.json").read_text(encoding="utf-8")
