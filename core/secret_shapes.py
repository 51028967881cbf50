"""What secrets look like: the shapes that issuers publish for secret scanning, one table for all who look for them.

A stack file in which one stands is refused (`components/kinds/in_clear.py`), and none is shown in a report
(`ops/report/redact.py`). A shape is that of the secret itself: what only its name or its place gives away is each reader's own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_PATTERNS = {
    # Blocks of keys, whole or cut off.
    "private key": (r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)"),
    "putty key": r"PuTTY-User-Key-File-\d[\s\S]*?(?:Private-MAC: \S+|\Z)",
    "age": r"AGE-SECRET-KEY-1[0-9A-Za-z]{20,}",
    "signed token": r"\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3}",
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


def is_secret(text: str) -> bool:
    """Whether anything in the text looks like a secret."""
    return any(shape.search(text) for shape in SHAPES.values())
