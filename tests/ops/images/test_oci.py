"""Manifests read over the distribution API from a registry on loopback: the token, the digest, and what is not believed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ops.images.oci import Manifest, Missing, Registries, Unread
from tests.ops.registry_server import INDEX, Registry, running


@pytest.fixture
def registry() -> Iterator[Registry]:
    with running() as found:
        yield found


def read(registry: Registry, name: str, reference: str, answer_within: float = 60.0) -> Manifest:
    return Registries(seconds=(60.0, answer_within)).manifest(f"{registry.host}/{name}", reference)


def test_an_image_of_several_architectures_names_those_of_linux_and_its_digest(registry: Registry) -> None:
    digest = registry.image("team/app", "v1", "arm64", "amd64")
    assert read(registry, "team/app", "v1") == Manifest(digest=digest, architectures=("amd64", "arm64"))
    assert read(registry, "team/app", digest).digest == digest


def test_an_image_without_an_index_says_its_architecture_in_its_configuration(registry: Registry) -> None:
    registry.single("app", "v1", {"architecture": "amd64", "os": "linux"})
    registry.single("app", "windows", {"architecture": "amd64", "os": "windows"})
    assert read(registry, "app", "v1").architectures == ("amd64",)
    assert read(registry, "app", "windows").architectures == ()


def test_a_chart_says_its_own_name_and_version(registry: Registry) -> None:
    digest = registry.chart("charts/karpenter", "1.14.1")
    assert read(registry, "charts/karpenter", "1.14.1") == Manifest(digest=digest, chart=("karpenter", "1.14.1"))


def test_a_token_is_asked_for_once_a_repository_and_sent_to_nobody_else(registry: Registry) -> None:
    registry.single("a", "1", {"architecture": "amd64", "os": "linux"})
    registry.image("a", "2", "amd64")
    registry.image("b", "1", "amd64")
    registries = Registries()
    for name, tag in (("a", "1"), ("a", "2"), ("b", "1")):
        registries.manifest(f"{registry.host}/{name}", tag)
    assert registry.tokens == 2
    tokens = [sent for path, sent in registry.asked if path.startswith("/token")]
    assert all("Authorization" not in sent for sent in tokens)


def test_no_name_of_a_netrc_file_is_sent(registry: Registry, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    from pathlib import Path

    netrc = Path(str(tmp_path)) / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password hunter2\n")
    monkeypatch.setenv("NETRC", str(netrc))
    registry.image("a", "1", "amd64")
    read(registry, "a", "1")
    assert not [sent for _, sent in registry.asked if "Basic" in sent.get("Authorization", "")]


def test_what_is_not_there_is_told_from_what_cannot_be_read(registry: Registry) -> None:
    with pytest.raises(Missing, match="no manifest v2"):
        read(registry, "app", "v2")


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (500, "answers 500"),
        (429, "answers 429"),
        ("changed", "digest is"),
        ("large", "larger than"),
        ("slow", "Timeout|Connection"),
    ],
)
def test_what_a_registry_says_is_not_believed_when_it_cannot_be(registry: Registry, fault: object, says: str) -> None:
    registry.image("app", "v1", "amd64")
    read(registry, "app", "v1")
    registry.faults["v1"] = fault
    with pytest.raises(Unread, match=says):
        read(registry, "app", "v1", 0.5 if fault == "slow" else 60.0)


def test_a_manifest_that_is_not_the_one_of_its_digest_is_not_believed(registry: Registry) -> None:
    digest = registry.image("app", "v1", "amd64")
    other = registry.kept[f"/v2/app/manifests/{registry.image('app', 'v2', 'arm64')}"]
    registry.kept[f"/v2/app/manifests/{digest}"] = other
    with pytest.raises(Unread, match="digest"):
        read(registry, "app", digest)


def test_a_configuration_that_is_not_the_one_named_is_not_believed(registry: Registry) -> None:
    registry.single("app", "v1", {"architecture": "amd64", "os": "linux"})
    blob = next(path for path in registry.kept if "/blobs/" in path)
    registry.kept[blob] = ("application/json", b'{"architecture": "arm64", "os": "linux"}')
    with pytest.raises(Unread, match="configuration"):
        read(registry, "app", "v1")


@pytest.mark.parametrize("body", [b"no json", b"[]", b"{}", b'{"config": {}}'])
def test_what_is_no_manifest_is_said_to_be_none(registry: Registry, body: bytes) -> None:
    registry.kept["/v2/app/manifests/v1"] = (INDEX, body)
    with pytest.raises(Unread):
        read(registry, "app", "v1")


def test_a_token_is_never_asked_for_in_clear_outside_this_machine(registry: Registry) -> None:
    registry.realm = "http://auth.example.com/token"
    registry.image("app", "v1", "amd64")
    with pytest.raises(Unread, match="in clear"):
        read(registry, "app", "v1")


def test_a_registry_that_is_not_there_is_named(registry: Registry) -> None:
    with pytest.raises(Unread, match=r"127\.0\.0\.1:1: ConnectionError"):
        Registries(seconds=(0.5, 0.5)).manifest("127.0.0.1:1/app", "v1")
