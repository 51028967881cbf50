"""The deployment lab: the release that is raised, its two changes, and what is judged of a rollout."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.problem import ExitCode, Refused
from labs.deploy import changes, objects, page, release
from labs.deploy.report import Delivery, Report, Timed, headline, lines
from labs.deploy.watch import Course, Seen, Share, shares
from sandbox.traffic import Answer, Stream
from tests.roots import ROOT

TEXT = (ROOT / release.FILE).read_text(encoding="utf-8")
IMAGE = "registry.example.com/team/assistant@sha256:" + "a" * 64


def test_the_release_of_the_repository_can_be_read() -> None:
    assert release.read(TEXT).rollout.strategy == "canary"


@given(version=st.from_regex(f"^{release.VERSION}$", fullmatch=True), digest=st.integers(0, 16**64 - 1))
def test_raising_changes_version_and_image_and_nothing_else(version: str, digest: int) -> None:
    image = f"example.com/assistant@sha256:{digest:064x}"
    after = release.raised(TEXT, version, image)
    before, found = release.read(TEXT), release.read(after)
    assert (found.version, found.image) == (version, image)
    assert (found.replicas, found.rollout) == (before.replicas, before.rollout)
    changed = [new for old, new in zip(TEXT.splitlines(), after.splitlines(), strict=True) if old != new]
    assert all(each.startswith(("version:", "image:")) for each in changed)


@pytest.mark.parametrize(
    ("version", "image"),
    [
        ("2", "registry.example.com/assistant:latest"),
        ("2", IMAGE[:-1]),
        ("2", IMAGE + '"\nreplicas: 9 #'),
        ("", IMAGE),
        ("-2", IMAGE),
        ("2\nreplicas: 9", IMAGE),
        ("x" * 64, IMAGE),
    ],
)
def test_a_version_or_image_that_cannot_be_used_is_refused(version: str, image: str) -> None:
    with pytest.raises(Refused) as refused:
        release.raised(TEXT, version, image)
    assert refused.value.code == ExitCode.USAGE


def test_the_same_version_again_is_refused() -> None:
    after = release.raised(TEXT, "x" * 63, IMAGE)
    with pytest.raises(Refused, match="already"):
        release.raised(after, "x" * 63, IMAGE)
    assert release.raised(after, "2", IMAGE)


@pytest.mark.parametrize("text", ["version: [", "version: '1'", TEXT + "pool: chat\n", TEXT.replace("10", "100")])
def test_a_release_file_that_cannot_be_used_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        release.read(text)
    assert refused.value.code == ExitCode.USAGE


def test_the_command_raises_the_file_and_prints_the_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "release.yaml"
    file.write_text(TEXT, encoding="utf-8")
    assert release.main(["7", IMAGE, f"--file={file}"]) == ExitCode.OK
    assert f'+image: "{IMAGE}"' in capsys.readouterr().out and release.read(file.read_text()).version == "7"
    assert release.main(["7", IMAGE, f"--file={file}"]) == ExitCode.USAGE
    assert release.main(["7", IMAGE, f"--file={tmp_path / 'none'}"]) == ExitCode.USAGE


@pytest.mark.parametrize("change", [changes.GOOD, changes.BAD], ids=lambda each: each.version)
def test_each_change_fits_the_app_and_can_be_made_once(change: changes.Change, tmp_path: Path) -> None:
    changes.copy(ROOT, tmp_path / "copy")
    assert "+" in changes.make(tmp_path / "copy", change)
    if change is changes.GOOD:
        assert changes.GREETING in (tmp_path / "copy" / change.file).read_text(encoding="utf-8")
        with pytest.raises(Refused, match="not as the lab's change expects it"):
            changes.make(tmp_path / "copy", change)
    assert (ROOT / change.file).read_text(encoding="utf-8").count(change.old) == 1, "the repository's own is as it was"


def test_the_bad_change_fails_half_of_a_users_requests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes.copy(ROOT, tmp_path / "copy")
    changes.make(tmp_path / "copy", changes.BAD)
    spec = importlib.util.spec_from_file_location("bad_service", tmp_path / "copy" / "app" / "service.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "bad_service", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr("tests.app.fakes.create", module.create)
    from tests.app.fakes import Fakes, settings

    body = {"messages": [{"role": "user", "content": "Say hello."}]}

    async def ask() -> list[int]:
        async with Fakes().client(settings()) as client:
            return [(await _post(client, body)).status_code for _ in range(12)]

    assert asyncio.run(ask()) == [200, 200, 200, 200, 500, 200, 500, 200, 500, 200, 500, 200]


async def _post(client: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    return await client.post("/v1/chat/completions", json=body)


def test_the_rollout_takes_the_steps_of_the_release_and_ends_with_a_sure_judge() -> None:
    found = release.read(release.raised(TEXT, "2", IMAGE))
    canary = objects.rollout(found)["spec"]["strategy"]["canary"]
    weights = [step["setWeight"] for step in canary["steps"] if "setWeight" in step]
    pauses = [step["pause"]["duration"] for step in canary["steps"] if "pause" in step]
    assert weights == [step.weight for step in found.rollout.steps]
    assert pauses == [f"{step.pause_seconds}s" for step in found.rollout.steps]
    named = {judge["metadata"]["name"] for judge in objects.judges()}
    used = [*canary["analysis"]["templates"], *canary["steps"][-1]["analysis"]["templates"]]
    assert {each["templateName"] for each in used} == named
    sure = next(judge for judge in objects.judges() if judge["metadata"]["name"].endswith("-sure"))
    assert sure["spec"]["metrics"][0]["inconclusiveLimit"] == 0, "too few requests are no success"


def test_the_app_of_a_release_is_called_by_digest_and_restricted() -> None:
    found = release.read(release.raised(TEXT, "2", IMAGE))
    for each in yaml.safe_load_all(yaml.safe_dump_all(objects.app(found))):
        assert each["metadata"]["namespace"] == objects.SPACE
    spec = objects.rollout(found)["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert container["image"] == IMAGE and spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"] and not spec["automountServiceAccountToken"]


def test_a_share_counts_only_what_was_asked_after_the_weights_had_settled() -> None:
    answers = [Answer(at, at + 0.1, 200, "2" if at % 2 else "1") for at in range(40)]
    seen = [Seen(0.5, 0, "Progressing", False), Seen(9.5, 50, "Paused", False), Seen(30.2, 0, "Healthy", False)]
    [found] = shares(Stream(answers), "2", seen, 40.0)
    assert (found.percent, found.asked, found.hits, found.fits) == (50, 20, 10, True)


GOOD_COURSE = Course(
    version="2",
    back=False,
    seconds=60.0,
    events=((1.0, "healthy"),),
    shares=(Share(10, 30.0, 10, 100, True),),
    asked=200,
    errors_new=0,
)
BAD_COURSE = replace(GOOD_COURSE, version="3", back=True, errors_new=4)


def delivery(course: Course) -> Delivery:
    return Delivery(course.version, "a <title>", "+ a", "3 passed", "sha256:1", 5, "+ b", course)


REPORT = Report(
    first=delivery(GOOD_COURSE),
    good=delivery(GOOD_COURSE),
    bad=delivery(BAD_COURSE),
    greeted=True,
    weights=(10,),
    steps=(Timed("tests", 1.0),),
    asked=400,
    failed=4,
    behind=("a stand-in",),
    total_seconds=200.0,
    load=1.0,
    short=False,
)


def test_a_run_in_which_the_good_change_is_out_and_the_bad_one_back_is_ok() -> None:
    assert REPORT.code == ExitCode.OK and "taken back by itself" in headline(REPORT)
    assert any("a stand-in" in line for line in lines(REPORT))
    assert "a &lt;title&gt;" in page.page(REPORT) and "<title>" in page.page(REPORT)
    assert REPORT.as_dict()["outcome"] == "OK"


@pytest.mark.parametrize(
    ("which", "broken"),
    [
        ("good", {"back": True}),
        ("good", {"errors_new": 1}),
        ("good", {"lost": ("503 1",)}),
        ("good", {"shares": (Share(10, 30.0, 90, 100, False),)}),
        ("bad", {"back": False}),
        ("bad", {"errors_new": 0}),
        ("bad", {"lost": ("0 timed out",)}),
    ],
)
def test_a_run_with_one_thing_wrong_fails_and_says_it(which: str, broken: dict[str, Any]) -> None:
    course = replace(GOOD_COURSE if which == "good" else BAD_COURSE, **broken)
    other = BAD_COURSE if which == "good" else GOOD_COURSE
    failed = sum(each.errors_new + len(each.lost) for each in (course, other))
    report = replace(REPORT, failed=failed, **dict[str, Any]({which: delivery(course)}))
    assert report.code == ExitCode.FAILED and len(report.problems) == 1
    assert report.problems[0] in page.page(report)


@pytest.mark.parametrize("failed", [3, 5])
def test_requests_that_are_lost_outside_of_both_rollouts_fail_the_run(failed: int) -> None:
    [problem] = replace(REPORT, failed=failed).problems
    assert problem.startswith(f"{failed} requests failed and 4 of them in a rollout")


@pytest.mark.parametrize(
    ("had", "missing"), [((10, 50, 100), ""), ((10, 100), "50 %"), ((50,), "10 %"), ((), "10 % or 50 %")]
)
def test_a_good_change_has_to_take_every_step_of_the_release(had: tuple[int, ...], missing: str) -> None:
    course = replace(GOOD_COURSE, shares=tuple(Share(each, 30.0, each, 100, True) for each in had))
    report = replace(REPORT, good=delivery(course), weights=(10, 50))
    assert report.problems == ([f"the good change never had {missing} of the requests"] if missing else [])


def test_a_change_that_users_do_not_see_fails_the_run() -> None:
    assert replace(REPORT, greeted=False).code == ExitCode.FAILED


JOBS: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "app.yml").read_text(encoding="utf-8"))["jobs"]


def test_in_the_workflow_what_can_get_a_role_neither_builds_nor_scans() -> None:
    trusted = [job for job in JOBS.values() if job["permissions"].get("id-token") == "write"]
    assert len(trusted) == 1 and trusted[0]["environment"] == "app"
    assert "docker buildx" not in str(trusted) and "trivy" not in str(trusted)
    before = JOBS[trusted[0]["needs"]]
    assert "docker buildx" in str(before) and "trivy" in str(before)
    assert set(before["permissions"].values()) == {"read"}


def test_the_workflows_token_is_given_to_one_step() -> None:
    given = [
        step.get("name") for job in JOBS.values() for step in job["steps"] if "github.token" in str(step.get("env", ""))
    ]
    assert given == ["open the pull request"]
    assert not any("github.token" in str(job.get("env", "")) for job in JOBS.values())
