"""Takes secrets out of what a report shows, by where a value stands and by what it looks like.

The engine masks what a program has marked as secret; this finds what nobody has marked. It errs on the side of hiding: a
name that looks like a key is hidden too. Shapes are those that the issuers publish for secret scanning.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from typing import Any

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

_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        # Blocks of keys, whole or cut off.
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        r"PuTTY-User-Key-File-\d[\s\S]*?(?:Private-MAC: \S+|\Z)",
        r"AGE-SECRET-KEY-1[0-9A-Za-z]{20,}",
        # Signed tokens, and what stands in an Authorization header.
        r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}",
        r"(?i)\b(?:bearer|basic|digest|token|apikey)[ \t]+(?=[^\s\"']*[\d=+/_.-])[A-Za-z0-9+/=_.~:-]{8,}",
        # Web hooks whose address is the secret.
        r"https?://hooks\.slack\.com/[^\s\"'<>]+",
        r"https?://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[^\s\"'<>]+",
        r"https?://[\w.-]*(?:webhook\.office|logic\.azure|outlook\.office)\.com(?::\d+)?/[^\s\"'<>]+",
        r"https?://chat\.googleapis\.com/v1/spaces/[^\s\"'<>]+",
        r"https?://api\.telegram\.org/bot[^\s\"'<>]+",
        r"https?://events\.pagerduty\.com/integration/[^\s\"'<>]+",
        r"https?://[\w.-]*ingest\.[\w.]*sentry\.io/[^\s\"'<>]+",
        # Keys with an issuer's prefix.
        r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}\b",
        r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{20,}",
        r"\bgh[pousr]_\w{20,}",
        r"\bgithub_pat_\w{20,}",
        r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|oas|imt)-[\w.-]{16,}",
        r"\bxox[a-z]-[\w-]{8,}|\bxapp-\d-[\w-]{8,}|\bxoxe\.\S{8,}",
        r"\b(?:sk|rk|pk)_(?:live|test|prod)_\w{8,}|\bwhsec_[\w+/=]{16,}",
        r"\bsk-(?:[a-z]+\d*-)*[\w-]{16,}",
        r"\bAIza[\w-]{30,}|\bya29\.[\w.-]{16,}|\bGOCSPX-[\w-]{16,}|\b1//0[\w-]{16,}",
        r"\bhf_\w{16,}|\bapi_org_\w{16,}|\bgsk_\w{16,}|\br8_\w{16,}|\bnvapi-[\w-]{16,}|\bpcsk_\w{16,}",
        r"\bnpm_\w{20,}|\bpypi-[\w-]{20,}|\bdckr_(?:pat|oat)_[\w-]{16,}|\bcio\w{28,}|\brubygems_\w{20,}",
        r"\bSG\.[\w-]{10,}\.[\w-]{10,}|\bkey-[0-9a-f]{32}\b|\b(?:SK|AC)[0-9a-f]{32}\b",
        r"\bhv[sbr]\.[\w-]{16,}|\b[sb]\.[A-Za-z0-9]{24}\b|\bpul-[0-9a-f]{20,}",
        r"\bdo[oprt]_v1_\w{16,}|\bshp(?:at|ca|pa|ss)_\w{16,}|\blin_(?:api|oauth)_\w{16,}|\bsecret_\w{32,}|\bntn_\w{20,}",
        r"\bgl(?:sa|c)_[\w=-]{16,}|\bNRAK-[A-Z0-9]{20,}|\bdapi[0-9a-f]{32}\b|\bsntrys_[\w+/=-]{20,}|\bphc_\w{20,}",
        r"\bATATT[\w=-]{20,}|\bATCTT[\w=-]{20,}|\bATBB\w{20,}|\bfigd_[\w-]{20,}|\bEAA[A-Za-z0-9]{30,}|\bsq0[a-z]{3}-[\w-]{16,}",
        r"\b\d{8,10}:[\w-]{35}\b",
        r"\btskey-[\w-]{16,}|\bfo1_[\w-]{16,}|\bnfp_\w{16,}|\bCFPAT-[\w-]{20,}|\bAPP_USR-[\w-]{20,}",
        # Hashes of passwords, and what signs an address.
        r"\$(?:2[abxy]|5|6|1|y|apr1|argon2(?:id|i|d)|scrypt|7)\$[^\s\"']{12,}",
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
    for shape in _SHAPES:
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
    return any(re.search(r"[a-z]", each) and re.search(r"[A-Z]", each) and re.search(r"\d", each) for each in pieces)


def _drawn(piece: str) -> bool:
    if len(piece) < 20:
        return False
    classes = ["d" if each.isdigit() else "u" if each.isupper() else "l" if each.islower() else "o" for each in piece]
    changes = sum(one != two for one, two in itertools.pairwise(classes)) / (len(piece) - 1)
    digits, upper, lower = (classes.count(each) for each in "dul")
    if upper and lower and (digits or changes > 0.45):
        return changes > 0.36 or digits >= 3
    return len(piece) >= 24 and bool(digits) and bool(upper or lower) and changes > 0.22
