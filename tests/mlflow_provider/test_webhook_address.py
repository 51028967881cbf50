"""A webhook whose address is a secret: only the server is given it; the engine keeps a digest. The server is the test's own."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from mlflow_provider.api import SHOWN, Rejected, Server
from mlflow_provider.credentials import Secrets
from mlflow_provider.provider import Provider
from mlflow_provider.wire import plain, struct

URN = "urn:pulumi:dev::modelyard::modelyard:registry:Webhook::ci"
PLANTED = "planted" + "5e1f7c"
ADDRESS = f"https://example.org/{PLANTED}?token={PLANTED}"
INPUTS = {"name": "ci", "urlSecret": "env:MODELYARD_HOOK", "events": ["prompt.created"], "enabled": True}


class Hooks(Server):
    """Webhooks as MLflow keeps them; `refuses` makes it answer as MLflow does to an address that it does not take, after so
    many other characters.
    """

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:1")
        self.there: dict[str, dict[str, Any]] = {}
        self.refuses = -1

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        if method == "GET" and path.endswith("/webhooks"):
            return {"webhooks": list(self.there.values())}
        body = arguments.get("json") or {}
        if method != "GET" and self.refuses >= 0:
            raise Rejected("INVALID", f"{'x' * self.refuses} Webhook URL must include a hostname: {body['url']!r}", 400)
        if method != "GET":
            self.there["1"] = {"webhook_id": "1", **body}
        return {"webhook": self.there["1"]}


class Told(Exception):
    """What the engine is told when a call fails."""


class Context:
    def abort(self, code: Any, message: str) -> None:
        raise Told(message)


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    server = Hooks()
    monkeypatch.setattr("mlflow_provider.connection.Connection.server", lambda _: server)
    return server


def provider(address: str = ADDRESS) -> Provider:
    made = Provider(Secrets({}, {"MODELYARD_HOOK": address, "MODELYARD_REGISTRY_PASSWORD": "correct-horse"}))
    made.Configure(provider_pb2.ConfigureRequest(args=struct({"url": "http://127.0.0.1:1"})), Context())
    return made


def made(by: Provider, **inputs: Any) -> dict[str, Any]:
    request = provider_pb2.CreateRequest(urn=URN, properties=struct({**INPUTS, **inputs}))
    answer = by.Create(request, Context())
    assert PLANTED not in json_format.MessageToJson(answer)
    return plain(answer.properties)


def read(by: Provider, state: dict[str, Any]) -> dict[str, Any]:
    before = {key: value for key, value in state.items() if not key.endswith("Digest")}
    request = provider_pb2.ReadRequest(id="1", urn=URN, inputs=struct(before), properties=struct(state))
    answer = by.Read(request, Context())
    assert PLANTED not in json_format.MessageToJson(answer)
    assert plain(answer.properties).get("urlSecretDigest") == state["urlSecretDigest"]
    return plain(answer.inputs)


def changed(by: Provider, state: dict[str, Any], olds: dict[str, Any] = INPUTS) -> list[str]:
    request = provider_pb2.DiffRequest(
        id="1", urn=URN, old_inputs=struct(olds), news=struct(INPUTS), olds=struct(state)
    )
    return list(by.Diff(request, Context()).diffs)


def test_the_server_is_given_the_address_and_the_engine_its_digest(hooks: Hooks) -> None:
    state = made(provider())
    assert hooks.there["1"]["url"] == ADDRESS and "url" not in state
    assert state["urlSecret"] == "env:MODELYARD_HOOK" and len(state["urlSecretDigest"]) == 32
    assert changed(provider(), state) == []


def test_another_address_behind_the_same_name_is_seen_and_sent(hooks: Hooks) -> None:
    state, other = made(provider()), provider(f"{ADDRESS}-new")
    assert changed(other, state) == ["urlSecret"]
    request = provider_pb2.UpdateRequest(
        id="1", urn=URN, old_inputs=struct(INPUTS), news=struct(INPUTS), olds=struct(state)
    )
    answer = other.Update(request, Context())
    assert hooks.there["1"]["url"] == f"{ADDRESS}-new" and PLANTED not in json_format.MessageToJson(answer)
    assert changed(other, plain(answer.properties)) == []


def test_an_address_that_somebody_has_changed_on_the_server_is_drift_and_not_repeated(hooks: Hooks) -> None:
    state = made(provider())
    assert read(provider(), state) == INPUTS
    hooks.there["1"]["url"] = f"https://elsewhere.example.org/{PLANTED}"
    found = read(provider(), state)
    assert "url" not in found and "urlSecret" not in found
    assert changed(provider(), state, found) == ["urlSecret"]


def test_a_webhook_that_is_there_is_taken_over_when_its_address_is_the_secrets_and_refused_otherwise(
    hooks: Hooks,
) -> None:
    made(provider())
    assert "urlSecretDigest" in made(provider())
    with pytest.raises(Told, match="differs in url") as told:
        made(provider(f"{ADDRESS}-other"))
    assert PLANTED not in str(told.value)


@pytest.mark.parametrize("after", [0, SHOWN - 67, SHOWN * 3], ids=["whole", "cut in the middle", "cut before"])
@pytest.mark.parametrize("call", ["create", "update"])
def test_what_the_server_says_of_an_address_that_it_does_not_take_is_told_without_it(
    call: str, after: int, hooks: Hooks
) -> None:
    state = made(provider())
    hooks.refuses = after
    if call == "create":
        hooks.there.clear()
    request = provider_pb2.UpdateRequest(
        id="1", urn=URN, old_inputs=struct(INPUTS), news=struct(INPUTS), olds=struct(state)
    )
    with pytest.raises(Told, match="INVALID") as told:
        made(provider()) if call == "create" else provider().Update(request, Context())
    assert "planted" not in str(told.value) and len(str(told.value)) < SHOWN + 50
    assert after or "must include a hostname" in str(told.value)


def test_a_secret_and_an_address_of_one_webhook_have_digests_of_their_own(hooks: Hooks) -> None:
    state = made(provider(), secret="env:MODELYARD_HOOK")
    assert len({state["secretDigest"], state["urlSecretDigest"]}) == 2 and hooks.there["1"]["secret"] == ADDRESS
