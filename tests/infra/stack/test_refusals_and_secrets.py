"""No refusal repeats what stands where a secret may stand: in its field, beside it, in place of the Spec, under a wrong key."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from components.kinds.scalars import unwrapped
from components.kinds.secrecy import private
from components.spec import Spec
from core.problem import Refused
from infra.stack.file import StackFile
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from tests.specs import Path as Steps
from tests.specs import places, planted, specs

PLACES = list(places(Settings))
MARKERS = ("Hunter2Marker", "Hunter2Marker with blanks!", "*Hunter2Marker", "Hunter2Marker\nin lines")
SECRET = "Hunter2Marker"
MINIMAL: dict[str, Any] = {"environment": "dev", "owner": "ml-platform", "budget": {"monthlyUsd": 1000}}


def merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: merged(one.get(key), value) for key, value in other.items()}}
    return other


def said(document: dict[str, Any]) -> str:
    """What the settings say of a document; empty when they take it."""
    try:
        Stack.of(merged(copy.deepcopy(MINIMAL), document), "us-east-1")
    except Refused as refused:
        return str(refused)
    return ""


def holds(annotation: Any) -> bool:
    """Whether a place is a Spec that names a secret, or a map of such Specs."""
    plain = unwrapped(annotation)
    inner = [unwrapped(each) for each in getattr(plain, "__args__", ())] or [plain]
    return any(isinstance(each, type) and issubclass(each, Spec) and private(each) for each in inner)


SECRETS = [path for path, model, annotation in PLACES if private(model) or holds(annotation)]
"""Places of secrets, beside secrets, and around them."""
CONTAINERS = [
    path for path, _, annotation in PLACES if not isinstance(unwrapped(annotation), type) or holds(annotation)
]
CONTAINERS += [
    path for path, _, each in PLACES if isinstance(unwrapped(each), type) and issubclass(unwrapped(each), Spec)
]
"""Places of Specs, maps and lists."""


def test_the_specs_that_name_secrets_are_those() -> None:
    """A new one is here by itself when its field has the kind of a secret's name."""
    assert {spec.__name__ for spec in specs() if private(spec)} == {
        "GatewayKeySpec",
        "GrafanaSpec",
        "OidcSpec",
        "ReceiverSpec",
        "RegistryContentSpec",
        "RegistrySpec",
        "RemoteWriteSpec",
        "UserSpec",
        "WebhookSpec",
    }


@pytest.mark.parametrize("path", SECRETS, ids=lambda path: ".".join(map(str, path)))
def test_a_value_where_a_secret_may_stand_is_not_repeated(path: Steps) -> None:
    for marker in MARKERS:
        values: list[Any] = [marker, [marker], {"password": marker}, {"x": {"y": marker}}]
        for value in values:
            assert SECRET not in said(planted(path, value))
    for key in ("password", "token", f"{path[-1]}x", str(path[-1]).upper()):
        assert SECRET not in said(planted((*path[:-1], key), MARKERS[0]))
    if len(path) > 2:
        assert SECRET not in said(planted((*path[:-2], path[-1]), MARKERS[0]))


@pytest.mark.parametrize("path", CONTAINERS, ids=lambda path: ".".join(map(str, path)))
def test_a_value_in_place_of_a_map_or_a_list_or_under_an_unknown_key_is_not_repeated(path: Steps) -> None:
    for marker in MARKERS:
        assert SECRET not in said(planted(path, marker))
        assert SECRET not in said(planted((*path, "password"), {"secret": marker}))


def test_every_place_has_an_error_without_a_traceback() -> None:
    values: list[Any] = [True, -1, 1.5, "x y", [], {}, None, [None], {"a": {"b": []}}, "\uff12", 10**14]
    for path, _, _ in PLACES:
        for value in values:
            said(planted(path, value))


@pytest.mark.parametrize(
    "line",
    [
        "registry: { users: { alice: Hunter2Marker } }",
        "registry: { users: { alice: [Hunter2Marker] } }",
        "registry: { users: Hunter2Marker }",
        "registry: { users: { alice: { Hunter2Marker } } }",
        "registry: { users: { alice: { password: { Hunter2Marker } } } }",
        "registry: { users: { alice: { password: Hunter2Marker } } }",
        "registry: { users: { alice: { password: 'config:a', admin: Hunter2Marker } } }",
        "registry: { adminPassword: Hunter2Marker }",
        "registry: { admin: [Hunter2Marker] }",
        "registry: { webhooks: { w: { events: [Hunter2Marker], url: 'x Hunter2Marker' } } }",
        "registry: { gateway: { keys: { k: Hunter2Marker } } }",
        "registry: { gateway: { keys: { k: { provider: [Hunter2Marker], value: Hunter2Marker } } } }",
        "monitoring: { grafana: { adminSecret: 'Hunter2Marker!' } }",
        "monitoring: { grafana: { adminSecret: { password: Hunter2Marker } } }",
        "monitoring: { grafana: Hunter2Marker }",
        "monitoring: { alerts: { receivers: { a: { kind: slack, secret: 'https://Hunter2Marker' } } } }",
        "monitoring: { alerts: { receivers: { a: { kind: Hunter2Marker, secret: x } } } }",
        "monitoring: { alerts: { receivers: { a: { kind: sns, topicArn: Hunter2Marker } } } }",
        "monitoring: { alerts: { receivers: { a: Hunter2Marker } } }",
        "monitoring: { alerts: { receivers: Hunter2Marker } }",
        "monitoring: { remoteWrite: { url: 'x Hunter2Marker', secret: a } }",
        "password: *Hunter2Marker",
        "password: !Hunter2Marker",
        "password: %Hunter2Marker",
        "password: 'Hunter2Marker",
        "password: { Hunter2Marker: 1, Hunter2Marker: 2 }",
        "environment: { password: Hunter2Marker }",
    ],
)
def test_a_stack_file_with_a_secret_in_it_is_refused_and_the_secret_not_repeated(tmp_path: Path, line: str) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    head = "config:\n  aws:region: us-east-1\n  modelyard:platform:\n"
    rest = "" if line.startswith("environment") else "    environment: dev\n"
    path.write_text(f"{head}{rest}    owner: ml-platform\n    budget: {{ monthlyUsd: 9000 }}\n    {line}\n")
    with pytest.raises(Refused) as caught:
        Stack.read(StackFile.read(path))
    assert SECRET not in str(caught.value)
    assert all(problem.line for problem in caught.value.problems)


def test_a_region_that_is_a_secret_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text("config:\n  aws:region: { secure: Hunter2Marker }\n  modelyard:platform: {}\n")
    with pytest.raises(Refused) as caught:
        StackFile.read(path)
    assert SECRET not in str(caught.value)
    assert caught.value.problems[0].line == 2


def test_a_refusal_still_says_what_was_found_where_no_secret_can_be() -> None:
    assert "found: 10.20.0.1/16" in said({"network": {"cidr": "10.20.0.1/16"}})
    assert "found: fast" in said({"gpuPools": {"a": {"purpose": "fast", "instanceTypes": ["g6.xlarge"]}}})
    assert "found: -5" in said({"gpuPools": {"a": {"limits": {"gpus": -5}}}})
