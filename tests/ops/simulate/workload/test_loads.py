"""A load as people write it becomes pods; what is wrong with it is said at its line."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import ExitCode, Refused
from ops.simulate.workload.load import NAMESPACE
from ops.simulate.workload.loads import MAX_PODS, Asked, read

POOLS = ["chat", "general", "tune"]
SHORT = "- { name: chat, pool: chat, replicas: 3, gpus: 1, cpu: 4, memoryGib: 16 }\n"
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "api", "namespace": "team"},
    "spec": {
        "replicas": 4,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {"labels": {"app": "api"}, "annotations": {"note": "x"}},
            "spec": {
                "serviceAccountName": "api",
                "nodeSelector": {"modelyard.dev/pool": "general"},
                "containers": [
                    {
                        "name": "api",
                        "image": "api:1",
                        "env": [{"name": "A", "value": "b"}],
                        "resources": {"requests": {"cpu": "2", "memory": "1Gi"}},
                    }
                ],
            },
        },
    },
}


@pytest.fixture
def loads(tmp_path: Path) -> Any:
    def of(text: str) -> Asked:
        file = tmp_path / "pods.yaml"
        file.write_text(text)
        return read(file, POOLS, "gp3")

    return of


def refused(loads: Any, text: str) -> list[str]:
    with pytest.raises(Refused) as raised:
        loads(text)
    return [problem.text() for problem in raised.value.problems]


def test_the_short_form_asks_for_its_pool_and_tolerates_its_taint(loads: Any) -> None:
    asked = loads(SHORT)
    assert asked.skipped == asked.doubts == () and [(load.name, load.replicas) for load in asked.loads] == [("chat", 3)]
    pods = list(asked.loads[0].pods(0))
    assert pods[0]["metadata"]["namespace"] == NAMESPACE
    assert [pod["metadata"]["name"] for pod in pods] == ["load0-0", "load0-1", "load0-2"]
    spec = pods[0]["spec"]
    assert spec["nodeSelector"] == {"modelyard.dev/pool": "chat"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "4", "memory": str(16 * 1024**3)},
        "limits": {"nvidia.com/gpu": "1"},
    }


def test_a_load_without_a_pool_goes_to_the_general_one_and_tolerates_nothing(loads: Any) -> None:
    spec = next(loads("- name: web\n").loads[0].pods(0))["spec"]
    assert spec["nodeSelector"] == {"modelyard.dev/pool": "general"} and spec["tolerations"] == []
    assert spec["containers"][0]["resources"]["limits"] == {}


def test_a_deployment_becomes_its_pods_with_what_places_them_and_no_more(loads: Any) -> None:
    found = loads(yaml.safe_dump(DEPLOYMENT)).loads
    assert [(each.name, each.replicas, each.doubts) for each in found] == [("Deployment team/api", 4, ())]
    pod = next(found[0].pods(7))
    assert pod["metadata"] == {
        "name": "load7-0",
        "namespace": "team",
        "labels": {"app": "api", "modelyard.dev/load": "7"},
    }
    assert set(pod["spec"]) == {"nodeSelector", "containers"}
    assert set(pod["spec"]["containers"][0]) == {"name", "image", "resources"}


@pytest.mark.parametrize(
    ("kind", "version", "spec", "count"),
    [
        ("Deployment", "apps/v1", {}, 1),
        ("Deployment", "apps/v1", {"replicas": 0}, 0),
        ("StatefulSet", "apps/v1", {"replicas": 5, "serviceName": "x"}, 5),
        ("Job", "batch/v1", {"parallelism": 3}, 3),
        ("Job", "batch/v1", {"parallelism": 3, "completions": 2}, 2),
        ("Job", "batch/v1", {}, 1),
        ("Job", "batch/v1", {"suspend": True}, 0),
        ("Rollout", "argoproj.io/v1alpha1", {"replicas": 6, "strategy": {"canary": {}}}, 6),
    ],
)
def test_a_kind_has_as_many_pods_as_it_runs_at_once(
    loads: Any, kind: str, version: str, spec: dict[str, Any], count: int
) -> None:
    template = dict(DEPLOYMENT["spec"]["template"])
    more = {"selector": DEPLOYMENT["spec"]["selector"]}
    if kind == "Job":
        template = {**template, "spec": {**template["spec"], "restartPolicy": "Never"}}
        more = {}
    manifest = {**DEPLOYMENT, "kind": kind, "apiVersion": version, "spec": {**spec, **more, "template": template}}
    found = loads(yaml.safe_dump(manifest) + "---\n" + SHORT).loads
    assert found[0].replicas == count and found[1].replicas == 3


def test_a_list_of_objects_and_several_documents_are_all_read(loads: Any) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one"},
        "spec": {"containers": [{"name": "a", "image": "b"}]},
    }
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [pod, DEPLOYMENT]}) + "---\n" + SHORT
    found = loads(text).loads
    assert [each.name for each in found] == ["Pod one", "Deployment team/api", "chat"]


def test_what_makes_no_pods_is_told_and_left_out(loads: Any) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    asked = loads(yaml.safe_dump(service) + "---\n" + SHORT)
    assert len(asked.loads) == 1 and asked.skipped == ("Service s: it makes no pods",) and asked.doubts == ()


def with_spec(kind: str = "Deployment", **spec: Any) -> dict[str, Any]:
    made = copy.deepcopy({**DEPLOYMENT, "kind": kind})
    made["spec"]["template"]["spec"] |= spec
    return made


def test_what_could_change_the_answer_is_a_doubt_with_its_path(loads: Any) -> None:
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    claims = [{"name": "gpu", "resourceClaimName": "one"}]
    manifest = with_spec(priorityClassName="high", volumes=volumes, resourceClaims=claims)
    (found,) = loads(yaml.safe_dump(manifest)).loads
    assert [doubt.partition(":")[0] for doubt in found.doubts] == [
        "spec.template.spec.priorityClassName",
        "spec.template.spec.resourceClaims",
        "spec.template.spec.volumes[0].persistentVolumeClaim",
    ]


def test_what_decides_where_a_pod_goes_is_kept_as_it_stands(loads: Any) -> None:
    kept: dict[str, Any] = {
        "schedulingGates": [{"name": "example.com/wait"}],
        "hostNetwork": True,
        "resources": {"requests": {"cpu": "8"}},
    }
    manifest = with_spec(**kept)
    ports = [{"containerPort": 80, "hostPort": 8080}]
    manifest["spec"]["template"]["spec"]["containers"][0]["ports"] = ports
    spec = next(loads(yaml.safe_dump(manifest)).loads[0].pods(0))["spec"]
    assert {key: spec[key] for key in kept} == kept
    assert spec["containers"][0]["ports"] == ports


def test_a_priority_class_of_the_file_is_made_before_the_pods_and_takes_the_doubt_away(loads: Any) -> None:
    high = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000}
    asked = loads(yaml.safe_dump_all([with_spec(priorityClassName="high"), high]))
    (found,) = asked.loads
    assert found.doubts == () and found.pod["spec"]["priorityClassName"] == "high"
    assert asked.around == ({**high, "metadata": {"name": "high", "labels": {}}},)


def test_a_stateful_sets_claims_are_its_volumes_and_certain_in_the_platforms_own_class(loads: Any) -> None:
    def manifest(storage_class: str) -> str:
        made = with_spec("StatefulSet")
        claim = {
            "metadata": {"name": "data"},
            "spec": {"storageClassName": storage_class, "accessModes": ["ReadWriteOnce"]},
        }
        made["spec"] |= {"serviceName": "api", "volumeClaimTemplates": [claim]}
        made["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        return yaml.safe_dump(made)

    assert loads(manifest("gp3")).loads[0].doubts == ()
    (doubt,) = loads(manifest("io2")).loads[0].doubts
    assert doubt.startswith("spec.volumeClaimTemplates[0]: ") and "storage class io2" in doubt
    late = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "io2"},
        "provisioner": "ebs.csi.aws.com",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    assert loads(manifest("io2") + "---\n" + yaml.safe_dump(late)).loads[0].doubts == ()


def test_a_daemon_set_is_made_to_take_its_room_and_brings_no_pods_of_its_own(loads: Any) -> None:
    made = with_spec("DaemonSet")
    del made["spec"]["replicas"]
    asked = loads(yaml.safe_dump(made) + "---\n" + SHORT)
    assert [load.name for load in asked.loads] == ["chat"]
    (daemons,) = asked.around
    assert daemons["kind"] == "DaemonSet" and daemons["metadata"] == {"name": "api", "namespace": "team"}
    assert set(daemons["spec"]["template"]["spec"]["containers"][0]) == {"name", "image", "resources"}


def test_a_rollout_that_keeps_its_pods_elsewhere_leaves_the_answer_open(loads: Any) -> None:
    rollout = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": "api"},
        "spec": {"workloadRef": {"kind": "Deployment", "name": "api"}},
    }
    asked = loads(yaml.safe_dump(rollout) + "---\n" + SHORT)
    assert len(asked.loads) == 1 and "workloadRef" in asked.doubts[0]


def test_a_rollouts_pods_are_judged_as_a_deployments_are(loads: Any) -> None:
    rollout = with_spec("Rollout", nodeSelecter={})
    found = refused(loads, yaml.safe_dump({**rollout, "apiVersion": "argoproj.io/v1alpha1"}))
    assert "spec.template.spec.nodeSelecter" in found[0]


def test_kinds_that_may_make_pods_are_named_and_alone_give_no_answer(loads: Any) -> None:
    ray = "apiVersion: ray.io/v1\nkind: RayCluster\nmetadata: { name: r }\nspec: {}\n"
    hpa = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: { name: h }\n"
    asked = loads(f"{ray}---\n{hpa}---\n{SHORT}")
    assert [doubt.partition(":")[0] for doubt in asked.doubts] == ["RayCluster r", "HorizontalPodAutoscaler h"]
    with pytest.raises(Refused) as raised:
        loads(ray)
    assert raised.value.code is ExitCode.UNDETERMINED and "RayCluster r" in str(raised.value)


def test_a_pod_that_names_its_node_is_refused(loads: Any) -> None:
    (found,) = refused(loads, yaml.safe_dump(with_spec(nodeName="ip-10-0-1-9")))
    assert "spec.template.spec.nodeName" in found and "names a node" in found


def test_a_misspelt_key_is_refused_at_its_line_with_the_right_one(loads: Any) -> None:
    found = refused(loads, SHORT + "- name: b\n  gpu: 1\n")
    assert len(found) == 1
    assert found[0].startswith("pods.yaml:2: [1].gpu: unknown key") and "did you mean gpus?" in found[0]


def test_a_pool_that_the_stack_does_not_have_is_refused_with_those_that_it_has(loads: Any) -> None:
    found = refused(loads, SHORT.replace("pool: chat", "pool: chatt"))
    assert "pods.yaml:1: [0].pool: no such pool" in found[0] and "chat, general, tune" in found[0]


def test_every_problem_of_a_file_is_told_at_once(loads: Any) -> None:
    assert len(refused(loads, "- { name: a, cpu: 0 }\n- { name: b, replicas: -1 }\n- { name: UP }\n- 7\n")) == 4


def test_a_bad_manifest_is_refused_in_the_words_of_the_api_server(loads: Any) -> None:
    bad = yaml.safe_dump(DEPLOYMENT).replace("nodeSelector", "nodeSelecter")
    found = refused(loads, bad)
    assert "spec.template.spec.nodeSelecter" in found[0] and "nodeSelector" in found[0]


def test_a_manifest_without_an_api_version_is_refused(loads: Any) -> None:
    (found,) = refused(loads, "kind: Thing\nmetadata: { name: t }\n---\n" + SHORT)
    assert "pods.yaml:1: apiVersion: Required value" in found


def test_the_last_number_of_pods_that_passes_and_the_first_that_does_not(loads: Any) -> None:
    half = f"- {{ name: a, replicas: {MAX_PODS // 2} }}\n"
    assert sum(load.replicas for load in loads(half + half).loads) == MAX_PODS
    assert f"found: {MAX_PODS + 1}" in refused(loads, half + half + "- name: b\n")[0]


@pytest.mark.parametrize("text", ["", "[]\n", "apiVersion: v1\nkind: Service\nmetadata: { name: s }\n"])
def test_a_file_without_a_single_pod_is_refused(loads: Any, text: str) -> None:
    assert "the file describes no pod" in refused(loads, text)[0]


@pytest.mark.parametrize("text", ["a: [", "- {a: 1", "\t- a", "- !!python/object:os.system {}"])
def test_what_is_no_yaml_is_refused_with_its_line(loads: Any, text: str) -> None:
    assert "pods.yaml:1: not valid YAML" in refused(loads, text)[0]


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file"):
        read(tmp_path / "none.yaml", POOLS)
    with pytest.raises(Refused, match="cannot be read"):
        read(tmp_path, POOLS)
