"""Kubernetes objects: a good one passes, and each single broken property is refused at its path."""

from __future__ import annotations

import copy
import time
from types import MappingProxyType
from typing import Any

import pytest

from core.problem import Problem
from kube.objects import UNKNOWN, check_change, check_object, crd_of, identity, is_namespaced, token_to_gvk

MISSING = object()


def deployment() -> dict[str, Any]:
    container = {
        "name": "web",
        "image": "example/web:1.2.3",
        "ports": [{"containerPort": 8080}],
        "resources": {"requests": {"cpu": "250m"}, "limits": {"memory": "1Gi", "nvidia.com/gpu": 1}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108
    }
    container["resources"]["requests"]["nvidia.com/gpu"] = 1  # type: ignore[index]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "apps", "labels": {"app.kubernetes.io/name": "web"}},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}]},
            },
        },
    }


def node_pool() -> dict[str, Any]:
    requirements = [
        {"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot", "on-demand"]},
        {"key": "karpenter.k8s.aws/instance-gpu-count", "operator": "Gt", "values": ["0"]},
    ]
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "chat"}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodePool",
        "metadata": {"name": "chat"},
        "spec": {
            "weight": 100,
            "limits": {"nvidia.com/gpu": 4, "cpu": "64"},
            "disruption": {
                "consolidationPolicy": "WhenEmpty",
                "consolidateAfter": "5m",
                "budgets": [{"nodes": "0", "schedule": "0 8 * * mon-fri", "duration": "10h", "reasons": ["Drifted"]}],
            },
            "template": {
                "metadata": {"labels": {"modelyard.example/pool": "chat"}},
                "spec": {"nodeClassRef": reference, "requirements": requirements, "expireAfter": "720h"},
            },
        },
    }


def node_class() -> dict[str, Any]:
    return {
        "apiVersion": "karpenter.k8s.aws/v1",
        "kind": "EC2NodeClass",
        "metadata": {"name": "chat"},
        "spec": {
            "role": "dev-node",
            "amiSelectorTerms": [{"alias": "bottlerocket@1.62.1"}],
            "subnetSelectorTerms": [{"tags": {"modelyard/pool": "chat"}}],
            "securityGroupSelectorTerms": [{"id": "sg-0123456789abcdef0"}],
            "instanceStorePolicy": "RAID0",
            "metadataOptions": {"httpTokens": "required", "httpPutResponseHopLimit": 1},
            "blockDeviceMappings": [{"deviceName": "/dev/xvdb", "rootVolume": True, "ebs": {"volumeSize": "100Gi"}}],
            "tags": {"pool": "chat"},
        },
    }


def changed(obj: dict[str, Any], path: tuple[str | int, ...], value: Any) -> list[Problem]:
    """The problems of a copy of `obj` in which one place holds `value`, or nothing when it is MISSING."""
    obj = copy.deepcopy(obj)
    place: Any = obj
    for step in path[:-1]:
        place = place[step]
    if value is MISSING:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return check_object(obj)


CONTAINER = ("spec", "template", "spec", "containers", 0)
POOL = ("spec", "template", "spec")


