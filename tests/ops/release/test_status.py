"""`modelyard release status` says how far a release is, and the first cause when a pod is not ready."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.serving import pods
from components.serving.component import rollout, route
from core.problem import ExitCode, Refused
from ops.cli import run
from ops.release import status as release_status
from ops.release.status import HASH, status
from sandbox.faults import CloudError
from tests.components.serving.test_objects import GPU

STABLE, CANARY = "aaa", "bbb"
DIGEST = "not served: the files have another digest: expected sha256:00, found sha256:11"


def pod(name: str, version: str, *, ready: bool = True, **said: Any) -> dict[str, Any]:
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True" if ready else "False"}]
    metadata = {"name": name, "labels": {HASH: version}, "annotations": pods.pod_annotations(GPU)}
    return {"metadata": metadata, "status": {"conditions": conditions, **said}}


def container(name: str, *, ready: bool = False, **states: Any) -> dict[str, Any]:
    return {"name": name, "ready": ready, **states}


def seen(
    *found: dict[str, Any], phase: str = "Progressing", weight: int = 10, observed: str = "2"
) -> release_status.Status:
    moved = route("chat")
    stable, canary = moved["rules"][0]["backendRefs"]
    stable["weight"], canary["weight"] = 100 - weight, weight
    said = {"phase": phase, "stableRS": STABLE, "currentStepIndex": 1, "observedGeneration": observed}
    declared = {"metadata": {"generation": 2}, "spec": rollout("chat", GPU, {}), "status": said}
    return status("chat", declared, {"spec": moved}, found)


def why(*containers: dict[str, Any], init: bool = False) -> str:
    group = "initContainerStatuses" if init else "containerStatuses"
    (only,) = seen(pod("chat-bbb", CANARY, ready=False, **{group: list(containers)})).pods
    return only.reason


def test_a_release_says_its_phase_its_step_the_canarys_weight_and_which_version_each_pod_serves() -> None:
    lines = list(seen(pod("chat-bbb", CANARY), pod("chat-aaa", STABLE)).lines())
    steps = len(rollout("chat", GPU, {})["strategy"]["canary"]["steps"])
    assert lines[0] == f"release chat: Progressing (step 1/{steps}, canary weight 10 %)"
    model = f"{GPU.model}/{GPU.version}"
    assert lines[1:] == [f"  chat-aaa  stable  {model}  ready", f"  chat-bbb  canary  {model}  ready"]


def test_files_with_another_digest_are_the_reason_whether_the_container_has_just_ended_or_waits_to_start_again() -> (
    None
):
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "message": f"{DIGEST}\n"}}
    waits = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    for states in ({"state": ended}, {"state": waits, "lastState": ended}):
        assert why(container("fetch", **states), init=True) == f"fetch ended with exit code 1: {DIGEST}"


def test_the_first_cause_is_the_node_then_the_image_then_the_container_that_is_starting() -> None:
    full = "0/1 nodes are available: 1 Insufficient cpu."
    unplaced = {"conditions": [{"type": "PodScheduled", "status": "False", "message": full}]}
    (only,) = seen({"metadata": {"name": "chat-bbb"}, "status": unplaced}).pods
    assert only.reason == f"no node takes it: {full}" and not only.ready
    image = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    assert why(container("server", state=image)) == "server waits: ErrImagePull no such image"
    creating = {"waiting": {"reason": "PodInitializing"}}
    failed = {"terminated": {"exitCode": 1, "message": "the registry does not answer"}}
    done = container("fetch", ready=True, state={"terminated": {"exitCode": 0}}, lastState=failed)
    assert why(done, container("server", state=creating)) == "server is starting"


def test_a_ready_pod_has_no_reason_whatever_it_went_through() -> None:
    (only,) = seen(
        pod(
            "chat-aaa",
            STABLE,
            containerStatuses=[container("server", ready=True, lastState={"terminated": {"exitCode": 137}})],
        )
    ).pods
    assert only.ready and only.reason == ""


def test_a_release_is_not_healthy_by_what_the_controller_said_of_the_version_before() -> None:
    assert seen(phase="Healthy").healthy
    before = seen(phase="Healthy", observed="1")
    assert not before.healthy and before.message == "the controller has not seen the latest change yet"
    assert not status("chat", {"metadata": {"generation": 1}}, {}, []).healthy


def test_weights_are_a_share_of_their_sum() -> None:
    moved = route("chat")
    stable, canary = moved["rules"][0]["backendRefs"]
    stable["weight"], canary["weight"] = 3, 1
    assert status("chat", {}, {"spec": moved}, []).weight == 25
    stable["weight"] = canary["weight"] = 0
    assert status("chat", {}, {"spec": moved}, []).weight == 0


@pytest.mark.parametrize(("code", "expected"), [("NotFound", ExitCode.USAGE), ("Unreachable", ExitCode.UNAVAILABLE)])
def test_a_cluster_without_the_release_is_told_from_one_that_does_not_answer(code: str, expected: ExitCode) -> None:
    class Silent:
        context = "mine"

        def request(self, *_: Any, **__: Any) -> dict[str, Any]:
            raise CloudError(code, "said")

    with pytest.raises(Refused) as refused:
        release_status.read(Silent(), "chat")  # type: ignore[arg-type]
    assert refused.value.code is expected


def test_without_a_cluster_the_command_says_how_one_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: x\n")
    monkeypatch.chdir(tmp_path)
    assert run(["release", "status", "chat"]) == ExitCode.UNAVAILABLE
    assert "modelyard cluster start" in capsys.readouterr().err


def test_a_release_that_does_not_answer_yet_is_exit_code_1_and_one_json_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for phase, expected in (("Progressing", ExitCode.FAILED), ("Degraded", ExitCode.FAILED), ("Healthy", ExitCode.OK)):
        found = seen(pod("chat-aaa", STABLE), phase=phase)
        monkeypatch.setattr(release_status, "read", lambda *_, found=found: found)
        monkeypatch.setattr("ops.release.cli.Api", lambda _: None)
        assert run(["release", "status", "chat", "--kubeconfig", str(tmp_path), "--format", "json"]) == expected
        assert json.loads(capsys.readouterr().out) == found.values()
