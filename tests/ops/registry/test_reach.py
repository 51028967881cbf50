"""Which server a stack's registry is, in the cloud: its own cluster's. `kubectl` is a script of the test's."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import ExitCode, Refused
from infra import guard
from mlflow_provider.connection import PASSWORD, URL, USER
from mlflow_provider.credentials import SIMULATED
from ops.registry import reach
from ops.worlds.cloud import CloudWorld
from ops.worlds.world import Place
from tests.roots import ROOT

KUBECTL = """#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
test "$1" = --kubeconfig && cat "$2" >"$(dirname "$0")/kubeconfig"
case "$*" in
  *"get secret registry-keys"*) echo KEPT ;;
  *port-forward*) echo "Forwarding from 127.0.0.1:4711 -> 5000"; exec sleep 60 ;;
esac
"""
OWN = {"type": "pulumi:providers:kubernetes", "inputs": {"kubeconfig": '{"current-context": "modelyard-prod"}'}}
REPLACED = {**OWN, "delete": True, "inputs": {"kubeconfig": '{"current-context": "the old one"}'}}


class Deployed:
    """An engine whose stack has this state and these secrets in its configuration."""

    def __init__(self, *resources: Mapping[str, Any]) -> None:
        self.resources = resources

    def state(self) -> dict[str, Any]:
        return {"resources": list(self.resources)}

    def ask(self, *arguments: str) -> str:
        assert arguments == ("config", "--show-secrets", "--json")
        return json.dumps({"modelyard:boss": {"value": "kept-by-pulumi", "secret": True}, "aws:region": {"value": "x"}})


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the script was called with; the cluster's Secret holds `correct-horse`, AWS a placeholder."""
    script = tmp_path / "bin" / "kubectl"
    script.parent.mkdir()
    script.write_text(KUBECTL.replace("KEPT", base64.b64encode(b"correct-horse").decode()))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    for name in (URL, USER, PASSWORD):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(SIMULATED, "1")
    return script.parent / "asked"


def listed(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """The guard file lists the server of these tests, or what is given."""
    found = dataclasses.replace(guard.guard(), secret_hosts=hosts or ("mlflow.example.org",))
    monkeypatch.setattr(guard, "guard", lambda: found)


def test_no_password_goes_to_a_server_that_the_guard_file_does_not_list(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CloudWorld, "opened", None)
    file = stack_file(tmp_path, url="https://mlflow.example.org")
    with pytest.raises(Refused) as told, reach.reached(place("prod", file)):
        pass
    (problem,) = told.value.problems
    assert (problem.where, problem.file, problem.line > 1) == ("registry.url", file.name, True)
    listed(monkeypatch)
    with reach.reached(place("prod", file)) as server:
        assert server.url == "https://mlflow.example.org"


def place(stack: str, file: Path | None = None) -> Place:
    return Place(root=ROOT, stack=stack, stack_file=file or ROOT / f"Pulumi.{stack}.yaml", world=CloudWorld())


def stack_file(folder: Path, **registry: Any) -> Path:
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    document["config"]["modelyard:platform"]["registry"] = registry
    # A release names a model of the registry, and this one holds none.
    del document["config"]["modelyard:platform"]["releases"]
    (folder / "Pulumi.prod.yaml").write_text(yaml.safe_dump(document))
    return folder / "Pulumi.prod.yaml"


def deploy(monkeypatch: pytest.MonkeyPatch, *resources: Mapping[str, Any]) -> None:
    @contextlib.contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[Deployed]:
        yield Deployed(*resources)

    monkeypatch.setattr(CloudWorld, "opened", opened)


def test_a_stack_in_aws_is_reached_through_its_own_cluster_with_the_password_that_its_program_takes(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch, REPLACED, OWN)
    with reach.reached(place("prod")) as server:
        assert (server.url, server.user) == ("http://127.0.0.1:4711", "admin")
        assert server.password == "SIMULATED secret for awssm:modelyard-prod/registry#adminPassword"
    assert all(line.startswith("--kubeconfig ") for line in asked.read_text().splitlines())
    assert asked.with_name("kubeconfig").read_text() == OWN["inputs"]["kubeconfig"]  # type: ignore[index]


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_stack_is_reached_with_the_settings_that_its_program_declares(
    stack: str, asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch, OWN)
    golden = yaml.safe_load((ROOT / "tests" / "golden" / f"{stack}.yaml").read_text())
    (declared,) = (each["inputs"] for name, each in golden.items() if "pulumi:providers:modelyard" in name)
    said = {key: value for key, value in reach._elsewhere(place(stack), "").settings.items() if value is not None}
    for each in (said, declared):
        each["portForward"].pop("kubeconfig", None)
    assert said == declared


def test_a_stack_outside_aws_is_reached_through_the_context_that_it_names(asked: Path) -> None:
    with reach.reached(place("local")) as server:
        assert (server.user, server.password) == ("admin", "correct-horse")
    context = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text())["config"]["modelyard:platform"]["kubernetes"]
    assert all(line.startswith(f"--context {context['context']} ") for line in asked.read_text().splitlines())


def test_a_cluster_that_is_not_known_is_refused_and_the_current_one_left_alone(
    asked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch, REPLACED)
    with pytest.raises(Refused, match="cluster is not known") as refused, reach.reached(place("prod")):
        raise AssertionError("it was reached")
    assert "--url" in refused.value.problems[0].fix and not asked.exists()


def test_a_stack_without_a_registry_is_refused(asked: Path, tmp_path: Path) -> None:
    document = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    del document["config"]["modelyard:platform"]["registry"], document["config"]["modelyard:platform"]["releases"]
    (tmp_path / "Pulumi.prod.yaml").write_text(yaml.safe_dump(document))
    with (
        pytest.raises(Refused, match="no registry") as refused,
        reach.reached(place("prod", tmp_path / "Pulumi.prod.yaml")),
    ):
        raise AssertionError("it was reached")
    assert refused.value.code is ExitCode.REFUSED and not asked.exists()


@pytest.mark.parametrize("how", ["stack file", "environment"])
def test_a_server_at_an_address_needs_no_cluster(
    how: str, asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://mlflow.example.org"
    listed(monkeypatch)
    monkeypatch.setattr(CloudWorld, "opened", None)
    if how == "environment":
        monkeypatch.setenv(URL, address)
    file = stack_file(tmp_path, **({"url": address} if how == "stack file" else {}))
    with reach.reached(place("prod", file)) as server:
        assert server.url == address
        assert server.password == "SIMULATED secret for awssm:modelyard-dev/registry#adminPassword"
    assert not asked.exists()


def test_a_password_of_the_stacks_configuration_is_asked_of_the_engine_unless_the_environment_gives_one(
    asked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(monkeypatch)
    listed(monkeypatch)
    file = stack_file(tmp_path, url="https://mlflow.example.org", adminPassword="config:boss")
    with reach.reached(place("prod", file)) as server:
        assert (server.user, server.password) == ("admin", "kept-by-pulumi")
    monkeypatch.setattr(CloudWorld, "opened", None)
    monkeypatch.setenv(PASSWORD, "given")
    with reach.reached(place("prod", file)) as server:
        assert server.password == "given"
