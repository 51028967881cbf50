"""Makes text of others inert, with one way out for each medium: terminal and log, Markdown, HTML inside Markdown, JSON.

Every name, description, message and file name may be written by others. Nothing in it may drive a terminal, run a command of a
CI job, format a page, call somebody, or look like our own words. What is taken apart stays readable.
"""

from __future__ import annotations

import json
import re
import string
from html import escape

_UNSEEN = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000110bd\U000110cd"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""What drives a terminal, breaks a line, turns its direction or is not seen at all: the categories Cc, Cf, Zl, Zp and Cs of
Unicode 16 but tab and line feed, and the fillers that show as nothing."""
_CONTROL = re.compile(f"[{_UNSEEN}]")
_COMMAND = re.compile(r"(?m)^([^\S\n]*):(?=:)|#(?=#\[)")
"""Where GitHub's runner reads a command in a log: `::name` after white space only, and `##[name` anywhere in a line."""

_BREAK = "\u200b"
"""A space of no width: it is not seen, and takes a name, an address or a picture apart."""
_LINKED = re.compile(r"[@#]|:(?=//)|(?<![a-z0-9])www(?=\.)|(?<![a-z0-9])gh(?=-[0-9])|:(?=[a-z0-9_+-]+:)", re.IGNORECASE)
"""What a page of pull requests makes a mention, a reference, a link or a picture of, even when it is escaped: it looks at the
finished page."""
_FORMAT = re.compile(r"[\\`*_\[\]|#~]")
_STARTS = re.compile(r"^(?:[-+=]|\d+(?=[.)]))")
"""What makes a list or a heading at the start of a line."""
_TICKS = 8
"""Backticks in a row up to which a span of code is written with one more of them."""
_DOLLAR = "<span>&#36;</span>"
"""A dollar that begins no formula: alone in an element, as GitHub's page "Writing mathematical expressions" advises."""
_ENTITY = str.maketrans({each: f"&#{ord(each)};" for each in string.punctuation if each not in "-,"})


def visible(text: str) -> str:
    r"""The text for a terminal or a log: control and unseen characters as their codes (`\x1b`), no command of a CI job."""
    return _COMMAND.sub(_taken_apart, _CONTROL.sub(lambda found: _code(ord(found.group())), text))


def one_line(text: str) -> str:
    """The text for one line of a terminal or a log: a line feed is a space."""
    return visible(text.replace("\n", " "))


def code(text: str) -> str:
    """The text as a span of code in Markdown; its white space shows as single spaces.

    A reader gives up at many backticks in a row (GitHub's at 80), so such a text becomes an element of HTML.
    """
    flat = _flat(text)
    if not flat:
        return ""
    most = max((len(each) for each in re.findall("`+", flat)), default=0)
    if most > _TICKS:
        return f"<code>{_entities(flat)}</code>"
    around = " " if flat[0] == "`" or flat[-1] == "`" else ""
    return f"{'`' * (most + 1)}{around}{flat}{around}{'`' * (most + 1)}"


def cell(text: str) -> str:
    """The text as a span of code within a table of Markdown, where a bar would end the cell, escaped or not."""
    flat = _flat(text)
    return f"<code>{_entities(flat)}</code>" if "|" in flat else code(text)


def plain(text: str) -> str:
    """Text outside code in Markdown: no formatting, no links, no mentions, no pictures, no formulas."""
    inert = _FORMAT.sub(r"\\\g<0>", escape(_LINKED.sub(_broken, _flat(text)), quote=False))
    return _STARTS.sub(_started, inert).replace("$", _DOLLAR)


def html(text: str) -> str:
    """Text within an element of HTML that stands in Markdown, where a blank line would end the element."""
    return _entities(_flat(text)).replace("&#36;", _DOLLAR)


def fenced(text: str, kind: str = "text") -> list[str]:
    """The text as a block of code in Markdown, line by line: no line can end the block, nor look like a comment of ours."""
    return [f"```{kind}", *(_block_line(line) for line in visible(text).split("\n")), "```"]


def as_json(document: str) -> str:
    """A document of JSON that shows what its texts hold: what is not seen stands as its code, and no line is a command."""
    seen = _CONTROL.sub(lambda found: json.dumps(found.group())[1:-1], document)
    return seen.replace("##[", "\\u0023#[")


def _code(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _taken_apart(found: re.Match[str]) -> str:
    return "\\x23" if found.group() == "#" else f"{found.group(1)}\\x3a"


def _broken(found: re.Match[str]) -> str:
    return f"{found.group()}{_BREAK}"


def _started(found: re.Match[str]) -> str:
    return f"{found.group()}\\" if found.group()[0].isdigit() else f"\\{found.group()}"


def _entities(flat: str) -> str:
    return _LINKED.sub(_broken, flat).translate(_ENTITY)


def _flat(text: str) -> str:
    # A comment is how our own report in a pull request is found again.
    return " ".join(visible(text).split()).replace("<!--", "<!- -")


def _block_line(line: str) -> str:
    return re.sub(r"`{3,}|~{3,}", lambda found: "'" * len(found.group()), line).replace("<!--", "<!- -")
