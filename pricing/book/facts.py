"""Reads the dated fact files beside this package: one place that turns their numbers into Decimal, never into float."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def load(name: str) -> dict[str, Any]:
    """The content of `data/<name>.json`, fractions as Decimal; read once, so callers must not change it."""
    content: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"), parse_float=Decimal)
    return content


class Files(Mapping[str, dict[str, Any]]):
    """The fact files by name, each read when it is asked for."""

    def __getitem__(self, name: str) -> dict[str, Any]:
        """The content of a file. Raises KeyError when there is none of that name."""
        if not (DATA / f"{name}.json").is_file():
            raise KeyError(name)
        return load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path.stem for path in DATA.glob("*.json")))

    def __len__(self) -> int:
        return len(list(iter(self)))


@cache
def digest() -> str:
    """Eight hex digits over every fact file, so that a price book names exactly what it was read from."""
    whole = hashlib.sha256()
    for path in sorted(DATA.glob("*.json")):
        whole.update(path.name.encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()[:8]
