"""JSON from outside, with an end: size, depth and numbers are bounded, and what is refused is a ValueError as `json` raises it.

`json.loads` takes `Infinity`, a number of any length, and levels without end; what walks the value later then runs out of stack,
or of time. This takes what a server or a person has a reason to send.
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 100
"""Levels of maps and lists."""
LARGEST = 64 * 1024 * 1024
"""Bytes or characters of one text."""
LONGEST_NUMBER = 100
"""Characters of a number."""


def loads(text: str | bytes, *, largest: int = LARGEST) -> Any:
    """The value of a text. Raises ValueError for no JSON, and for what passes a bound."""
    if len(text) > largest:
        raise ValueError(f"the text is longer than {largest}")
    try:
        made = json.loads(text, parse_int=_whole, parse_float=_real, parse_constant=_none)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    opened = (text.count(b"[") + text.count(b"{")) if isinstance(text, bytes) else text.count("[") + text.count("{")
    if opened > DEEPEST:
        _shallow(made)
    return made


def _shallow(value: Any) -> None:
    """Raises ValueError for more levels than are taken; without recursion, for a text may have very many."""
    level, depth = [value], 0
    while level:
        depth += 1
        inner = [each for each in level if isinstance(each, dict | list)]
        if inner and depth > DEEPEST:
            raise ValueError("nested too deeply")
        level = [part for each in inner for part in (each.values() if isinstance(each, dict) else each)]


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has more than {LONGEST_NUMBER} characters")
    return int(text)


def _real(text: str) -> float:
    made = float(text) if len(text) <= LONGEST_NUMBER else math.inf
    if not math.isfinite(made):
        raise ValueError("a number is too large, or too long")
    return made


def _none(name: str) -> float:
    raise ValueError(f"{name} is not a number that JSON has")
