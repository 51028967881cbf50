"""Takes secrets out of what a report shows, by where a value stands and by what it looks like.

The engine masks what a program has marked as secret; this finds what nobody has marked. It errs on the side of hiding: a
name that looks like a key is hidden too. What secrets look like is in `core/secret_shapes.py`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

from core.secret_shapes import SHAPES

HIDDEN = "[secret]"
"""What stands in a report in the place of a secret; the engine's own mark is the same."""

_WORDS = (
    r"pass(?:word|wd|phrase|code)?|pwd|secret|token|api[-_.]?keys?|access[-_.]?keys?|private[-_.]?keys?|secret[-_.]?keys?"
    r"|signing[-_.]?keys?|encryption[-_.]?keys?|(?:routing|integration|license|account|master|shared|service)[-_.]?keys?"
    r"|credentials?|auth(?:orization)?|cookies?|connection[-_.]?strings?|dsn|webhook(?:[-_.]?url)?|bearer|salt|otp|pin"
)
_REFERENCE = re.compile(
    r"(?:name|names|arn|arns|ref|refs|id|ids|path|file|key_?id|namespace|store|type|mode|policy|version|days|hours|seconds|"
    r"provider|selector|class|kind|enabled|count|mount|limit|limits|request|ttl|ttl_?sec|expiry|projection|automount"
    r"|account_?token|per_?second|max|min)$",
    re.IGNORECASE,
)
"""Endings of keys that name a secret or say something about it, and do not hold it."""
_SECRET_KEY = re.compile(rf"(?:^|[^a-z])(?:{_WORDS})$", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

_FURTHER = tuple(
    re.compile(shape)
    for shape in (
        # What stands in an Authorization header.
        r"(?i)\b(?:bearer|basic|digest|token|apikey)[ \t]+(?=[^\s\"']*[\d=+/_.-])[A-Za-z0-9+/=_.~:-]{8,}",
        # What its issuer lets anybody see, and a report need not show.
        r"https?://[\w.-]*ingest\.[\w.]*sentry\.io/[^\s\"'<>]+",
        r"\bpk_(?:live|test|prod)_\w{8,}|\bAC[0-9a-f]{32}\b|\bphc_\w{20,}",
        # What signs an address, and what opens a connection.
        r"(?<=[?&;])(?:sig|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token|X-Goog-Signature|AWSAccessKeyId|access_token"
        r"|api_?key|token|secret|password|code|key)=[^\s&\"';]{6,}",
        r"(?i)\b(?:AccountKey|SharedAccessKey|SharedAccessSignature|Password|Pwd|User Password)=[^\s;\"']{4,}",
    )
)
_URL_PASSWORD = re.compile(r"\b([a-z][a-z0-9+.-]*://)([^\s/@:\"'<>]*):([^\s\"'<>]+)@(?=[^\s@]*(?:$|[\s\"'<>]|$))", re.I)
_URL_USER = re.compile(r"\b(https?://)([A-Za-z0-9_-]{20,})@", re.I)
_ASSIGNED = re.compile(
    rf"(?i)((?:^|[^A-Za-z0-9])[\"']?[A-Za-z0-9_.-]{{0,40}}(?:{_WORDS})[\"']?[ \t]*"
    # A colon before `Type::` is in the middle of a URN.
    r"(?::[ \t]+|=>[ \t]*|:(?!:|[A-Z][A-Za-z0-9]*::)|=)[ \t]*)"
    r"(\"(?:[^\"\\\n]|\\.)+\"|'[^'\n]+'|[^\s,;}\]\"']{4,})"
)
_RUN = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_PIECE = re.compile(r"[A-Za-z0-9+]+")
_HEX = re.compile(r"(?<![A-Za-z0-9])(?<!sha256:)(?<!sha512:)(?<!sha1:)[0-9a-fA-F]{32,}(?![A-Za-z0-9])")
_PLAIN = re.compile(r"(?i)^(?:true|false|null|none|yes|no|arn:aws[\w-]*:\S+|\$\{[^}]*\}|\(known after up\))$")


def text(value: str) -> str:
    """The text with everything taken out that looks like a secret; lines stay lines."""
    for shape in (*SHAPES.values(), *_FURTHER):
        value = shape.sub(_mask, value)
    value = _URL_PASSWORD.sub(rf"\1\2:{HIDDEN}@", value)
    value = _URL_USER.sub(rf"\1{HIDDEN}@", value)
    value = _ASSIGNED.sub(_assigned, value)
    value = _HEX.sub(HIDDEN, value)
    return _RUN.sub(lambda found: HIDDEN if _random(found.group()) else found.group(), value)


def value(found: Any, key: str = "", kind: str = "") -> Any:
    """A property's value with every secret in it taken out; `key` is its name, `kind` its resource's type token.

    Keys of maps are texts too. Whatever is marked stays marked, and a Kubernetes Secret's data is never shown.
    """
    if kind.endswith(":Secret") and key in {"data", "stringData"}:
        return {text(str(each)): HIDDEN for each in found} if isinstance(found, Mapping) else HIDDEN
    if isinstance(found, Mapping):
        named = found.get("name") if isinstance(found.get("name"), str) and "value" in found else None
        return {
            text(str(each)): value(inner, str(named) if named and each == "value" else str(each), kind)
            for each, inner in found.items()
        }
    if isinstance(found, list):
        return [value(inner, key, kind) for inner in found]
    if isinstance(found, str):
        return HIDDEN if holds_secret(key) and not _PLAIN.match(found) and found else text(found)
    if isinstance(found, (int, float)) and not isinstance(found, bool) and holds_secret(key):
        return HIDDEN
    return found


def holds_secret(key: str) -> bool:
    """Whether a key of that name holds a secret itself: `password` does, `passwordSecretName` only says where it is."""
    words = _HUMP.sub("_", key)
    return bool(_SECRET_KEY.search(words)) and not _REFERENCE.search(words)


def _mask(found: re.Match[str]) -> str:
    return HIDDEN + "\n" * min(found.group().count("\n"), 1)


def _assigned(found: re.Match[str]) -> str:
    before, after = found.group(1), found.group(2)
    inner = after.strip("\"'")
    key = re.sub(r"[^A-Za-z0-9_.-]", "", before)
    if _PLAIN.match(inner) or inner.startswith((HIDDEN, "[")) or not holds_secret(key):
        return found.group()
    quote = after[0] if after[0] in "\"'" else ""
    return f"{before}{quote}{HIDDEN}{quote}"


def _random(run: str) -> bool:
    """Whether a run of letters and digits looks drawn by lot: case and digits change far more often than in words."""
    pieces = _PIECE.findall(run)
    return any(_drawn(piece) for piece in pieces) or (len(run) >= 24 and _drawn("".join(pieces)) and _mixed(pieces))


def _mixed(pieces: list[str]) -> bool:
    """Whether pieces between dashes are no words and numbers: one of them has capitals and digits inside."""
    return any(
        re.search(r"[a-z]", piece) and re.search(r"[A-Z]", piece) and re.search(r"\d", piece) for piece in pieces
    )


def _drawn(piece: str) -> bool:
    if len(piece) < 20:
        return False
    classes = ["d" if each.isdigit() else "u" if each.isupper() else "l" if each.islower() else "o" for each in piece]
    changes = sum(one != two for one, two in itertools.pairwise(classes)) / (len(piece) - 1)
    digits, upper, lower = (classes.count(each) for each in "dul")
    if upper and lower and (digits or changes > 0.45):
        return changes > 0.36 or digits >= 3
    return len(piece) >= 24 and bool(digits) and bool(upper or lower) and changes > 0.22
