"""The example of the chat service: what it declares on a platform's promise, and what it refuses without one."""

from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from app.assignment import Assigner
from app.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "chat-app"
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
    "image": "app:1",
    "version": "1",
}


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
    assert set(found) == {"ConfigMap", "Deployment", "Service", "NetworkPolicy", "PodMonitor"}
    assert {each["metadata"]["namespace"] for each in found.values()} == {"shop"}
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        found["Service"]["spec"]["selector"],
        *(found[kind]["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "PodMonitor")),
        found["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
    ]
    assert selectors == [labels] * 4


def test_its_environment_is_one_that_the_app_takes_and_its_flags_are_those_it_reads(tmp_path: Path) -> None:
    found = declared()
    [container] = found["Deployment"]["spec"]["template"]["spec"]["containers"]
    values = {each["name"]: each.get("value", "from a secret") for each in container["env"]}
    said = Settings.of(values)
    assert said.model_url == PROMISED["releases"]["chat"]["url"]
    assert said.registry_url == PROMISED["registry"]["url"]
    assert "value" not in next(each for each in container["env"] if each["name"] == "REGISTRY_PASSWORD")
    flags = tmp_path / "flags.json"
    flags.write_text(found["ConfigMap"]["data"]["flags.json"], encoding="utf-8")
    assert Assigner(flags, said.experiment).of("ann").prompt.startswith("prompts:/shop-assistant/")
    [mount] = [each for each in container["volumeMounts"] if each["name"] == "flags"]
    assert str(said.flags_file) == f"{mount['mountPath']}/flags.json"


def test_its_pods_are_restricted() -> None:
    pod = declared()["Deployment"]["spec"]["template"]["spec"]
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
