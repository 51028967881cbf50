"""What a measurement says, and where it is kept: one table on the screen, one file for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.roots import ROOT

FILE = ROOT / ".bench" / "results.json"


@dataclass(frozen=True, kw_only=True)
class Result:
    """One measured value, and the bar that it has to keep; `bar` is None where there is none."""

    name: str
    value: float
    unit: str
    bar: float | None = None

    @property
    def ok(self) -> bool:
        """Whether the bar is kept."""
        return self.bar is None or self.value <= self.bar


def tell(results: Sequence[Result], file: Path = FILE) -> int:
    """Prints the table and puts each value into the file in place of its last one; 1 when a bar is missed, else 0."""
    table = Table("what", "value", "unit", "bar", "ok")
    for result in results:
        bar = "" if result.bar is None else f"<= {result.bar:g}"
        table.add_row(
            result.name,
            f"{result.value:.2f}",
            result.unit,
            bar,
            "" if result.bar is None else "yes" if result.ok else "NO",
        )
    Console(width=110).print(table)
    file.parent.mkdir(exist_ok=True)
    rows: dict[str, Any] = {row["name"]: row for row in (json.loads(file.read_text()) if file.exists() else [])}
    rows |= {each.name: {**asdict(each), "ok": each.ok} for each in results}
    file.write_text(json.dumps(list(rows.values()), indent=2) + "\n")
    return 0 if all(each.ok for each in results) else 1
