"""Finds a secret that stands in a setting itself, by where it stands and by what it looks like.

It errs on the side of finding nothing: whatever it finds is refused. Shapes are those that issuers publish for secret scanning.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#\s]*@")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&;#]([^=&;#\s]+)=[^&;#\s]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LAST = re.compile(
    r"(?:api)?key|token|secret|pass(?:word|wd|phrase)?|pwd|sig(?:nature)?|sas|jwt|bearer|auth(?:orization)?|credentials?"
)
_ENDS = ("apikey", "accesskey", "secretkey", "token", "secret", "password", "signature")
_HOOK = re.compile(
    r"https?://(?:hooks\.slack\.com/|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/|chat\.googleapis\.com/v1/spaces/"
    r"|api\.telegram\.org/bot|events\.pagerduty\.com/integration/|[\w.-]*(?:webhook\.office|logic\.azure)\.com(?::\d+)?/)",
    re.IGNORECASE,
)
_SHAPE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\beyJ[\w-]{8,}\.[\w-]{4,}|\b(?:AKIA|ASIA)[0-9A-Z]{12,}\b|\bgh[pousr]_\w{20,}"
    r"|\bgithub_pat_\w{20,}|\bglpat-[\w.-]{16,}|\bxox[a-z]-[\w-]{8,}|\b(?:sk|rk)_(?:live|test)_\w{8,}|\bsk-[\w-]{16,}"
    r"|\bAIza[\w-]{30,}|\bya29\.[\w.-]{16,}|\b(?:hf|gsk|r8)_\w{16,}|\bnvapi-[\w-]{16,}|\bdapi[0-9a-f]{32}\b"
)


def has_user(text: str) -> bool:
    """Whether an address in the text says who signs in: `https://user:password@host`."""
    return bool(_USER.search(text))


def holds_secret(name: str) -> bool:
    """Whether what stands under that name is a secret itself: `api_key` is one, `token_url` and `maxTokens` are none."""
    words = [word for word in re.split(r"[^a-z0-9]+", _HUMP.sub("_", unquote(name)).lower()) if word]
    return bool(words) and bool(_LAST.fullmatch(words[-1]) or words[-1].endswith(_ENDS))


def parameter(text: str) -> str:
    """The name of an address's parameter that holds a secret; empty when the text is no address or has none."""
    names = _PARAMETER.findall(text) if _ADDRESS.fullmatch(text) else []
    return next((name for name in names if holds_secret(name)), "")


def in_address(text: str) -> bool:
    """Whether whoever reads the address has learned a secret."""
    return has_user(text) or bool(parameter(text)) or is_secret(text)


def in_setting(name: str, value: str) -> bool:
    """Whether a setting of that name holds a secret."""
    return holds_secret(name) or in_address(value)


def is_secret(text: str) -> bool:
    """Whether the text looks like a secret, or is an address whose path is one."""
    return bool(_SHAPE.search(text) or _HOOK.match(text))
