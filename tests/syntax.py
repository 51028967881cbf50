"""The syntax tree of a file, read so that other parsers in the process do not disturb it."""

from __future__ import annotations

import ast
import contextlib


def parsed(text: str) -> ast.Module:
    """The syntax tree. CPython 3.11.7 and before count the depth of all parsers of a process together: two may fail."""
    for _ in range(9):
        with contextlib.suppress(SystemError):
            return ast.parse(text)
    return ast.parse(text)
