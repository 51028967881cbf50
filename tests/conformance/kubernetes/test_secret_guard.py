"""A real API server with External Secrets' CRDs: a store that would borrow the operator's identity is refused, no other is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.secrets.admission import GUARDS, MESSAGE
from sandbox.faults import CloudError, Faults
from sandbox.items import ItemStore
from sandbox.kubernetes import release
from sandbox.kubernetes.names import RELEASE
from sandbox.kubernetes.real.controlplane import ControlPlane
from sandbox.kubernetes.real.live import LiveCloud
from tests.conformance.kubernetes.declared import in_cluster
from tests.conformance.kubernetes.putting import Made, put, take_away

pytestmark = pytest.mark.conformance

AWS = {
    "service": "SecretsManager",
    "region": "us-east-1",
    "role": "arn:aws:iam::123456789012:role/modelyard-dev-secrets-x",
}
KEYS = {"accessKeyIDSecretRef": {"name": "own", "key": "id"}, "secretAccessKeySecretRef": {"name": "own", "key": "key"}}
GENERATORS = ("ECRAuthorizationToken", "STSSessionToken")
OWN = {"jwt": {"serviceAccountRef": {"name": "own"}}}


@pytest.fixture
def guarded(plane: ControlPlane, tmp_path: Path) -> Iterator[ControlPlane]:
    """The CRDs of External Secrets and the admission policies as dev declares them, once they judge."""
    cloud, made = LiveCloud(ItemStore(tmp_path / "world"), Faults(), plane.api), list[Made]()
    for declared in in_cluster("dev"):
        operator = declared.token == RELEASE and release.chart_of(declared.inputs) == "external-secrets"
        if operator or declared.name in GUARDS or declared.name == "external-secrets":
            made.append((declared.token, *put(cloud, declared.token, declared.urn, declared.inputs)))
    try:
        deadline = time.monotonic() + 300
        # An API server takes each policy up at a time of its own.
        for borrowed in (store({"aws": AWS}), *(token(kind, {}) for kind in GENERATORS)):
            while not refusal(plane, borrowed) and time.monotonic() < deadline:
                time.sleep(0.2)
        yield plane
    finally:
        take_away(cloud, made)


def store(provider: dict[str, Any], kind: str = "SecretStore") -> dict[str, Any]:
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": kind,
        "metadata": {"name": "it", **({"namespace": "default"} if kind == "SecretStore" else {})},
        "spec": {"provider": provider},
    }


def token(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "generators.external-secrets.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "it", "namespace": "default"},
        "spec": {"region": "us-east-1", **spec},
    }


def refusal(plane: ControlPlane, obj: dict[str, Any]) -> str:
    """What the API server says against an object; empty when it takes it."""
    try:
        plane.apply([obj])
    except CloudError as error:
        return str(error)
    plane.api.delete(obj)
    return ""


def test_only_an_identity_of_ones_own_reads_from_aws(guarded: ControlPlane) -> None:
    borrowed: list[dict[str, Any]] = [{}, {"auth": {}}, {"auth": {"jwt": {}}}, {"auth": {"secretRef": {}}}]
    for more in borrowed:
        assert MESSAGE in refusal(guarded, store({"aws": {**AWS, **more}})), more
    for auth in (OWN, {"secretRef": KEYS}):
        assert refusal(guarded, store({"aws": {**AWS, "auth": auth}})) == ""
    assert refusal(guarded, store({"fake": {"data": [{"key": "a", "value": "b"}]}})) == ""
    assert refusal(guarded, store({"aws": AWS}, "ClusterSecretStore")) == "", (
        "whoever may make one binds its namespaces"
    )


@pytest.mark.parametrize("kind", GENERATORS)
def test_no_generator_borrows_the_operators_identity(kind: str, guarded: ControlPlane) -> None:
    assert MESSAGE in refusal(guarded, token(kind, {}))
    assert MESSAGE in refusal(guarded, token(kind, {"auth": {}, "role": AWS["role"]}))
    assert refusal(guarded, token(kind, {"auth": OWN})) == ""
