"""Characters that look like ASCII and are not: other scripts, full-width and invisible characters.

The letters of other scripts are in `components/kinds/data/lookalikes.json`; everything else is found by its compatibility
form or its category.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

_LIKE: dict[str, str] = json.loads(Path(__file__).with_name("data").joinpath("lookalikes.json").read_text())["pairs"]
"""Letter -> the letter of ASCII that it looks like."""


def plain(text: str) -> str:
    """The text as it looks, in ASCII as far as that can be told."""
    return "".join(_plain(each) for each in text)


def named(text: str) -> str:
    """The characters that are not what they look like, each by its name; empty when there are none."""
    odd = [character for character in dict.fromkeys(text) if not character.isascii() and _plain(character) != character]
    return "; ".join(_named(each) for each in odd)


def _plain(letter: str) -> str:
    if letter.isascii():
        return letter
    if unicodedata.category(letter) in ("Cf", "Zl", "Zp", "Cc"):
        return ""
    wide = unicodedata.normalize("NFKC", letter)
    return _LIKE.get(letter, wide if wide.isascii() else letter)


def _named(letter: str) -> str:
    looks = _plain(letter)
    name = unicodedata.name(letter, "a character without a name")
    what = (
        f"which looks like {looks}"
        if looks.strip()
        else "which cannot be told from a space"
        if looks
        else "which cannot be seen"
    )
    return f"U+{ord(letter):04X} is {name}, {what}"
