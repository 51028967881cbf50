"""A load as people write it becomes pods; what is wrong with it is said at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.simulate.loads import MAX_PODS, NAMESPACE, Load, read
from problem import Refused

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
    def of(text: str) -> tuple[list[Load], list[str]]:
        file = tmp_path / "pods.yaml"
        file.write_text(text)
        return read(file, POOLS)

    return of


def refused(loads: Any, text: str) -> list[str]:
    with pytest.raises(Refused) as raised:
        loads(text)
    return [each.text() for each in raised.value.problems]


def test_the_short_form_asks_for_its_pool_and_tolerates_its_taint(loads: Any) -> None:
    found, skipped = loads(SHORT)
    assert skipped == [] and [(each.name, each.replicas) for each in found] == [("chat", 3)]
    pods = list(found[0].pods(0))
    assert [each["metadata"]["name"] for each in pods] == ["load0-0", "load0-1", "load0-2"]
    spec = pods[0]["spec"]
    assert spec["nodeSelector"] == {"modelyard.dev/pool": "chat"}
    assert spec["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "4", "memory": str(16 * 1024**3)},
        "limits": {"nvidia.com/gpu": "1"},
    }


def test_a_load_without_a_pool_goes_to_the_general_one_and_tolerates_nothing(loads: Any) -> None:
    found, _ = loads("- name: web\n")
    spec = next(found[0].pods(0))["spec"]
    assert spec["nodeSelector"] == {"modelyard.dev/pool": "general"} and spec["tolerations"] == []
    assert spec["containers"][0]["resources"]["limits"] == {}


def test_a_deployment_becomes_its_pods_with_what_places_them_and_no_more(loads: Any) -> None:
    found, _ = loads(yaml.safe_dump(DEPLOYMENT))
    assert [(each.name, each.replicas, each.notes) for each in found] == [("Deployment team/api", 4, ())]
    pod = next(found[0].pods(7))
    assert pod["metadata"] == {
        "name": "load7-0",
        "namespace": NAMESPACE,
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
    found, _ = loads(yaml.safe_dump(manifest) + "---\n" + SHORT)
    assert found[0].replicas == count and found[1].replicas == 3


def test_a_list_of_objects_and_several_documents_are_all_read(loads: Any) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "one"},
        "spec": {"containers": [{"name": "a", "image": "b"}]},
    }
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [pod, DEPLOYMENT]}) + "---\n" + SHORT
    found, _ = loads(text)
    assert [each.name for each in found] == ["Pod one", "Deployment team/api", "chat"]


def test_what_makes_no_pods_is_told_and_left_out(loads: Any) -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}
    found, skipped = loads(yaml.safe_dump(service) + "---\n" + SHORT)
    assert len(found) == 1 and skipped == ["Service s: it makes no pods"]


def test_what_could_move_a_pod_and_is_left_out_is_noted(loads: Any) -> None:
    template = DEPLOYMENT["spec"]["template"]
    volumes = [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]
    spec = {**template["spec"], "priorityClassName": "high", "volumes": volumes}
    manifest = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "template": {**template, "spec": spec}}}
    found, _ = loads(yaml.safe_dump(manifest))
    assert found[0].notes == (
        "priorityClassName is left out",
        "volumes are left out, and with them the zone that one may be bound to",
    )


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


def test_a_kind_that_nobody_knows_is_told_like_any_object_without_pods(loads: Any) -> None:
    _, skipped = loads("kind: Thing\nmetadata: { name: t }\n---\n" + SHORT)
    assert skipped == ["Thing t: it makes no pods"]


def test_the_last_number_of_pods_that_passes_and_the_first_that_does_not(loads: Any) -> None:
    half = f"- {{ name: a, replicas: {MAX_PODS // 2} }}\n"
    assert sum(each.replicas for each in loads(half + half)[0]) == MAX_PODS
    assert f"found: {MAX_PODS + 1}" in refused(loads, half + half + "- name: b\n")[0]


@pytest.mark.parametrize("text", ["", "[]\n", "kind: Service\nmetadata: { name: s }\n"])
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
