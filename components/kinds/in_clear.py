"""Finds a secret that was written directly into a setting, by its place and by its shape.

It errs on the side of finding nothing: whatever it finds is refused. What secrets look like is in `core/secret_shapes.py`.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from core.secret_shapes import is_secret

__all__ = ["has_user", "holds_secret", "in_address", "in_setting", "is_secret", "parameter"]

_USER = re.compile(r"(?<=[A-Za-z0-9+.-])://[^/?#\s]*@")
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
_PARAMETER = re.compile(r"[?&;#]([^=&;#\s]+)=[^&;#\s]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LAST = re.compile(
    r"(?:api)?key|token|secret|pass(?:word|wd|phrase)?|pwd|sig(?:nature)?|sas|jwt|bearer|auth(?:orization)?|credentials?"
)
_ENDS = ("apikey", "accesskey", "secretkey", "token", "secret", "password", "signature")


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
