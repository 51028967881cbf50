"""The example of the chat service: what it declares on a platform's promise, and what it refuses without one."""

from __future__ import annotations

import asyncio
import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from app.assignment import Assigner
from app.settings import Settings
from labs.deploy import release
from tests.roots import ROOT

EXAMPLE = ROOT / "examples" / "chat-app"
PROMISED: dict[str, Any] = {
    "contractVersion": 2,
    "environment": "local",
    "owner": "ml-platform",
    "namespaces": ["modelyard-serving", "shop"],
    "storageClass": "standard",
    "registry": {
        "url": "http://registry.modelyard-registry:5000",
        "tracesUrl": "http://registry.modelyard-registry:5000/v1/traces",
        "namespace": "modelyard-registry",
    },
    "releases": {
        "chat": {
            "url": "http://models.modelyard-gateway.svc/chat/v1",
            "model": "assistant",
            "version": 3,
            "contextTokens": 2048,
        }
    },
}
CONFIG = {
    "platform": "organization/modelyard/local",
    "namespace": "shop",
    "context": "lab",
}
DIGEST = "registry.example.com/team/assistant@sha256:" + "a" * 64


class Cluster(mocks.Mocks):
    """Takes what is declared, and answers with the platform's promise."""

    def __init__(self, promised: dict[str, Any]) -> None:
        self.promised = promised
        self.declared: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"name": args.name, "outputs": self.promised, "secretOutputNames": []}
        if args.typ.startswith("kubernetes:"):
            self.declared[args.typ.rpartition(":")[2]] = args.inputs
        return args.name, args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


@pytest.fixture(autouse=True)
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example with its release raised, as the workflow raises it."""
    folder = tmp_path / "chat-app"
    shutil.copytree(EXAMPLE, folder)
    file = folder / "release.yaml"
    file.write_text(release.raised(file.read_text(encoding="utf-8"), "abc123", DIGEST), encoding="utf-8")
    monkeypatch.setattr(sys.modules[__name__], "EXAMPLE", folder)
    return folder


def declared(promised: dict[str, Any] = PROMISED, **config: str) -> dict[str, dict[str, Any]]:
    """Everything that the program declares, by kind."""
    cluster = Cluster(promised)
    # Pulumi's mocks take the thread's loop, and a test before may have closed it.
    asyncio.set_event_loop(asyncio.new_event_loop())
    pulumi.runtime.set_mocks(cluster, project="chat-app", stack="test")
    pulumi.runtime.set_all_config({f"chat-app:{key}": value for key, value in {**CONFIG, **config}.items()})

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def run() -> None:
        runpy.run_path(str(EXAMPLE / "chat_app.py"))

    run()
    return cluster.declared


def test_it_declares_all_that_an_app_needs_in_the_namespace_that_the_platform_made() -> None:
    found = declared()
    assert set(found) == {"ConfigMap", "Rollout", "Service", "NetworkPolicy", "PodMonitor"}
    assert {each["metadata"]["namespace"] for each in found.values()} == {"shop"}
    labels = found["Rollout"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        found["Service"]["spec"]["selector"],
        *(found[kind]["spec"]["selector"]["matchLabels"] for kind in ("Rollout", "PodMonitor")),
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert selectors == [labels] * 4


def test_its_environment_is_one_that_the_app_takes_and_its_flags_are_those_it_reads(tmp_path: Path) -> None:
    found = declared()
    [container] = found["Rollout"]["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value", "from a secret") for each in container["env"]}
    said = Settings.of(values)
    assert said.model_url == PROMISED["releases"]["chat"]["url"]
    assert said.registry_url == PROMISED["registry"]["url"]
    assert "value" not in next(each for each in container["env"] if each["name"] == "REGISTRY_PASSWORD")
    flags = tmp_path / "flags.json"
    flags.write_text(found["ConfigMap"]["data"]["flags.json"], encoding="utf-8")
    assert Assigner(flags, said.experiment).of("ann").prompt.startswith("prompts:/shop-assistant/")
    [mount] = [volume_mount for volume_mount in container["volumeMounts"] if volume_mount["name"] == "flags"]
    assert str(said.flags_file) == f"{mount['mountPath']}/flags.json"


def test_its_pods_are_restricted() -> None:
    pod = declared()["Rollout"]["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)


def test_it_may_go_to_the_gateway_of_the_models_and_to_nobody_else() -> None:
    spec = declared()["NetworkPolicy"]["spec"]
    names = [json.dumps(each["to"]) for each in spec["egress"]]
    assert len(names) == 1
    assert "modelyard-gateway" in names[0]
    assert set(spec["policyTypes"]) == {"Ingress", "Egress"}


@pytest.mark.parametrize(
    ("promised", "config", "why"),
    [
        ({**PROMISED, "releases": {}}, {}, "no release chat: the platform has none"),
        (PROMISED, {"release": "embed"}, "no release embed: the platform has chat"),
        ({**PROMISED, "registry": None}, {}, "no registry"),
        (PROMISED, {"namespace": "other"}, "no namespace other"),
    ],
)
def test_what_the_platform_does_not_promise_is_refused_with_the_reason(
    promised: dict[str, Any], config: dict[str, str], why: str
) -> None:
    with pytest.raises(pulumi.RunError, match=why):
        declared(promised, **config)


def test_what_the_workflow_writes_into_the_release_is_what_runs(example: Path) -> None:
    spec = declared()["Rollout"]["spec"]
    said = release.read((example / "release.yaml").read_text(encoding="utf-8"))
    [container] = spec["template"]["spec"]["containers"]
    assert container["image"] == said.image == DIGEST
    assert {"name": "VERSION", "value": "abc123"} in container["env"]
    assert spec["replicas"] == said.replicas


def test_the_next_version_takes_the_releases_steps_by_pods(example: Path) -> None:
    found = declared()["Rollout"]
    said = release.read((example / "release.yaml").read_text(encoding="utf-8"))
    canary = found["spec"]["strategy"]["canary"]
    assert found["apiVersion"] == "argoproj.io/v1alpha1"
    assert [step["setWeight"] for step in canary["steps"][::2]] == [step.weight for step in said.rollout.steps]
    pauses = [step["pause"]["duration"] for step in canary["steps"][1::2]]
    assert pauses == [f"{step.pause_seconds}s" for step in said.rollout.steps]
    assert set(canary) == {"maxSurge", "maxUnavailable", "steps"}, "no route is moved: a team has none"
    assert canary["maxUnavailable"] == 0


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (DIGEST, "", "names no image yet"),
        (DIGEST, "registry.example.com/team/assistant:latest", "named by its digest"),
        ("replicas: 1", "replicas: many", "cannot be used"),
        ("replicas: 1", "", "cannot be used: KeyError"),
        ("weight: 10", "wait: 10", "cannot be used"),
        ("rollout:", "rollout: [", "cannot be used"),
    ],
)
def test_a_release_that_cannot_be_used_is_refused_with_the_reason(example: Path, old: str, new: str, why: str) -> None:
    file = example / "release.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(pulumi.RunError, match=why):
        declared()
