"""Reads the dated fact files beside this package: one place that turns their numbers into Decimal, never into float."""

from __future__ import annotations

import hashlib
import json
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


@cache
def digest() -> str:
    """Eight hex digits over every fact file, so that a price book names exactly what it was read from."""
    whole = hashlib.sha256()
    for path in sorted(DATA.glob("*.json")):
        whole.update(path.name.encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()[:8]
