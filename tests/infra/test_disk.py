"""What pods may write on their node: every container that the platform sizes says it, and no emptyDir can grow without end."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from components.resources import LOGS_MIB, SMALL_MIB, resources, small
from core.problem import Refused
from infra.declared import Declared, declare
from infra.guard import guard
from infra.loaded import LoadedStack
from infra.program import make
from infra.stack.stack import Stack
from kube.pods import containers, pod_template
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
RELEASE = "kubernetes:helm.sh/v3:Release"
DISK = "ephemeral-storage"
UNITS = {"Mi": 1, "Gi": 1024}


@functools.cache
def declared(stack: str) -> tuple[Declared, ...]:
    return tuple(
        declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack).values()
    )


def mib(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def pods(stack: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for each in declared(stack):
        if found := pod_template(each.inputs):
            yield each.name, found[1]["spec"]


def sized(values: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each `resources` of a container among a chart's values, those of a volume's claim aside."""
    if isinstance(values, Mapping):
        for key, value in values.items():
            here = f"{path}.{key}".lstrip(".")
            if key == "resources" and "storage" not in value.get("requests", {}):
                yield here, value
            else:
                yield from sized(value, here)


@pytest.mark.parametrize("stack", STACKS)
def test_every_declared_pod_asks_for_what_its_empty_volumes_hold(stack: str) -> None:
    found = list(pods(stack))
    assert len(found) >= 2
    for name, spec in found:
        first, together = [0], 0
        for path, container in containers(spec):
            said = container["resources"]
            assert DISK in said["requests"] and DISK in said["limits"], f"{name}: {path}"
            if path.startswith("initContainers"):
                first.append(mib(said["requests"][DISK]))
            else:
                together += mib(said["requests"][DISK])
        # What runs before the others has gone when they come (Kubernetes, "Init Containers", resource sharing).
        asked = max(*first, together)
        empty = [volume["emptyDir"] for volume in spec["volumes"] if "emptyDir" in volume]
        assert all(each.get("sizeLimit") for each in empty), f"{name}: a volume without an end"
        held = sum(mib(each["sizeLimit"]) for each in empty if each.get("medium") != "Memory")
        assert asked == held + LOGS_MIB, name


@pytest.mark.parametrize("stack", STACKS)
def test_every_container_of_a_chart_that_the_platform_sizes_says_what_it_may_write(stack: str) -> None:
    found = {
        f"{each.name}: {path}": said
        for each in declared(stack)
        if each.token == RELEASE
        for path, said in sized(each.inputs.get("values", {}))
    }
    assert {"external-secrets: webhook.resources", "kube-prometheus-stack: grafana.sidecar.resources"} <= set(found)
    for where, said in found.items():
        assert mib(said["requests"][DISK]) <= mib(said["limits"][DISK]) <= SMALL_MIB, where


@pytest.mark.parametrize("stack", STACKS)
def test_every_chart_that_runs_pods_is_sized(stack: str) -> None:
    charts = {each.name: each.inputs.get("values", {}) for each in declared(stack) if each.token == RELEASE}
    assert {name for name, values in charts.items() if not list(sized(values))} <= {"karpenter-crd"}


def test_what_a_container_asks_for_is_what_it_may_take_unless_it_says_more() -> None:
    assert resources("1", "2Gi", 300) == {
        "requests": {"cpu": "1", "memory": "2Gi", DISK: "300Mi"},
        "limits": {"memory": "2Gi", DISK: "300Mi"},
    }
    assert small("1", "1Gi", "2Gi")["limits"] == {"memory": "2Gi", DISK: f"{SMALL_MIB}Mi"}


def with_upload(gib: int) -> Stack:
    platform = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["modelyard:platform"]
    pool = {**platform["generalPool"], "diskGb": 80}
    return Stack.of(
        {**platform, "generalPool": pool, "registry": {"server": {"uploadGb": gib}}, "releases": []}, "us-east-1"
    )


def test_a_server_that_no_node_has_the_disk_for_is_refused_and_the_largest_that_fits_is_taken() -> None:
    with_upload(69)
    with pytest.raises(Refused) as found:
        with_upload(70)
    (problem,) = found.value.problems
    assert problem.where == "registry.server.uploadGb"
    assert problem.allowed.startswith("69 with")


@pytest.mark.parametrize(("most", "scaled"), [(1, False), (2, True)])
def test_an_autoscaler_with_one_choice_is_not_declared_for_its_stock_alert_would_never_rest(
    most: int, scaled: bool
) -> None:
    from infra.build import build
    from infra.plan import plan

    platform = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["modelyard:platform"]
    registry = {"server": {"replicas": {"min": 1, "max": most}}}
    stack = Stack.of({**platform, "registry": registry, "releases": []}, "us-east-1")
    declared_resources = list(declare(lambda: build(plan(stack, guard())), project="modelyard", stack="dev").values())
    assert any(declared.token.endswith(":HorizontalPodAutoscaler") for declared in declared_resources) is scaled
    (server,) = [declared for declared in declared_resources if declared.token.endswith(":Deployment")]
    assert server.inputs["spec"].get("replicas") == (None if scaled else 1)