@pytest.mark.parametrize("good", [deployment(), node_pool(), node_class()], ids=lambda obj: obj["kind"])
def test_a_good_object_passes_in_any_mapping_type(good: dict[str, Any]) -> None:
    assert [problem.text() for problem in check_object(good)] == []
    assert check_object(MappingProxyType(good)) == []


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        ((*CONTAINER, "imagee"), "x", "spec.template.spec.containers[0].imagee"),
        ((*CONTAINER, "image"), 7, "spec.template.spec.containers[0].image"),
        ((*CONTAINER, "name"), MISSING, "spec.template.spec.containers[0].name"),
        ((*CONTAINER, "name"), "Web", "spec.template.spec.containers[0].name"),
        ((*CONTAINER, "ports", 0, "containerPort"), "http", "spec.template.spec.containers[0].ports[0].containerPort"),
        (
            (*CONTAINER, "resources", "limits", "memory"),
            "1GB",
            "spec.template.spec.containers[0].resources.limits.memory",
        ),
        (
            (*CONTAINER, "resources", "limits", "nvidia.com/gpu"),
            2,
            'spec.template.spec.containers[0].resources.limits."nvidia.com/gpu"',
        ),
        ((*CONTAINER, "volumeMounts", 0, "name"), "other", "spec.template.spec.containers[0].volumeMounts[0].name"),
        ((*CONTAINER, "imagePullPolicy"), "Sometimes", "spec.template.spec.containers[0].imagePullPolicy"),
        (("spec", "selector"), MISSING, "spec.selector"),
        (("spec", "replicas"), 1.5, "spec.replicas"),
        (("spec", "template", "metadata", "labels", "app"), "api", "spec.template.metadata.labels.app"),
        (("spec", "template", "spec", "containers"), [], "spec.template.spec.containers"),
        (("spec", "template", "spec", "restartPolicy"), "Never", "spec.template.spec.restartPolicy"),
        (("metadata", "name"), "Web", "metadata.name"),
        (("metadata", "labels", "team"), "not valid", "metadata.labels.team"),
        (("metadata", "labels", "team"), "x" * 64, "metadata.labels.team"),
        (("metadata", "anotations"), {}, "metadata.anotations"),
        (("sepc",), {}, "sepc"),
        (("kind",), "Deploymnt", "kind"),
        (("apiVersion",), "apps/v1beta1", "apiVersion"),
    ],
)
def test_one_broken_property_of_a_deployment_is_refused_at_its_path(
    path: tuple[str | int, ...], value: Any, where: str
) -> None:
    assert [problem.where for problem in changed(deployment(), path, value)] == [where]


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("spec", "weight"), 1, ""),
        (("spec", "weight"), 0, "spec.weight"),
        (("spec", "weight"), 101, "spec.weight"),
        (("spec", "weight"), "100", "spec.weight"),
        (("spec", "template"), MISSING, "spec.template"),
        (("spec", "limits", "cpu"), "many", "spec.limits.cpu"),
        (("spec", "disruption", "consolidationPolicy"), "Whenempty", "spec.disruption.consolidationPolicy"),
        (("spec", "disruption", "consolidateAfter"), "5", "spec.disruption.consolidateAfter"),
        (("spec", "disruption", "consolidateAfter"), MISSING, "spec.disruption.consolidateAfter"),
        (("spec", "disruption", "budgets", 0, "nodes"), MISSING, ""),
        (("spec", "disruption", "budgets", 0, "nodes"), "100%", ""),
        (("spec", "disruption", "budgets", 0, "nodes"), "101%", "spec.disruption.budgets[0].nodes"),
        (("spec", "disruption", "budgets", 0, "duration"), MISSING, "spec.disruption.budgets[0]"),
        (("spec", "disruption", "budgets", 0, "schedule"), MISSING, "spec.disruption.budgets[0]"),
        (("spec", "disruption", "budgets", 0, "reasons", 0), "Drift", "spec.disruption.budgets[0].reasons[0]"),
        ((*POOL, "requirments"), [], "spec.template.spec.requirments"),
        ((*POOL, "nodeClassRef", "name"), "", "spec.template.spec.nodeClassRef.name"),
        ((*POOL, "requirements", 0, "operator"), "in", "spec.template.spec.requirements[0].operator"),
        ((*POOL, "requirements", 0, "values"), [], "spec.template.spec.requirements[0].values"),
        ((*POOL, "requirements", 0, "minValues"), 2, ""),
        ((*POOL, "requirements", 0, "minValues"), 3, "spec.template.spec.requirements[0].minValues"),
        ((*POOL, "requirements", 1, "values"), ["1", "2"], "spec.template.spec.requirements[1].values"),
        ((*POOL, "requirements", 1, "values"), ["-1"], "spec.template.spec.requirements[1].values"),
        ((*POOL, "requirements", 0, "key"), "karpenter.sh/nodepool", "spec.template.spec.requirements[0].key"),
        ((*POOL, "requirements", 0, "key"), "karpenter.k8s.aws/gpu", "spec.template.spec.requirements[0].key"),
        (("spec", "template", "metadata", "labels", "kubernetes.io/hostname"), "x", 'labels."kubernetes.io/hostname"'),
        (("spec", "replicas"), 2, "spec.limits"),
        (("metadata", "namespace"), "default", "metadata.namespace"),
    ],
)
def test_one_changed_property_of_a_node_pool_is_judged_as_its_crd_does(
    path: tuple[str | int, ...], value: Any, where: str
) -> None:
    found = [problem.where for problem in changed(node_pool(), path, value)]
    assert bool(found) == bool(where)
    assert any(place.endswith(where) for place in found) or not where


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("spec", "role"), MISSING, "spec"),
        (("spec", "role"), "", "spec.role"),
        (("spec", "instanceProfile"), "p", "spec"),
        (("spec", "subnetSelectorTerms"), [], "spec.subnetSelectorTerms"),
        (("spec", "subnetSelectorTerms"), MISSING, "spec.subnetSelectorTerms"),
        (("spec", "subnetSelectorTerms", 0), {}, "spec.subnetSelectorTerms[0]"),
        (("spec", "subnetSelectorTerms", 0, "tags"), {"a": ""}, "spec.subnetSelectorTerms[0].tags.a"),
        (("spec", "securityGroupSelectorTerms", 0, "name"), "x", "spec.securityGroupSelectorTerms"),
        (("spec", "securityGroupSelectorTerms", 0, "id"), "x", "spec.securityGroupSelectorTerms[0].id"),
        (("spec", "amiSelectorTerms", 0, "alias"), "bottlerocket", "spec.amiSelectorTerms"),
        (("spec", "amiSelectorTerms", 0, "alias"), "ubuntu@1", "spec.amiSelectorTerms"),
        (("spec", "amiSelectorTerms", 0, "alias"), "windows2025@1.0", "spec.amiSelectorTerms"),
        (("spec", "amiSelectorTerms", 0), {"id": "ami-0123456789abcdef0"}, "spec.amiFamily"),
        (("spec", "amiFamily"), "Bottlerocket", ""),
        (("spec", "amiFamily"), "AL2023", "spec.amiFamily"),
        (("spec", "instanceStorePolicy"), "Raid0", "spec.instanceStorePolicy"),
        (("spec", "metadataOptions", "httpPutResponseHopLimit"), 64, ""),
        (("spec", "metadataOptions", "httpPutResponseHopLimit"), 65, "spec.metadataOptions.httpPutResponseHopLimit"),
        (("spec", "blockDeviceMappings", 0, "ebs", "volumeSize"), MISSING, "spec.blockDeviceMappings[0].ebs"),
        (("spec", "tags", "karpenter.sh/nodepool"), "x", 'spec.tags."karpenter.sh/nodepool"'),
        (("spec", "tags", "kubernetes.io/cluster/dev"), "owned", "spec.tags"),
    ],
)
def test_one_changed_property_of_a_node_class_is_judged_as_its_crd_does(
    path: tuple[str | int, ...], value: Any, where: str
) -> None:
    found = {problem.where for problem in changed(node_class(), path, value)}
    assert found == ({where} if where else set())


