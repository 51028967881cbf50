"""Escapes foreign text for Markdown: no formatting, no links, no mentions, no images."""

from __future__ import annotations

import re
from html import escape

_TICKS = re.compile(r"`+")
_PICTURE = re.compile(r":(?=[a-z0-9_+-]+:)", re.IGNORECASE)
"""The first colon of `:secret:`, which a page of pull requests shows as a picture."""
_BREAK = "\u200b"
"""A space of no width: it is not seen, and takes a name, an address or a picture apart."""


def code(text: str) -> str:
    """The text as a span of code; its white space shows as single spaces."""
    flat = _flat(text)
    if not flat:
        return ""
    fence = "`" * (1 + max((len(each) for each in _TICKS.findall(flat)), default=0))
    around = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{fence}{around}{flat}{around}{fence}"


def cell(text: str) -> str:
    """The text as a span of code within a table, where a bar would end the cell."""
    return code(text).replace("|", "\\|")


def plain(text: str) -> str:
    """Text outside code."""
    flat = escape(_flat(text), quote=False)
    inert = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", flat)
    return _PICTURE.sub(f":{_BREAK}", inert.replace("@", f"@{_BREAK}").replace("://", f":{_BREAK}//"))


def _flat(text: str) -> str:
    # A comment is how our own report in a pull request is found again.
    return " ".join(text.split()).replace("<!--", "<!- -")
