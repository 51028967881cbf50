"""Where a named secret is looked up; AWS is a server of moto's own on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from moto.server import ThreadedMotoServer
from pulumi.runtime.proto import provider_pb2

from mlflow_provider.credentials import NoSecret, Secrets
from mlflow_provider.provider import Provider
from mlflow_provider.wire import struct

HOME, AWAY = "eu-central-1", "us-west-2"


@pytest.fixture(scope="module")
def arns() -> Iterator[dict[str, str]]:
    """The ARN of the secret `registry` by region; each region's has the region's own name as its password."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
            patch.delenv(name, raising=False)
        patch.setenv("AWS_CONFIG_FILE", "/dev/null")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        yield {region: _made(region) for region in (HOME, AWAY)}
    server.stop()


def _made(region: str) -> str:
    client = boto3.client("secretsmanager", region_name=region)
    made = client.create_secret(Name="registry", SecretString=f'{{"adminPassword": "of {region}"}}')
    return str(made["ARN"])


def value(reference: str, settings: dict[str, Any]) -> str:
    provider = Provider(Secrets({}, {}))
    provider.Configure(provider_pb2.ConfigureRequest(args=struct(settings)), None)
    return provider._secrets.value(reference)


def test_a_secret_is_asked_of_the_stacks_region_whatever_the_environment_says(
    arns: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert value("awssm:registry#adminPassword", {"region": HOME}) == f"of {HOME}"
    monkeypatch.setenv("AWS_REGION", AWAY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", AWAY)
    assert value("awssm:registry#adminPassword", {"region": HOME}) == f"of {HOME}"
    assert value("awssm:registry#adminPassword", {}) == f"of {AWAY}"


def test_a_secret_that_an_arn_names_is_asked_of_the_arns_own_region(arns: dict[str, str]) -> None:
    assert value(f"awssm:{arns[AWAY]}#adminPassword", {"region": HOME}) == f"of {AWAY}"


def test_a_secret_without_any_region_is_refused_without_a_traceback(arns: dict[str, str]) -> None:
    with pytest.raises(NoSecret, match="NoRegionError"):
        value("awssm:registry#adminPassword", {})