def test_a_misspelt_field_names_the_one_that_was_meant() -> None:
    problem = changed(node_pool(), (*POOL, "requirments"), [])[0]
    assert problem.summary == "field not declared in schema"
    assert problem.fix == 'did you mean "requirements"?'


@pytest.mark.parametrize("obj", [deployment(), node_pool(), node_class()], ids=lambda obj: obj["kind"])
def test_a_value_that_is_not_known_yet_is_accepted_wherever_it_stands(obj: dict[str, Any]) -> None:
    def places(value: Any, path: tuple[str | int, ...]) -> list[tuple[str | int, ...]]:
        inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        return [path, *(place for key, item in inner for place in places(item, (*path, key)))]

    for path in places(obj, ()):
        if path and path[0] not in ("apiVersion", "kind"):
            assert [problem.text() for problem in changed(obj, path, UNKNOWN)] == [], path


def test_numbers_that_come_as_floats_are_integers_when_they_are_whole() -> None:
    assert changed(deployment(), ("spec", "replicas"), 2.0) == []


def test_a_secret_is_judged_without_being_quoted() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "aHVudGVyMg=="}}
    assert check_object(secret) == []
    problems = changed(secret, ("data", "key"), "hunter2!") + changed(secret, ("stringData",), {"key": 123456})
    assert [problem.where for problem in problems] == ["data.key", "stringData.key"]
    assert not any("hunter2" in problem.text() or "123456" in problem.text() for problem in problems)


