"""No secret stands in a setting: an address with a password in it and a provider's setting that is a key are refused unread."""

from __future__ import annotations

from typing import Any

import pytest

from components.kinds import in_clear
from components.registry.content.spec import WebhookSpec
from core.problem import Refused
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from tests.components.registry.content.test_spec import HAPPY
from tests.roots import ROOT

# Built from pieces, so that no scanner meets them.
PLANTED = "planted" + "5e1f7c"
KEY = "sk-" + "live-" + "4f9a" * 6
USERS = f"https://robot:{PLANTED}@mlflow.example.org/x"


def refusal(path: str, value: Any) -> Refused:
    """What the dev stack is refused with when one value of it is another; `path` is dotted."""
    platform: dict[str, Any] = {
        **StackFile.read(ROOT / "Pulumi.dev.yaml").platform,
        "registry": {**HAPPY},
        "releases": [],
    }
    here = platform
    *steps, last = path.split(".")
    for step in steps:
        here[step] = {**(here.get(step) or {})}
        here = here[step]
    here[last] = value
    with pytest.raises(Refused) as refused:
        Stack.of(platform, "us-east-1")
    return refused.value


@pytest.mark.parametrize(
    "address", [USERS, f"https://{PLANTED}@example.org", f"https://example.org/hook?token={PLANTED}"]
)
@pytest.mark.parametrize(
    "path",
    [
        "registry.url",
        "registry.experiments.x.description",
        "registry.experiments.x.tags.board",
        "registry.gateway.keys.k.settings.api_base",
        "monitoring.grafana.rootUrl",
        "monitoring.remoteWrite.url",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_at_its_place_and_not_repeated(path: str, address: str) -> None:
    refused = refusal(path, address)
    assert path in [problem.where for problem in refused.problems]
    assert PLANTED not in str(refused) and PLANTED not in str([problem.as_dict() for problem in refused.problems])


def test_an_address_in_a_list_is_refused_at_its_place() -> None:
    refused = refusal("monitoring.grafana.oidc", {"name": "x", "clientId": "x", "scopes": ["openid", USERS]})
    assert "monitoring.grafana.oidc.scopes[1]" in [
        problem.where for problem in refused.problems
    ] and PLANTED not in str(refused)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", PLANTED),
        ("clientSecret", PLANTED),
        ("aws_secret_access_key", PLANTED),
        ("vertex_credentials", PLANTED),
        ("model", KEY),
        ("api_base", "https://hooks.slack.com/services/" + PLANTED),
    ],
)
def test_a_secret_among_a_providers_settings_is_refused_and_not_repeated(name: str, value: str) -> None:
    refused = refusal("registry.gateway.keys.k.settings", {"api_version": "2024-06-01", name: value})
    assert [problem.where for problem in refused.problems] == [f"registry.gateway.keys.k.settings.{name}"]
    assert PLANTED not in str(refused) and KEY not in str(refused) and "`value`" in refused.problems[0].fix


def test_what_providers_are_told_beside_their_keys_is_taken() -> None:
    said = {
        "api_base": "https://east.openai.azure.com/openai?api-version=2024-06-01",
        "api_type": "azure",
        "client_id": "8d6b3f0e-2b1c-4f0e-9d55-0c6f4c2b7a11",
        "aws_role_name": "arn:aws:iam::000000000000:role/gateway",
        "auth_mode": "access_keys",
        "token_url": "https://login.example.org/oauth2/token",
        "max_tokens": "400",
    }
    keys = {"k": {"provider": "azure", "value": "env:MODELYARD_KEY", "settings": said}}
    platform = StackFile.read(ROOT / "Pulumi.dev.yaml").platform
    registry = Stack.of(
        {**platform, "registry": {**HAPPY, "gateway": {**HAPPY["gateway"], "keys": keys}}}, "us-east-1"
    ).settings.registry
    assert registry is not None and registry.gateway.keys["k"].settings == said


@pytest.mark.parametrize(
    "path", ["registry.users.alice.password", "registry.adminPassword", "registry.gateway.keys.k.value"]
)
def test_a_secret_that_stands_where_only_its_name_may_is_not_repeated(path: str) -> None:
    refused = refusal(path, PLANTED)
    assert [problem.where for problem in refused.problems] == [path] and PLANTED not in str(refused)
    assert "awssm:ID#KEY" in refused.problems[0].allowed


@pytest.mark.parametrize(
    ("address", "fix"),
    [
        (USERS, "`urlSecret`"),
        (f"https://example.org/hook?sig={PLANTED}", "`urlSecret`"),
        ("https://hooks.slack.com/services/" + PLANTED, "urlSecret: config:NAME"),
        ("https://discord.com/api/webhooks/1/" + PLANTED, "urlSecret: config:NAME"),
    ],
)
def test_a_webhooks_address_that_is_a_secret_is_refused_with_the_place_for_it(address: str, fix: str) -> None:
    refused = refusal("registry.webhooks.w", {"url": address, "events": ["prompt.created"]})
    assert [problem.where for problem in refused.problems] == ["registry.webhooks.w.url"]
    assert fix in refused.problems[0].fix and PLANTED not in str(refused)


@pytest.mark.parametrize("said", [{}, {"url": "https://example.org/x", "urlSecret": "env:MODELYARD_HOOK"}])
def test_a_webhook_has_exactly_one_address(said: dict[str, str]) -> None:
    refused = refusal("registry.webhooks.w", {**said, "events": ["prompt.created"]})
    assert [problem.where for problem in refused.problems] == ["registry.webhooks.w.url"]


@pytest.mark.parametrize("said", [{"url": "https://example.org/x?channel=2"}, {"urlSecret": "awssm:hooks#ci"}])
def test_a_webhooks_address_is_written_or_named(said: dict[str, str]) -> None:
    assert WebhookSpec.model_validate({**said, "events": ["prompt.created"]}).to_inputs().items() >= said.items()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("https://example.org/?a=1&access_token=x", "access_token"),
        ("https://example.org/?X-Amz-Signature=x", "X-Amz-Signature"),
        ("https://example.org/?apiKey=x", "apiKey"),
        ("https://example.org/?%74oken=x", "%74oken"),
        ("https://example.org/#token=x", "token"),
        ("https://example.org/?sig=x", "sig"),
        ("https://example.org/?token=", ""),
        ("https://example.org/?keyword=x&page=2&max_tokens=4", ""),
        ("https://example.org/token=x", ""),
        ("see https://example.org/?token=x", ""),
    ],
)
def test_a_parameter_is_a_secret_by_the_last_word_of_its_name(text: str, name: str) -> None:
    assert in_clear.parameter(text) == name


@pytest.mark.parametrize(
    "text", ["https://example.org/@me", "oci://example.org/x@sha256:1", "a@b.org", "see example.org"]
)
def test_an_at_sign_elsewhere_in_an_address_is_no_user(text: str) -> None:
    assert not in_clear.has_user(text)
