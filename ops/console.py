"""The one way to the terminal: what is printed is the text itself, so that it can be pasted back.

The terminal library would read `:secret:` in an ARN as the code of a picture, `[a]` as a style, a tab as eight spaces. Here a
text is handed over as finished segments, which it colours and nothing else. `core/inert.py` says what is shown as
its code: a control character would drive the reader's terminal, and a command the CI job whose log this is.
"""

from __future__ import annotations

import sys
from typing import TextIO

from rich.console import Console
from rich.segment import Segment, Segments
from rich.status import Status
from rich.style import Style
from rich.text import Text

from core.inert import visible


class Printer:
    """A stream that texts are written to, coloured where it is a terminal."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._console = Console(file=stream or sys.stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it as it is written."""
        return bool(self._console.is_terminal)

    def write(self, *parts: tuple[str, str]) -> None:
        """One line of parts, each a text and its style; an empty style is none."""
        segments = [Segment(visible(text), Style.parse(style) if style else None) for text, style in parts]
        self._console.print(Segments([*segments, Segment.line()]), soft_wrap=True)

    def status(self, text: str) -> Status:
        """A line that moves while something is under way, for a terminal."""
        return self._console.status(plain(text))


def plain(text: str) -> Text:
    """A text for a moving line, which stands nowhere afterwards."""
    return Text(visible(text))
