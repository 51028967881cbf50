"""Every object that a stack declares is taken by a real API server: strict fields, Pod Security, no warning."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.build import build
from infra.guard import guard
from infra.plan import plan
from infra.stack.stack import Stack
from kube.charts import check_values
from kube.pods import ENFORCE
from sandbox.faults import CloudError, Faults
from sandbox.items import ItemStore
from sandbox.kubernetes import release
from sandbox.kubernetes.names import RELEASE
from sandbox.kubernetes.real.controlplane import ControlPlane
from sandbox.kubernetes.real.live import LiveCloud
from tests.conformance.kubernetes.declared import STACKS, by_program, in_cluster
from tests.conformance.kubernetes.putting import put, take_away

pytestmark = pytest.mark.conformance

ABOVE_RESTRICTED = {
    "kube-system": "Kubernetes' own; Karpenter and the device plugin run here, the latter mounts the kubelet's folder",
    "monitoring-nodes": "node exporters read the host's processes and disks, the GPU exporter its devices; nothing else is here",
}
"""Namespaces in which something is declared and that do not enforce `restricted`, each with its reason."""

OPEN_TO_ALL = {"kube-public": "Kubernetes' own; holds the outputs contract, which has no secret, and no pod"}


@pytest.fixture
def cloud(plane: ControlPlane, tmp_path: Path) -> LiveCloud:
    """The provider on the real API server, with a record of releases of its own."""
    return LiveCloud(ItemStore(tmp_path / "world"), Faults(), plane.api)


@pytest.fixture
def restricted(plane: ControlPlane) -> Iterator[str]:
    """A namespace that enforces `restricted`."""
    space = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "careful", "labels": {ENFORCE: "restricted"}},
    }
    plane.apply([space])
    yield "careful"
    plane.api.delete(space)


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_of_a_stack_is_accepted(
    stack: str, cloud: LiveCloud, record_property: Callable[[str, object], None]
) -> None:
    made, counts, objects, started = [], Counter[str](), 0, time.monotonic()
    for declared in in_cluster(stack):
        made.append((declared.token, *put(cloud, declared.token, declared.urn, declared.inputs)))
        counts["Helm release" if declared.token == RELEASE else str(declared.inputs["kind"])] += 1
    seconds, objects = time.monotonic() - started, sum(counts.values()) - counts["Helm release"]
    take_away(cloud, made)
    assert [id for token, id, _ in made if cloud.read(token, id, {}, {})] == []
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()) if kind != "Helm release")
    told = f"{stack}: {objects} objects accepted by the real API server in {seconds:.1f} s ({kinds})"
    releases = f"{stack}: {counts['Helm release']} Helm releases: values checked, CRDs applied; what charts render is not judged"
    record_property("conformance", told)
    record_property("conformance", releases)


@pytest.mark.parametrize("stack", STACKS)
def test_namespaces_above_restricted_are_those_on_the_list(stack: str) -> None:
    resources = in_cluster(stack)
    levels = {
        declared.inputs["metadata"]["name"]: declared.inputs["metadata"].get("labels", {}).get(ENFORCE, "privileged")
        for declared in resources
        if declared.inputs.get("kind") == "Namespace"
    }
    used = {
        str(declared.inputs.get("namespace") or declared.inputs.get("metadata", {}).get("namespace", ""))
        for declared in resources
    }
    above = {name for name in used - {""} if levels.get(name, "privileged") != "restricted"}
    assert above <= ABOVE_RESTRICTED.keys() | OPEN_TO_ALL.keys()


@pytest.mark.parametrize("stack", STACKS)
def test_every_value_of_a_helm_release_is_known_to_its_chart(stack: str) -> None:
    for declared in in_cluster(stack):
        if declared.token == RELEASE:
            chart = release.chart_of(declared.inputs)
            assert check_values(chart, declared.inputs["version"], declared.inputs.get("values", {})) == []


def of_stack(kind: str) -> dict[str, Any]:
    """The inputs of the first object of a kind that dev declares."""
    return next(declared.inputs for declared in in_cluster("dev") if declared.inputs.get("kind") == kind)


@pytest.mark.parametrize("kind", ["Namespace", "NetworkPolicy", "StorageClass", "ConfigMap"])
def test_a_planted_field_is_refused_whatever_the_kind(kind: str, cloud: LiveCloud) -> None:
    inputs = of_stack(kind)
    group = "core/v1" if inputs["apiVersion"] == "v1" else inputs["apiVersion"]
    token = f"kubernetes:{group}:{kind}"
    metadata = (
        {**inputs["metadata"], "namespace": "default"} if "namespace" in inputs["metadata"] else inputs["metadata"]
    )
    assert cloud.check(token, "it", {}, {**inputs, "metadata": metadata}).faults == ()
    (fault,) = cloud.check(token, "it", {}, {**inputs, "metadata": {**metadata, "lables": {}}}).faults
    assert "lables" in f"{fault.path} {fault.reason}"


def test_a_registry_that_is_reached_from_outside_is_accepted(cloud: LiveCloud, restricted: str) -> None:
    outside = {
        "host": "registry.example.com",
        "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
        "allowedCidrs": ["10.20.0.0/16"],
    }
    registry = {"exposure": "internal", "outside": outside}
    dev = {"environment": "dev", "owner": "ml-platform", "budget": {"monthlyUsd": 5000}}
    platform = {**dev, "cluster": {"access": {"reach": "ssmTunnel"}}, "registry": registry, "releases": []}
    resources = by_program(lambda: build(plan(Stack.of(platform, "us-east-1"), guard())), "dev")
    ours = {declared.token: declared for declared in resources if declared.name in ("registry-outside", "registry")}
    tokens = ("kubernetes:core/v1:Service", "kubernetes:networking.k8s.io/v1:NetworkPolicy", DEPLOYMENT)
    for token in tokens:
        inputs = {**ours[token].inputs, "metadata": {**ours[token].inputs["metadata"], "namespace": restricted}}
        assert cloud.check(token, "it", {}, inputs).faults == ()
    service = ours[tokens[0]].inputs
    assert service["metadata"]["name"] == "registry-outside"
    metadata, spec = {**service["metadata"], "namespace": restricted}, service["spec"]
    wrong = {**service, "metadata": metadata, "spec": {**spec, "loadBalancerSourceRanges": ["10.20.0.0/40"]}}
    (fault,) = cloud.check(tokens[0], "it", {}, wrong).faults
    assert "must be a valid CIDR value" in fault.reason


def test_a_planted_field_of_a_node_pool_is_refused_by_its_crd(cloud: LiveCloud) -> None:
    releases = [
        declared
        for declared in in_cluster("dev")
        if declared.token == RELEASE and release.chart_of(declared.inputs) == "karpenter-crd"
    ]
    id, outputs = put(cloud, RELEASE, releases[0].urn, releases[0].inputs)
    inputs = of_stack("NodePool")
    token = "kubernetes:karpenter.sh/v1:NodePool"
    assert cloud.check(token, "it", {}, inputs).faults == ()
    wrong = {**inputs, "spec": {**inputs["spec"], "wieght": 1}}
    (fault,) = cloud.check(token, "it", {}, wrong).faults
    assert "wieght" in f"{fault.path} {fault.reason}"
    heavy = {**inputs, "spec": {**inputs["spec"], "weight": 101}}
    (fault,) = cloud.check(token, "it", {}, heavy).faults
    assert fault.path == "spec.weight" and "less than or equal to 100" in fault.reason
    cloud.delete(RELEASE, id, outputs)


def deployment(namespace: str, **container: Any) -> dict[str, Any]:
    """A Deployment of one careful container."""
    careful = {
        "name": "it",
        "image": "registry.k8s.io/pause:3.10",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    labels = {"app": "it"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{**careful, **container}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "it", "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def test_a_privileged_pod_is_refused_though_its_deployment_would_be_taken(
    cloud: LiveCloud, plane: ControlPlane, restricted: str
) -> None:
    inputs = deployment(restricted)
    assert cloud.check(DEPLOYMENT, "it", {}, inputs).faults == ()
    wrong = deployment(restricted, securityContext={"privileged": True})
    assert plane.api.apply(wrong, dry_run=True, warned=False)["kind"] == "Deployment"
    (fault,) = cloud.check(DEPLOYMENT, "it", {}, wrong).faults
    assert 'violate PodSecurity "restricted:latest": privileged' in fault.reason
    with pytest.raises(CloudError, match="would not be admitted"):
        cloud.create(DEPLOYMENT, "it", wrong, preview=False)
    assert plane.api.get(wrong) is None


def test_a_wrong_helm_key_is_refused(cloud: LiveCloud) -> None:
    inputs = next(declared.inputs for declared in in_cluster("dev") if release.chart_of(declared.inputs) == "karpenter")
    wrong = {**inputs, "values": {**inputs["values"], "replica": 2}}
    assert cloud.check(RELEASE, "karpenter", {}, inputs).faults == ()
    (fault,) = cloud.check(RELEASE, "karpenter", {}, wrong).faults
    assert fault.path == "values.replica" and "replicas" in fault.reason


def test_what_the_server_warns_of_is_refused(cloud: LiveCloud, restricted: str) -> None:
    endpoints = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "old", "namespace": restricted}}
    (fault,) = cloud.check("kubernetes:core/v1:Endpoints", "old", {}, endpoints).faults
    assert "deprecated" in fault.reason
    with pytest.raises(CloudError, match=r"Warning: .*deprecated"):
        cloud.create("kubernetes:core/v1:Endpoints", "old", endpoints, preview=False)


def test_a_kind_that_nobody_knows_is_refused(cloud: LiveCloud) -> None:
    unknown = {"apiVersion": "example.com/v1", "kind": "Riddle", "metadata": {"name": "it"}}
    (fault,) = cloud.check("kubernetes:example.com/v1:Riddle", "it", {}, unknown).faults
    assert 'no matches for kind "Riddle"' in fault.reason


def test_the_control_plane_is_the_pinned_version_and_answers_kubectl(plane: ControlPlane) -> None:
    command = [str(Path(sys.executable).with_name("kubectl")), "--kubeconfig", str(plane.kubeconfig), "version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Server Version: v1.36.0" in done.stdout