def test_a_job_must_say_that_it_does_not_restart_for_ever() -> None:
    template = {"spec": {"containers": [{"name": "a", "image": "a:1"}], "restartPolicy": "Never"}}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j"}, "spec": {"template": template}}
    path = ("spec", "template", "spec", "restartPolicy")
    assert check_object(job) == []
    assert changed(job, path, MISSING)[0].where == ".".join(path)
    assert changed(job, path, "Always")[0].allowed == "Never, OnFailure"


def test_names_follow_the_rule_of_their_kind() -> None:
    def named(kind: str, api_version: str, name: str) -> bool:
        return not check_object({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}})

    assert named("Namespace", "v1", "a" * 63)
    assert not named("Namespace", "v1", "a" * 64)
    assert not named("Namespace", "v1", "a.b")
    assert named("ConfigMap", "v1", "a.b")
    assert not named("Service", "v1", "1a")
    assert named("ClusterRole", "rbac.authorization.k8s.io/v1", "system:reader")


def test_a_kind_that_nothing_is_known_of_is_refused() -> None:
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
    assert check_object(widget)[0].summary == 'no matches for kind "Widget" in version "example.com/v1"'
    assert check_object({})[0].where == "kind"
    assert check_object({"apiVersion": "v1", "kind": "PodList"})[0].where == "kind"


def test_an_update_may_not_move_a_pool_to_another_class_of_nodes() -> None:
    new = node_pool()
    assert check_change(node_pool(), new) == []
    new["spec"]["template"]["spec"]["nodeClassRef"]["kind"] = "KWOKNodeClass"
    assert check_change(node_pool(), new)[0].summary == "nodeClassRef.kind is immutable"


def test_an_identity_has_a_namespace_only_where_the_kind_lives_in_one() -> None:
    assert identity(deployment()) == ("apps/v1", "Deployment", "apps", "web")
    assert identity(node_pool()) == ("karpenter.sh/v1", "NodePool", "", "chat")
    assert identity({"apiVersion": "v1", "kind": "ConfigMap"}) == ("v1", "ConfigMap", "default", "")
    assert is_namespaced("apps/v1", "Deployment")
    assert not is_namespaced("storage.k8s.io/v1", "StorageClass")
    assert crd_of("karpenter.sh/v1", "NodePool") == "nodepools.karpenter.sh"
    assert crd_of("apps/v1", "Deployment") == ""


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("kubernetes:core/v1:Namespace", ("v1", "Namespace")),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment")),
        ("kubernetes:storage.k8s.io/v1:StorageClass", ("storage.k8s.io/v1", "StorageClass")),
        ("kubernetes:karpenter.sh/v1:NodePool", ("karpenter.sh/v1", "NodePool")),
    ],
)
def test_a_token_names_an_api_version_and_a_kind(token: str, expected: tuple[str, str]) -> None:
    assert token_to_gvk(token) == expected


@pytest.mark.parametrize(
    "token", ["kubernetes:helm.sh/v3:Release", "kubernetes:yaml/v2:ConfigFile", "aws:s3:Bucket", ""]
)
def test_a_token_of_something_else_is_no_object(token: str) -> None:
    with pytest.raises(ValueError, match="not the token"):
        token_to_gvk(token)


def test_an_object_is_judged_in_well_under_two_milliseconds() -> None:
    objects = (deployment(), node_pool(), node_class())
    for obj in objects:
        check_object(obj)
    started = time.process_time()
    for _ in range(50):
        for obj in objects:
            check_object(obj)
    assert (time.process_time() - started) / 150 < 0.002
