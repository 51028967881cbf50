"""Texts that an attacker writes where a person may write one, and what must never come of them."""

from __future__ import annotations

import re
from html import unescape

MARKER = "<!-- modelyard:report stack=prod -->"
"""What the bot's comment on a stack is found by."""
TEXTS = (
    "plain words, 1.5 and a-b_c",
    # Markdown
    "# heading", "x\n\n# heading", "x\n---", "x\n===", "- item", "1. item", "> quote", "    indented", "*a* _b_ ~~c~~",
    "[click](https://evil.example)", "![seen](https://evil.example/a.png)", "<img src=https://evil.example/a.png>",
    "[a]: https://evil.example", "<https://evil.example>", "https://evil.example", "www.evil.example", "mail@evil.example",
    "@modelyard/guardians", "#1", "modelyard/modelyard#1", "GH-1", ":white_check_mark:", "$\\color{green}{passes}$",
    "`", "``", "```", "```\n# out", "~~~\n# out", "`" * 80, "a`b", "|", "a|b", "a\\|b", "a\\", "| a | b |\n|---|---|", "<br>",
    "&#64;team", "&lt;b&gt;", MARKER, "-->", "<!--", f"x\n{MARKER}\n", "</details>", "</summary><h1>", "\n\n</details>\n\n# out",
    # HTML
    "<script>alert(1)</script>", "\"><svg onload=alert(1)>", "' onmouseover=alert(1) '", "{{ 7 * 7 }}", "javascript:alert(1)",
    "</pre><h1>", "</title><script>",
    # a terminal
    "\x1b[2J", "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07", "\x1b]0;title\x07", "\x9b31m", "\x07", "\x08\x08\x08ok",
    "\r passes", "a\x00b", "\x7f", "\u202epasses", "\u2066x\u2069", "pa\u200bsses", "\ufeff", "\u2028x", "\x85x", "\xad",
    "\U000e0041\U000e0042", "\u3164",
    # the log of a CI job
    "::set-output name=a::b", "::add-mask::a", "::stop-commands::x", "x\n::error::x", "  ::debug::x", "\u3000::debug::x",
    "##[set-output name=a;]b", "x ##[error]y", "x\r::error::y", "\u2028::error::y", "%0A::error::x",
    # our own words
    "x\nrefused by nobody", "39 rules passed.\nmay be deployed", "x\n+ create aws:s3/bucket:Bucket a",
)  # fmt: skip
"""Each entry in one free field is an attack; some of them are several."""

_ACTIVE = re.compile(r"@[a-z0-9]|(?<!&)#[0-9]|\bGH-[0-9]|://|\bwww\.|:[a-z0-9_+-]+:", re.IGNORECASE)
_TAG = re.compile(r"<!--|<(?:a|img|script|svg|iframe|input)\b", re.IGNORECASE)
_CODE = re.compile(r"<(code|pre)\b.*?</\1>", re.DOTALL)


def active(page: str) -> list[str]:
    """What a page of pull requests, as HTML, would still make a mention, a reference, a link or a picture of.

    GitHub looks at the texts of the finished page, so entities are read first; what stands in code it leaves alone.
    """
    outside = _CODE.sub("", page)
    texts = unescape(re.sub(r"<[^>]*>", "\n", outside))
    found = [each.group() for each in _ACTIVE.finditer(texts)]
    return found + [each.group() for each in _TAG.finditer(outside)]
