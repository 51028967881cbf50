"""Secrets of many shapes, planted wherever a change can hold one: none is in any format of the report."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from pulumi.automation.events import EngineEvent

from ops.engine.automation import Outcome
from ops.engine.events import EngineEvents, Operation
from ops.preview.command import WRITERS
from ops.report import redact
from ops.report.fit import LIMIT, fitted
from ops.report.make import Found, make
from ops.report.model import Report
from tests.roots import ROOT

ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
URN = "urn:pulumi:dev::modelyard::modelyard:index:Network$kubernetes:core/v1:ConfigMap::settings"


def drawn(alphabet: str, length: int, seed: int) -> str:
    """Letters by lot, the same for the same seed, so that no real key stands in this file."""
    return "".join(random.Random(f"{alphabet}{length}{seed}").choices(alphabet, k=length))  # noqa: S311


def planted(seed: int = 0) -> dict[str, tuple[str, str]]:
    """Name -> the text that holds the secret, and the part of it that may be nowhere."""

    def draw(alphabet: str, length: int) -> str:
        nonlocal seed
        seed += 1
        return drawn(alphabet, length, seed)

    def simple(prefix: str, alphabet: str, length: int) -> tuple[str, str]:
        secret = draw(alphabet, length)
        return prefix + secret, secret

    def inside(template: str, alphabet: str = ALNUM, length: int = 24) -> tuple[str, str]:
        secret = draw(alphabet, length)
        return template.format(secret), secret

    body = draw(ALNUM + "+/", 64)
    jwt = ".".join(
        base64.urlsafe_b64encode(each.encode()).decode().rstrip("=")
        for each in ('{"alg":"HS256"}', f'{{"sub":"{draw(ALNUM, 12)}"}}', draw(ALNUM, 32))
    )
    return {
        "aws access key": simple("AK" + "IA", string.ascii_uppercase + string.digits, 16),
        "aws session key": simple("AS" + "IA", string.ascii_uppercase + string.digits, 16),
        "aws secret key": simple("", ALNUM + "+/", 40),
        "aws session token": simple("IQoJb3JpZ2lu", ALNUM + "+/", 120),
        "signed address": inside("https://b.s3.amazonaws.com/k?X-Amz-Expires=60&X-Amz-Signature={}", HEX, 64),
        "github token": simple("gh" + "p_", ALNUM, 36),
        "github fine token": simple("github" + "_pat_", ALNUM + "_", 60),
        "gitlab token": simple("gl" + "pat-", ALNUM, 20),
        "slack bot": simple("xo" + "xb-1234567890-", ALNUM, 24),
        "slack hook": inside("https://hooks.slack.com/services/T0000AAAA/B0000AAAA/{}"),
        "discord hook": inside("https://discord.com/api/webhooks/123456789/{}", ALNUM + "_-", 60),
        "teams hook": inside("https://acme.webhook.office.com/webhookb2/{}", HEX, 40),
        "stripe": simple("sk" + "_live_", ALNUM, 24),
        "openai": simple("sk" + "-proj-", ALNUM + "_-", 48),
        "anthropic": simple("sk" + "-ant-api03-", ALNUM + "_-", 80),
        "hugging face": simple("h" + "f_", string.ascii_letters, 34),
        "google": simple("AI" + "za", ALNUM + "_-", 35),
        "google oauth": simple("ya" + "29.", ALNUM + "_-", 60),
        "npm": simple("np" + "m_", ALNUM, 36),
        "pypi": simple("py" + "pi-", ALNUM + "_-", 80),
        "docker hub": simple("dckr" + "_pat_", ALNUM, 27),
        "sendgrid": simple("S" + "G." + draw(ALNUM, 22) + ".", ALNUM, 43),
        "mailgun": simple("ke" + "y-", HEX, 32),
        "vault": simple("hv" + "s.", ALNUM, 24),
        "pulumi": simple("pu" + "l-", HEX, 40),
        "digital ocean": simple("do" + "p_v1_", HEX, 64),
        "grafana": simple("gl" + "sa_", ALNUM, 32),
        "databricks": simple("da" + "pi", HEX, 32),
        "atlassian": simple("AT" + "ATT3xFfGF0", ALNUM, 60),
        "telegram": inside("https://api.telegram.org/bot123456789:{}/send", ALNUM, 35),
        "pem": (f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----", body),
        "pem cut off": (f"-----BEGIN OPENSSH PRIVATE KEY-----\n{body}", body),
        "age": simple("AGE-SECRET-" + "KEY-1", string.ascii_uppercase + string.digits, 58),
        "jwt": (jwt, jwt[-20:]),
        "bearer": inside("Authorization: Bearer {}", LOWER, 24),
        "basic": ("Authorization: Basic " + base64.b64encode(b"u:" + body[:9].encode()).decode(), body[:9]),
        "postgres": inside("postgresql://mlflow:{}@db.internal:5432/mlflow", ALNUM, 10),
        "redis": inside("redis://:{}@cache:6379/0", ALNUM, 12),
        "azure": inside("Endpoint=sb://x/;SharedAccessKey={};EntityPath=y", ALNUM, 43),
        "password in yaml": inside("users:\n  - name: admin\n    password: {}\n", LOWER, 9),
        "password in json": inside('{{"user": "admin", "password": "{}"}}', LOWER, 9),
        "password in env": inside("LOG=info\nMLFLOW_FLASK_SERVER_SECRET_KEY={}\n", LOWER, 12),
        "bcrypt": inside("admin:$2y$05${}", ALNUM, 53),
        "pager duty": inside("routing_key: {}", HEX, 32),
        "fernet": simple("", ALNUM + "_-", 43),
        "hex key": simple("", HEX, 64),
    }


SHAPES = sorted(planted())


def found_with(text: str, key: str = "settings.conf", kind: str = "kubernetes:core/v1:ConfigMap") -> Found:
    """A preview that meets a text everywhere: properties, messages of policies and providers, names, notes."""
    urn = URN.replace("kubernetes:core/v1:ConfigMap", kind)
    old = {"data": {key: "before\nthis"}, "env": [{"name": "A", "value": "b"}], "removed": text}
    new = {
        "data": {key: f"first line\n{text}\nlast line"},
        "env": [{"name": "A", "value": text}],
        "deep": json.dumps({"list": [text]}),
        "map": {text: "as a key"},
        "plain": text,
    }
    state = {"type": kind, "urn": urn, "id": "x", "parent": "", "provider": ""}
    metadata = {"urn": urn, "type": kind, "provider": "", "op": "update", "diffs": ["data"]}
    changed = {**metadata, "old": {**state, "inputs": old}, "new": {**state, "inputs": new}}
    message = {"message": f"it says {text} here", "color": "never"}
    policy = {"policyName": "a", "policyPackName": "b", "policyPackVersion": "1", "policyPackVersionTag": "1"}
    events: list[dict[str, Any]] = [
        {"resOutputsEvent": {"metadata": changed}},
        {"resOutputsEvent": {"metadata": {**changed, "op": "create", "old": None, "urn": f"{urn}-new"}}},
        {"diagnosticEvent": {**message, "severity": "error", "urn": urn}},
        {"diagnosticEvent": {**message, "severity": "warning"}},
        {"diagnosticEvent": {**message, "severity": "info", "urn": urn}},
        {"policyEvent": {**message, **policy, "enforcementLevel": "mandatory", "resourceUrn": urn}},
    ]
    seen = EngineEvents(True)
    for number, event in enumerate(events):
        seen.listen(EngineEvent.from_json({"sequence": number, "timestamp": 0, **event}))
    outcome = Outcome(operation=Operation.PREVIEW, ok=False, events=seen, seconds=1)
    return Found(world="SIMULATED", simulated=True, stack="dev", full="", outcome=outcome, rules=3)


def nowhere(report: Report, secret: str) -> None:
    """No format holds the secret, nor a part of it that is long enough to be of use."""
    parts = {secret} if len(secret) < 24 else {secret[start : start + 16] for start in range(0, len(secret) - 15, 4)}
    for form, write in WRITERS.items():
        text = fitted(report, write)
        assert len(text.encode()) < LIMIT
        assert not [part for part in parts if part in text], form


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", [0, 1000, 2000])
def test_a_planted_secret_is_in_no_format_of_the_report(shape: str, seed: int) -> None:
    text, secret = planted(seed)[shape]
    nowhere(make(found_with(text)), secret)


def test_there_are_forty_shapes_and_each_is_in_what_is_planted() -> None:
    assert len(SHAPES) >= 40
    for text, secret in planted().values():
        assert secret in text or base64.b64encode(b"u:" + secret.encode()).decode() in text


@given(st.sampled_from(SHAPES), st.integers(0, 10**6), st.sampled_from(["values.yaml", "a.json", "note.md", "KEY"]))
def test_whatever_is_drawn_is_in_no_format(shape: str, seed: int, key: str) -> None:
    text, secret = planted(seed)[shape]
    nowhere(make(found_with(text, key)), secret)


@given(
    st.text(string.ascii_lowercase, min_size=5, max_size=20), st.sampled_from(["password", "apiKey", "client_secret"])
)
def test_what_stands_under_a_secrets_name_is_hidden_whatever_it_looks_like(word: str, key: str) -> None:
    assume(word not in {"false"})
    assert redact.value({key: word}) == {key: redact.HIDDEN}
    assert redact.value({"env": [{"name": key, "value": word}]}) == {"env": [{"name": key, "value": redact.HIDDEN}]}


def test_the_data_of_a_kubernetes_secret_is_never_shown() -> None:
    assert redact.value({"data": {"user": "bob"}}, kind="kubernetes:core/v1:Secret") == {
        "data": {"user": redact.HIDDEN}
    }
    report = make(found_with("quite-plain", "user", "kubernetes:core/v1:Secret"))
    text = fitted(report, WRITERS[next(iter(WRITERS))])
    assert "first line" not in text and "data.user" in text


@pytest.mark.parametrize(
    "text",
    [
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment nodes-AmazonEC2ContainerRegistryPullOnly",
        "arn:aws:iam::000000000000:policy/AmazonSSMManagedInstanceCore",
        "oci://public.ecr.aws/karpenter/karpenter@sha256:" + "0123456789abcdef" * 4,
        "vpc-0000000000000e001, subnet-0000000000000e0a1, cr-0abc1234def567890",
        "bottlerocket@v1.62.1, m7g.4xlarge, us-east-1a, 10.20.0.0/16",
        "passwordSecretName: registry-admin",
        "modelyard-dev-gpu-pool-chat-on-demand-interruption-rebalance",
        "spec.template.spec.terminationGracePeriod: 30m",
        "allowed: blocks or groups of one's own",
        "secrets: true; token ttl: 3600; maxTokens: 4096; tokens: 1000",
        "modelyard/infra/components/existing_cluster_spec",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact.text(text) == text


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def test_every_name_and_property_of_the_golden_stacks_stays_readable() -> None:
    for file in sorted((ROOT / "tests" / "golden").glob("*.yaml")):
        for key in set(_keys(yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader))):
            assert redact.text(key) == key
