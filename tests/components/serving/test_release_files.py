"""A release file that cannot work is refused before anything is made, with its file, its line and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.resources import pod_disk_mib
from components.serving import checks as judge
from components.serving import fit, timing
from components.serving.spec import ReleaseSpec
from tests.components.serving.releases import PLATFORM, RELEASE, changed, refused, stack

ON_CPU = changed(RELEASE, runtime="llamacpp", pool=None)


def only(folder: Path, release: dict[str, Any], platform: dict[str, Any] = PLATFORM) -> Any:
    (problem,) = refused(folder, release, platform=platform)
    return problem


def test_a_release_that_can_work_is_taken_with_both_runtimes(tmp_path: Path) -> None:
    assert stack(tmp_path, RELEASE).releases["chat"].version == 7
    assert stack(tmp_path, ON_CPU).releases["chat"].threads == 1


def test_a_pool_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    problem = only(tmp_path, changed(RELEASE, pool="chatt"))
    assert (problem.where, problem.found, problem.allowed) == ("pool", "chatt", "chat")
    assert (problem.file, problem.line) == ("releases/small/chat.yaml", 13)


def test_vllm_without_a_gpu_pool_anywhere_is_refused(tmp_path: Path) -> None:
    problem = only(tmp_path, RELEASE, changed(PLATFORM, gpuPools=None))
    assert "vllm runs on GPUs" in problem.summary and "llamacpp" in problem.fix


def test_a_pool_whose_pods_share_memory_is_refused(tmp_path: Path) -> None:
    shared = changed(PLATFORM, gpuPools__chat__sharing={"mode": "timeSlicing", "replicas": 2})
    assert "reserves its memory" in refused(tmp_path, RELEASE, platform=shared)[0].summary


def test_the_longest_context_that_fits_passes_and_one_token_more_is_refused(tmp_path: Path) -> None:
    bound = stack(tmp_path, RELEASE).pools["chat"]
    longest = fit.longest_context(ReleaseSpec.model_validate(RELEASE), min(bound.gpu_memories_mib))
    assert refused(tmp_path, changed(RELEASE, context=longest)) == []
    problem = only(tmp_path, changed(RELEASE, context=longest + 1))
    assert problem.where == "context" and f"lower context to {longest} or less" in problem.fix


def test_weights_that_fill_the_gpu_are_refused_at_the_pool(tmp_path: Path) -> None:
    bound = stack(tmp_path, RELEASE).pools["chat"]
    room = fit.gpu_room_mib(min(bound.gpu_memories_mib)) - fit.cache_mib(
        ReleaseSpec.model_validate(RELEASE).architecture, 16
    )
    fits = changed(RELEASE, weights__sizeBytes=room * 1024**2, context=16)
    assert refused(tmp_path, fits) == []
    assert only(tmp_path, changed(fits, weights__sizeBytes=room * 1024**2 + 1)).where == "context"
    assert only(tmp_path, changed(fits, weights__sizeBytes=(room + 2) * 1024**2)).where == "pool"


def test_files_that_fill_the_disk_of_a_node_pass_and_a_mebibyte_more_is_refused(tmp_path: Path) -> None:
    room = pod_disk_mib(80)
    most = room - fit.held_mib(ReleaseSpec.model_validate(changed(ON_CPU, weights__sizeBytes=1))) + 1
    assert refused(tmp_path, changed(ON_CPU, weights__sizeBytes=most * 1024**2)) == []
    larger = changed(ON_CPU, weights__sizeBytes=(most + 1) * 1024**2)
    problem = only(tmp_path, larger)
    assert (problem.where, problem.found) == ("weights.sizeBytes", f"{room + 1} MiB")
    assert refused(tmp_path, larger, platform=changed(PLATFORM, generalPool__diskGb=81)) == []


def test_the_cache_of_an_8b_model_is_what_its_makers_say() -> None:
    # Llama 3.1 8B: 128 KiB a token in 16 bits, so 1 GiB for 8,192 tokens.
    architecture = ReleaseSpec.model_validate(RELEASE).architecture
    assert fit.cache_mib(architecture, 8192) == 1024
    assert fit.cache_mib(architecture, 1) == 1


@pytest.mark.parametrize("version", ["production", "latest", "7", "v7"])
def test_an_alias_is_no_version(version: str, tmp_path: Path) -> None:
    problem = only(tmp_path, changed(RELEASE, version=version))
    assert problem.where == "version" and problem.line == 2 and "alias" in problem.summary


def test_the_first_version_is_1(tmp_path: Path) -> None:
    assert refused(tmp_path, changed(RELEASE, version=1)) == []
    assert only(tmp_path, changed(RELEASE, version=0)).where == "version"


@pytest.mark.parametrize(
    "digest",
    ["sha256:" + "ab" * 31 + "a", "sha256:" + "AB" * 32, "ab" * 32, "sha512:" + "ab" * 32, "sha256:" + "ag" * 32],
)
def test_a_digest_that_is_none_is_refused(digest: str, tmp_path: Path) -> None:
    assert only(tmp_path, changed(RELEASE, weights__digest=digest)).where == "weights.digest"


@pytest.mark.parametrize("missing", ["weights", "architecture", "weights__digest", "architecture__layers"])
def test_what_pin_writes_is_missing_and_the_refusal_says_so(missing: str, tmp_path: Path) -> None:
    problem = only(tmp_path, changed(RELEASE, **{missing: None}))
    assert "release pin" in problem.fix


@pytest.mark.parametrize(
    ("weights", "where"),
    [
        ([10, 10], "rollout.steps[1].weight"),
        ([50, 10], "rollout.steps[1].weight"),
        ([10, 101], "rollout.steps[1].weight"),
    ],
)
def test_steps_that_do_not_rise_or_pass_100_are_refused(weights: list[int], where: str, tmp_path: Path) -> None:
    steps = [{"weight": weight, "pauseSeconds": 1} for weight in weights]
    assert only(tmp_path, changed(RELEASE, rollout__steps=steps)).where == where


def test_steps_up_to_100_pass(tmp_path: Path) -> None:
    assert refused(tmp_path, changed(RELEASE, rollout__steps=[{"weight": 99}, {"weight": 100}])) == []


def test_a_context_over_the_models_own_is_refused(tmp_path: Path) -> None:
    small = changed(RELEASE, architecture__contextTokens=4096, context=4096)
    assert refused(tmp_path, small) == []
    problem = only(tmp_path, changed(small, context=4097))
    assert problem.where == "context" and problem.allowed.startswith("at most 4096")


def test_a_model_that_the_registry_does_not_declare_is_refused_with_the_nearest(tmp_path: Path) -> None:
    problem = only(tmp_path, changed(RELEASE, model="asistant"))
    assert problem.where == "model" and problem.fix == 'did you mean "assistant"?'


def test_more_replicas_than_the_pool_holds_during_a_change_are_refused(tmp_path: Path) -> None:
    four = changed(PLATFORM, gpuPools__chat__limits={"gpus": 4})
    assert refused(tmp_path, changed(RELEASE, replicas=2), platform=four) == []
    problem = only(tmp_path, changed(RELEASE, replicas=3), four)
    assert problem.where == "replicas" and problem.found.endswith("= 6") and problem.allowed.startswith("4")


def test_releases_of_one_pool_are_counted_together(tmp_path: Path) -> None:
    both = changed(PLATFORM, releases=["chat", "code"], gpuPools__chat__limits={"gpus": 3})
    assert refused(tmp_path, RELEASE, RELEASE, platform=both) == []
    assert len(refused(tmp_path, RELEASE, RELEASE, platform=changed(both, gpuPools__chat__limits={"gpus": 2}))) == 1


@pytest.mark.parametrize("name", [*judge.TAKEN])
def test_names_that_the_serving_namespace_has_are_refused(name: str, tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, platform=changed(PLATFORM, releases=[name]))
    assert problem.where == "releases[0]" and problem.found == name


@pytest.mark.parametrize(
    ("name", "passes"), [("a" * 40, True), ("a" * 41, False), ("7b", False), ("Chat", False), ("a-", False)]
)
def test_names_are_what_kubernetes_takes_with_all_that_is_put_behind(name: str, passes: bool, tmp_path: Path) -> None:
    problems = refused(tmp_path, platform=changed(PLATFORM, releases=[name]))
    assert (problems == []) is passes


def test_a_release_named_twice_or_like_anothers_service_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, platform=changed(PLATFORM, releases=["chat", "chat"]))[0].where == "releases[1]"
    named = refused(tmp_path, platform=changed(PLATFORM, releases=["chat", "chat-canary"]))
    assert "Service of release chat" in named[0].summary


def test_a_file_that_is_not_there_is_refused_with_the_nearest(tmp_path: Path) -> None:
    stack(tmp_path, RELEASE)
    (tmp_path / "releases" / "small" / "chat.yaml").rename(tmp_path / "releases" / "small" / "chart.yaml")
    from core.problem import Refused
    from infra.stack.file import StackFile
    from infra.stack.stack import Stack

    with pytest.raises(Refused) as refusal:
        Stack.read(StackFile.read(tmp_path / "Pulumi.small.yaml"))
    (problem,) = refusal.value.problems
    assert problem.fix == 'did you mean "chart"?' and problem.file == "Pulumi.small.yaml"


def test_releases_without_a_registry_or_without_a_reader_who_may_read_are_refused(tmp_path: Path) -> None:
    assert "registry" in refused(tmp_path, platform=changed(PLATFORM, registry=None))[0].fix
    closed = changed(PLATFORM, registry__server={"defaultPermission": "NO_PERMISSIONS"})
    assert refused(tmp_path, platform=closed)[0].where == "registry.server.defaultPermission"


def test_a_controller_without_a_node_of_its_processor_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, platform=changed(PLATFORM, rollouts=None))[0].where == "rollouts.architecture"


def test_a_plugin_whose_digest_nobody_has_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.versions import ROLLOUTS_PLUGIN

    monkeypatch.setitem(ROLLOUTS_PLUGIN.sha256, "arm64", "")
    (problem,) = refused(tmp_path)
    assert problem.where == "rollouts.architecture" and "digest" in problem.summary


@pytest.mark.parametrize(
    ("release", "where"),
    [
        (changed(RELEASE, pool=None), "pool"),
        (changed(RELEASE, runtime="llamacpp"), "pool"),
        (changed(RELEASE, cpu="2"), "cpu"),
        (changed(RELEASE, replicaz=2), "replicaz"),
    ],
)
def test_what_does_not_go_together_is_refused(release: dict[str, Any], where: str, tmp_path: Path) -> None:
    assert only(tmp_path, release).where == where


@pytest.mark.parametrize(("cpu", "threads"), [("200m", 1), ("1", 1), ("1000m", 1), ("1001m", 2), ("4", 4)])
def test_a_server_has_a_thread_for_each_processor_begun(cpu: str, threads: int) -> None:
    assert ReleaseSpec.model_validate(changed(ON_CPU, cpu=cpu)).threads == threads


def test_a_larger_model_may_take_longer_and_never_less() -> None:
    def seconds(size: int) -> int:
        return timing.start_seconds(ReleaseSpec.model_validate(changed(RELEASE, weights__sizeBytes=size)))

    assert seconds(1) == 605
    assert [seconds(size) for size in (10**9, 10**10, 10**11)] == [620, 800, 2600]
