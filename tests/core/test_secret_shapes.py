"""One sample of every shape of secrets: a stack file that holds it is refused, and no report shows it."""

from __future__ import annotations

import random
import string

import pytest

from components.kinds import in_clear
from core.secret_shapes import SHAPES
from ops.report import redact

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def drawn(length: int = 40, alphabet: str = ALNUM) -> str:
    """Letters by lot, the same each time, so that no real key stands in this file."""
    return "".join(random.Random(f"{alphabet}{length}").choices(alphabet, k=length))  # noqa: S311


# Prefixes are built from pieces, so that no scanner meets them.
SAMPLES: dict[str, list[tuple[str, str]]] = {
    "private key": [("-----BEGIN EC PRIVATE" + " KEY-----\n", drawn(64))],
    "putty key": [("PuTTY-User-Key-" + "File-3: ssh-rsa\n", drawn(64))],
    "age": [("AGE-SECRET-" + "KEY-1", drawn(58, UPPER))],
    "signed token": [("ey" + "JhbGciOiJIUzI1NiJ9.", drawn())],
    "slack hook": [("https://hooks.slack." + "com/services/T0/B0/", drawn(24))],
    "discord hook": [("https://discord.com/api/" + "webhooks/1/", drawn())],
    "microsoft hook": [("https://acme.webhook.office." + "com/webhookb2/", drawn())],
    "google chat hook": [("https://chat.googleapis.com/v1/" + "spaces/A/messages?k=", drawn())],
    "telegram hook": [("https://api.telegram.org/" + "bot1:", drawn())],
    "pagerduty hook": [("https://events.pagerduty.com/" + "integration/", drawn(32, HEX))],
    "aws key": [(prefix, drawn(16, UPPER)) for prefix in ("AK" + "IA", "AS" + "IA")],
    "aws session": [("IQoJb3" + "JpZ2lu", drawn(80))],
    "github": [("gh" + letter + "_", drawn(36)) for letter in "pousr"],
    "github fine-grained": [("github" + "_pat_", drawn(60))],
    "gitlab": [("gl" + "pat-", drawn(20)), ("gl" + "dt-", drawn(20))],
    "slack": [("xo" + "xb-", drawn(24)), ("xa" + "pp-1-", drawn(24))],
    "stripe": [("sk" + "_live_", drawn(24)), ("wh" + "sec_", drawn(32))],
    "openai, anthropic": [("sk" + "-proj-", drawn()), ("sk" + "-ant-api03-", drawn())],
    "google": [("AI" + "za", drawn(35)), ("ya" + "29.", drawn()), ("GOC" + "SPX-", drawn(28))],
    "hugging face": [("h" + "f_", drawn(34)), ("api" + "_org_", drawn(34))],
    "groq": [("gs" + "k_", drawn())],
    "replicate": [("r" + "8_", drawn(37))],
    "nvidia": [("nv" + "api-", drawn(64))],
    "pinecone": [("pc" + "sk_", drawn())],
    "npm": [("np" + "m_", drawn(36))],
    "pypi": [("py" + "pi-", drawn(80))],
    "docker hub": [("dckr" + "_pat_", drawn(27))],
    "crates.io": [("ci" + "o", drawn(32))],
    "rubygems": [("ruby" + "gems_", drawn(48, HEX))],
    "sendgrid": [("S" + "G.", f"{drawn(22)}.{drawn(43)}")],
    "mailgun": [("ke" + "y-", drawn(32, HEX))],
    "twilio": [("S" + "K", drawn(32, HEX))],
    "vault": [("hv" + "s.", drawn(24)), ("s" + ".", drawn(24))],
    "pulumi": [("pu" + "l-", drawn(40, HEX))],
    "digitalocean": [("do" + "p_v1_", drawn(64, HEX))],
    "shopify": [("shp" + "at_", drawn(32, HEX))],
    "linear": [("lin" + "_api_", drawn())],
    "notion": [("secret" + "_", drawn(43)), ("nt" + "n_", drawn())],
    "grafana": [("gl" + "sa_", drawn(32))],
    "new relic": [("NR" + "AK-", drawn(27, UPPER))],
    "databricks": [("da" + "pi", drawn(32, HEX))],
    "sentry": [("sn" + "trys_", drawn(64))],
    "atlassian": [("AT" + "ATT3xFfGF0", drawn(60)), ("AT" + "BB", drawn(32))],
    "figma": [("fi" + "gd_", drawn())],
    "facebook": [("EA" + "A", drawn(64))],
    "square": [("sq" + "0csp-", drawn(43))],
    "telegram": [("123456789" + ":", drawn(35))],
    "tailscale": [("ts" + "key-auth-", drawn(32))],
    "fly": [("fo" + "1_", drawn(43))],
    "netlify": [("nf" + "p_", drawn())],
    "contentful": [("CF" + "PAT-", drawn(43))],
    "mercado pago": [("APP" + "_USR-", drawn(64))],
    "hash of a password": [("$2" + "y$05$", drawn(53)), ("$argon" + "2id$", drawn(64))],
}
EVERY = [(shape, prefix, secret) for shape, samples in SAMPLES.items() for prefix, secret in samples]


def test_every_shape_has_a_sample() -> None:
    assert SAMPLES.keys() == SHAPES.keys()


@pytest.mark.parametrize(("shape", "prefix", "secret"), EVERY, ids=lambda each: each if each in SHAPES else "")
def test_a_secret_of_each_shape_is_refused_and_not_shown(shape: str, prefix: str, secret: str) -> None:
    assert SHAPES[shape].search(prefix + secret)
    for text in (prefix + secret, f"it is {prefix}{secret}"):
        assert in_clear.is_secret(text)
        assert in_clear.in_setting("model", text)
        assert secret not in redact.text(text) and redact.HIDDEN in redact.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "arn:aws:iam::000000000000:role/gateway",
        "https://east.openai.azure.com/openai?api-version=2024-06-01",
        "8d6b3f0e-2b1c-4f0e-9d55-0c6f4c2b7a11",
        "config:slack-hook",
        "awssm:modelyard/dev/secret_store#key",
        "oci://public.ecr.aws/karpenter/karpenter@sha256:" + "0123456789abcdef" * 4,
        "meta-llama/Llama-3.3-70B-Instruct",
    ],
)
def test_what_names_a_secret_or_is_none_is_taken(text: str) -> None:
    assert not in_clear.is_secret(text)
