"""Pods: one that passes `restricted`, and each single property that makes it fail, in the admission controller's words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.marks import UNKNOWN
from kube.pods import check_baseline, check_images, check_restricted, pod_template


def pod() -> dict[str, Any]:
    return {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "a",
                "image": "example/a:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            }
        ],
        "volumes": [{"name": "scratch", "emptyDir": {}}],
    }


def with_(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    spec = pod()
    place: Any = spec
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[path[-1]] = value
    return spec


OWN = ("containers", 0, "securityContext")


def test_a_pod_that_asks_for_nothing_passes_restricted() -> None:
    assert check_restricted(pod()) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ((*OWN, "allowPrivilegeEscalation"), None, "allowPrivilegeEscalation != false"),
        ((*OWN, "allowPrivilegeEscalation"), True, "allowPrivilegeEscalation != false"),
        ((*OWN, "capabilities", "drop"), ["NET_RAW"], "unrestricted capabilities"),
        ((*OWN, "capabilities", "add"), ["CHOWN"], "unrestricted capabilities"),
        (("securityContext", "runAsNonRoot"), None, "runAsNonRoot != true"),
        ((*OWN, "runAsNonRoot"), False, "runAsNonRoot != true"),
        ((*OWN, "runAsUser"), 0, "runAsUser=0"),
        (("securityContext", "seccompProfile"), None, "seccompProfile"),
        (("volumes", 0), {"name": "n", "nfs": {"server": "s", "path": "/"}}, "restricted volume types"),
    ],
)
def test_what_only_restricted_refuses(path: tuple[str | int, ...], value: Any, words: str) -> None:
    spec = with_(path, value)
    assert check_baseline(spec) == []
    assert [problem.summary.startswith(words) for problem in check_restricted(spec)] == [True]


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (("hostNetwork",), True, "host namespaces"),
        (("hostPID",), True, "host namespaces"),
        (("volumes", 0), {"name": "n", "hostPath": {"path": "/"}}, "hostPath volumes"),
        ((*OWN, "privileged"), True, "privileged"),
        ((*OWN, "capabilities", "add"), ["SYS_ADMIN"], "non-default capabilities"),
        ((*OWN, "procMount"), "Unmasked", "procMount"),
        (("containers", 0, "ports"), [{"containerPort": 1, "hostPort": 1}], "hostPort"),
        (("securityContext", "seccompProfile", "type"), "Unconfined", "seccompProfile"),
        (("securityContext", "sysctls"), [{"name": "kernel.msgmax", "value": "1"}], "forbidden sysctls"),
        (("securityContext", "seLinuxOptions"), {"type": "spc_t"}, "seLinuxOptions"),
        (("securityContext", "appArmorProfile"), {"type": "Unconfined"}, "appArmorProfile"),
    ],
)
def test_what_baseline_refuses_restricted_refuses_too(path: tuple[str | int, ...], value: Any, words: str) -> None:
    spec = with_(path, value)
    assert [problem.summary.startswith(words) for problem in check_baseline(spec)] == [True]
    assert len(check_restricted(spec)) == 1


def test_what_restricted_allows_beyond_nothing() -> None:
    assert check_restricted(with_((*OWN, "capabilities", "add"), ["NET_BIND_SERVICE"])) == []
    assert check_restricted(with_((*OWN, "runAsUser"), 1000)) == []
    assert check_restricted(with_(("volumes", 0), {"name": "n", "secret": {"secretName": "s"}})) == []


@pytest.mark.parametrize("path", [("securityContext",), OWN, (*OWN, "capabilities"), ("containers",), ("volumes",)])
def test_a_part_that_is_not_known_yet_is_not_refused(path: tuple[str | int, ...]) -> None:
    assert check_restricted(with_(path, UNKNOWN)) == []


def test_init_containers_are_judged_like_the_others() -> None:
    problems = check_restricted(with_(("initContainers",), [{"name": "i", "image": "i:1"}]))
    assert {problem.where.split(".")[0] for problem in problems} == {"initContainers[0]"}


@pytest.mark.parametrize("image", ["a:1", "host:5000/a:1", "a@sha256:0", "host:5000/a:latest@sha256:0", UNKNOWN])
def test_an_image_with_a_version_passes(image: str) -> None:
    assert check_images(with_(("containers", 0, "image"), image)) == []


@pytest.mark.parametrize("image", ["a", "a:latest", "host:5000/a", "host:5000/a:latest"])
def test_an_image_without_a_version_is_refused(image: str) -> None:
    problem = check_images(with_(("containers", 0, "image"), image))[0]
    assert problem.where == "containers[0].image"
    assert "latest" in problem.summary


def test_the_pod_template_of_each_workload_is_found_where_its_kind_keeps_it() -> None:
    spec = {"template": {"spec": pod()}}
    assert pod_template({"kind": "Deployment", "spec": spec}) == ("spec.template", spec["template"])
    cron = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": spec}}}
    assert pod_template(cron) == ("spec.jobTemplate.spec.template", spec["template"])
    assert pod_template({"kind": "Pod", "spec": pod()}) == ("", {"kind": "Pod", "spec": pod()})
    assert pod_template({"kind": "Service", "spec": spec}) is None
