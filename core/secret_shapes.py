"""What secrets look like: the shapes that issuers publish for secret scanning, one table for all who look for them.

A file in which one stands is refused, whatever field or comment it stands in (`components/spec.py`, `infra/stack/`), no
refusal repeats one (`core/problem.py`), and none is shown in a report (`ops/report/redact.py`). A shape is that of the secret
itself: what only its name or its place gives away is each reader's own.

What the shapes cannot see: a password that somebody made up, the token of an issuer that is not in the table, an AWS secret
access key by itself (40 letters without a mark), and whatever was split, encoded or encrypted before it was written. There is
no measure of disorder here: it would refuse digests, ids, ARNs and names of models, which are as disorderly as keys.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping

_PATTERNS = {
    # Blocks of keys, whole or cut off.
    "private key": (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"),
    "putty key": r"PuTTY-User-Key-File-\d[\s\S]*?(?:Private-MAC: \S+|\Z)",
    "age": r"AGE-SECRET-KEY-1[0-9A-Za-z]{20,}",
    "signed token": r"\beyJ[\w-]{8,2000}\.[\w-]{4,}(?:\.[\w-]*){0,3}",
    # Web hooks whose address is the secret.
    "slack hook": r"(?i)https?://hooks\.slack\.com/[^\s\"'<>]+",
    "discord hook": r"(?i)https?://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[^\s\"'<>]+",
    "microsoft hook": (
        r"(?i)https?://[\w.-]*(?:webhook\.office|logic\.azure|outlook\.office)\.com(?::\d+)?/[^\s\"'<>]+"
    ),
    "google chat hook": r"(?i)https?://chat\.googleapis\.com/v1/spaces/[^\s\"'<>]+",
    "telegram hook": r"(?i)https?://api\.telegram\.org/bot[^\s\"'<>]+",
    "pagerduty hook": r"(?i)https?://events\.pagerduty\.com/integration/[^\s\"'<>]+",
    # Keys with an issuer's prefix.
    "aws key": r"\b(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{12,}\b",
    "aws session": r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{20,}",
    "github": r"\bgh[pousr]_\w{20,}",
    "github fine-grained": r"\bgithub_pat_\w{20,}",
    "gitlab": r"\bgl(?:pat|ptt|dt|rt|cbt|ft|soat|agent|oas|imt)-[\w.-]{16,}",
    "slack": r"\bxox[a-z]-[\w-]{8,}|\bxapp-\d-[\w-]{8,}|\bxoxe\.\S{8,}",
    "stripe": r"\b(?:sk|rk)_(?:live|test|prod)_\w{8,}|\bwhsec_[\w+/=]{16,}",
    "openai, anthropic": r"\bsk-[\w-]{16,}",
    "google": r"\bAIza[\w-]{30,}|\bya29\.[\w.-]{16,}|\bGOCSPX-[\w-]{16,}|\b1//0[\w-]{16,}",
    "hugging face": r"\bhf_\w{16,}|\bapi_org_\w{16,}",
    "groq": r"\bgsk_\w{16,}",
    "replicate": r"\br8_\w{16,}",
    "nvidia": r"\bnvapi-[\w-]{16,}",
    "pinecone": r"\bpcsk_\w{16,}",
    "npm": r"\bnpm_\w{20,}",
    "pypi": r"\bpypi-[\w-]{20,}",
    "docker hub": r"\bdckr_(?:pat|oat)_[\w-]{16,}",
    "crates.io": r"\bcio\w{28,}",
    "rubygems": r"\brubygems_\w{20,}",
    "sendgrid": r"\bSG\.[\w-]{10,}\.[\w-]{10,}",
    "mailgun": r"\bkey-[0-9a-f]{32}\b",
    "twilio": r"\bSK[0-9a-f]{32}\b",
    "vault": r"\bhv[sbr]\.[\w-]{16,}|\b[sb]\.[A-Za-z0-9]{24}\b",
    "pulumi": r"\bpul-[0-9a-f]{20,}",
    "digitalocean": r"\bdo[oprt]_v1_\w{16,}",
    "shopify": r"\bshp(?:at|ca|pa|ss)_\w{16,}",
    "linear": r"\blin_(?:api|oauth)_\w{16,}",
    "notion": r"\bsecret_\w{32,}|\bntn_\w{20,}",
    "grafana": r"\bgl(?:sa|c)_[\w=-]{16,}",
    "new relic": r"\bNRAK-[A-Z0-9]{20,}",
    "databricks": r"\bdapi[0-9a-f]{32}\b",
    "sentry": r"\bsntrys_[\w+/=-]{20,}",
    "atlassian": r"\bATATT[\w=-]{20,}|\bATCTT[\w=-]{20,}|\bATBB\w{20,}",
    "figma": r"\bfigd_[\w-]{20,}",
    "facebook": r"\bEAA[A-Za-z0-9]{30,}",
    "square": r"\bsq0[a-z]{3}-[\w-]{16,}",
    "telegram": r"\b\d{8,10}:[\w-]{35}\b",
    "tailscale": r"\btskey-[\w-]{16,}",
    "fly": r"\bfo1_[\w-]{16,}",
    "netlify": r"\bnfp_\w{16,}",
    "contentful": r"\bCFPAT-[\w-]{20,}",
    "mercado pago": r"\bAPP_USR-[\w-]{20,}",
    "hash of a password": r"\$(?:2[abxy]|5|6|1|y|apr1|argon2(?:id|i|d)|scrypt|7)\$[^\s\"']{12,}",
}

SHAPES: Mapping[str, re.Pattern[str]] = {issuer: re.compile(shape) for issuer, shape in _PATTERNS.items()}
"""Who issues a secret, or what it is -> what it looks like, in the order in which they are looked for."""


_LIKE_NAMES = frozenset(
    ("openai, anthropic", "hugging face", "groq", "replicate", "npm", "notion", "netlify", "fly", "pinecone")
)
"""Issuers whose prefix begins names too, as in `hf_text_generation_8b`: their keys have a long run of letters and digits."""
_RUN = re.compile(r"(?=[A-Za-z]*[0-9])[A-Za-z0-9]{16,}")
SHORTEST = 12
"""Letters of the shortest text that looks like a secret."""
VEILED = "[secret]"
"""What stands in the place of a secret."""


@functools.lru_cache(maxsize=10_000)
def is_secret(text: str) -> bool:
    """Whether anything in the text looks like a secret, and like nothing else."""
    return len(text) >= SHORTEST and any(True for _ in _found(text))


def veiled(text: str) -> str:
    """The text with a mark in the place of each secret."""
    if len(text) < SHORTEST:
        return text
    for match in sorted(_found(text), key=lambda each: len(each[0]), reverse=True):
        text = text.replace(match[0], VEILED)
    return text


def lines_with(text: str) -> Iterator[int]:
    """The lines (from 1) of a text on which something begins that looks like a secret."""
    yield from sorted({text.count("\n", 0, match.start()) + 1 for match in _found(text)})


def _found(text: str) -> Iterator[re.Match[str]]:
    for issuer, shape in SHAPES.items():
        for match in shape.finditer(text):
            if issuer not in _LIKE_NAMES or _RUN.search(match[0]):
                yield match
