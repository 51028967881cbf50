"""Names that people choose, and text that is only read by people: no letter that cannot be seen, no blank, no padding."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from components.kinds.kind import Kind

_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode's categories of what has no shape of its own: controls, formats, halves, private use, unassigned, line breaks."""


def unseen(text: str) -> str:
    """What is wrong with a name that is printed as it is: blank, padded, or with letters that nobody sees."""
    if not text.strip():
        return "a name is not blank"
    if text != text.strip():
        return "the name starts or ends with white space"
    hidden = [each for each in text if unicodedata.category(each) in _UNSEEN or (each.isspace() and each != " ")]
    return "the name has a character that cannot be seen" if hidden else ""


def _text(text: str) -> str:
    hidden = [each for each in text if unicodedata.category(each) in {"Cc", "Cs"} and each not in "\n\t"]
    return "the text has a control character" if hidden else ""


def _line(text: str) -> str:
    return "the text has more than one line" if "\n" in text else _text(text)


_TEAM = r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]"
_STEP = r"[A-Za-z0-9_-][A-Za-z0-9._ -]*"

Words = Annotated[str, Kind(what="a text", allowed="any text", why=_text, longest=5000)]
"""Text that people read; MLflow keeps 5,000 characters of it."""
Line = Annotated[str, Kind(what="a line of text", allowed="any text in one line", why=_line, longest=500)]
Label = Annotated[str, Kind(what="a name", allowed="up to 250 characters, not blank", why=unseen, longest=250)]
"""A name that only its owner reads."""
Json = Annotated[
    str, Kind(what="the text of a JSON map", allowed="for example '{\"seed\": 7}'", why=_text, longest=100_000)
]
Team = Annotated[
    str,
    Kind(what="the name of a team", allowed="lower-case letters, digits and dashes, 2 to 63", pattern=_TEAM),
]
PlatformName = Annotated[
    str,
    Kind(
        what="a name for the cloud",
        allowed="lower-case letters, digits and dashes, 3 to 30, a letter first",
        pattern=r"[a-z][a-z0-9-]{1,28}[a-z0-9]",
    ),
]
PoolName = Annotated[
    str,
    Kind(
        what="the name of a pool",
        allowed="lower-case letters, digits and dashes, up to 40, a letter first",
        pattern=r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?",
    ),
]
Channel = Annotated[
    str, Kind(what="a Slack channel", allowed='in quotes, for example "#ml-alerts"', pattern=r"#[a-z0-9_-]{1,79}")
]
Receiver = Annotated[
    str,
    Kind(
        what="the name of a receiver",
        allowed="up to 63 letters, digits and ._-, a letter or digit at both ends",
        pattern=r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?",
    ),
]
"""It is the name of a file too, that Alertmanager reads the receiver's secret from."""
Scope = Annotated[str, Kind(what="a scope", allowed="one word, for example openid", pattern=r"[!-~]{1,200}")]
Runner = Annotated[
    str, Kind(what="the label of a CI runner", allowed="one word, for example ubuntu-latest", pattern=r"[!-~]{1,100}")
]
UsageKey = Annotated[
    str,
    Kind(
        what="the name of an amount",
        allowed="a resource's or component's name, a dot, and the amount",
        pattern=r"[!-~]{3,300}",
    ),
]
FilePath = Annotated[
    str,
    Kind(
        what="the path of a file below the stack file's folder",
        allowed="for example prompts/support.md: no part of the path starts with a dot",
        pattern=rf"({_STEP}/)*{_STEP}",
        longest=500,
    ),
]
