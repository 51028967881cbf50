"""The workflows: two linters have nothing to say, actions are pinned, and no text of others reaches a shell."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.programs.tools import ensure
from tests.roots import ROOT

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SHELL_MAY_READ = re.compile(r"\$\{\{")


def workflow(file: Path) -> dict[Any, Any]:
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def steps(file: Path) -> list[dict[str, Any]]:
    return [step for job in workflow(file)["jobs"].values() for step in job.get("steps", [])]


def test_actionlint_has_nothing_to_say() -> None:
    tool = ensure(ROOT, ["actionlint"], lambda _: None)["actionlint"]
    done = subprocess.run(
        [str(tool), "-no-color", *map(str, FILES)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_has_nothing_to_say() -> None:
    zizmor = ROOT / ".venv" / "bin" / "zizmor"
    done = subprocess.run(
        [str(zizmor), "--offline", "--no-progress", "--quiet", str(ROOT / ".github")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned_and_no_expression_stands_in_a_shell(file: Path) -> None:
    for step in steps(file):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
            assert "checkout@" not in step["uses"] or step["with"]["persist-credentials"] is False
        assert not SHELL_MAY_READ.search(step.get("run", "")), step


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_job_has_only_the_rights_that_it_names(file: Path) -> None:
    content = workflow(file)
    wanted = {"contents": "read"} if file.name == "test.yml" else {}
    assert content["permissions"] == wanted


def test_code_of_a_pull_request_runs_only_where_nothing_can_be_written() -> None:
    for file in FILES:
        content = workflow(file)
        triggers = content[True]
        assert "pull_request_target" not in triggers
        if "pull_request" in triggers:
            for job in content["jobs"].values():
                assert set(job.get("permissions", content["permissions"]).values()) <= {"read"}
                assert "secrets" not in str(job) and "environment" not in job
        if "workflow_run" in triggers:
            checkouts = [step for step in steps(file) if "checkout" in step.get("uses", "")]
            assert checkouts and not [step for step in checkouts if "ref" in step["with"]]


def test_a_deployment_is_one_at_a_time_from_main_in_its_environment_with_a_short_lived_role() -> None:
    (job,) = workflow(ROOT / ".github" / "workflows" / "deploy-stack.yml")["jobs"].values()
    assert job["if"] == "github.ref == 'refs/heads/main'"
    assert job["environment"] == "${{ inputs.stack }}"
    assert job["concurrency"] == {"group": "deploy-${{ inputs.stack }}", "cancel-in-progress": False}
    assert job["permissions"] == {"contents": "read", "id-token": "write"}
    caller = workflow(ROOT / ".github" / "workflows" / "deploy.yml")
    assert caller[True] == {"push": {"branches": ["main"]}}
    assert "dev" in caller["jobs"]["prod"]["needs"]
