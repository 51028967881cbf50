"""Each command against the real engine, with a tiny provider in the clouds' place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode, Problem, Refused
from ops import commands
from ops.commands import Job
from ops.preview import command as reporting

pytestmark = pytest.mark.engine

Make = Callable[..., Job]


def world(root: Path) -> dict[str, dict[str, object]]:
    file = root / ".sandbox" / "dev" / "world" / "tiny.json"
    return json.loads(file.read_text()) if file.exists() else {}


def test_a_stack_comes_up_shows_no_change_drifts_and_goes(
    job: Make, program: Any, small_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert reporting.preview(job()) is ExitCode.REFUSED
    assert world(small_root) == {}
    assert "UNDETERMINED, a guardian has to approve: 3 to create" in capsys.readouterr().out

    assert commands.up(job()) is ExitCode.OK
    said = capsys.readouterr().out
    assert said.splitlines()[0] == "SIMULATED sandbox (account 000000000000), stack dev"
    assert "modelyard shell --stack dev -- pulumi up" in said
    assert world(small_root) == {"first": {"size": 1.0}, "second": {"size": 2.0}}

    assert reporting.look(job()).outcome.events.changes == {"same": 3}  # type: ignore[union-attr]

    program.things["first"]["size"] = 5
    reporting.preview(job())
    assert "-     size: 1\n  +     size: 5\n" in capsys.readouterr().out
    assert world(small_root)["first"] == {"size": 1.0}

    file = small_root / ".sandbox" / "dev" / "world" / "tiny.json"
    file.write_text(json.dumps({"first": {"size": 7.0}, "second": {"size": 2.0}}))
    assert commands.refresh(job(), only_look=True) is ExitCode.OK
    assert "~ tiny:index:Thing first  [size]" in capsys.readouterr().out

    assert commands.destroy(job()) is ExitCode.OK
    assert world(small_root) == {}


def test_outputs_are_printed_and_a_secret_one_is_not(job: Make, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.up(job(as_json=True)) is ExitCode.OK
    up = json.loads(capsys.readouterr().out)
    assert (up["world"], up["ok"], up["changes"]) == ("sandbox", True, {"create": 3})

    assert commands.outputs(job(as_json=True)) is ExitCode.OK
    read = capsys.readouterr()
    assert json.loads(read.out)["platform"] == {"things": 2, "token": "[secret]"}
    assert "hush-hush" not in read.out + read.err


def test_a_protected_resource_keeps_destroy_from_deleting_anything(job: Make, program: Any, small_root: Path) -> None:
    program.protect = True
    assert commands.up(job()) is ExitCode.OK
    with pytest.raises(Refused) as refused:
        commands.destroy(job())
    assert [problem.where for problem in refused.value.problems] == [
        "tiny:index:Thing first",
        "tiny:index:Thing second",
    ]
    assert "cluster.deletionProtection: false" in refused.value.problems[0].fix
    assert set(world(small_root)) == {"first", "second"}

    program.protect = False
    assert commands.up(job()) is ExitCode.OK
    assert commands.destroy(job()) is ExitCode.OK
    assert world(small_root) == {}


def test_what_the_cloud_refuses_is_said_once_with_its_resource(
    job: Make, program: Any, small_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.things["second"]["refuse"] = "no capacity in this zone"
    assert commands.up(job()) is ExitCode.FAILED
    said = capsys.readouterr().out
    assert said.count("no capacity in this zone") == 1
    assert "Traceback" not in said
    assert "second" not in world(small_root)


def test_a_refusal_of_the_program_comes_back_whole_and_changes_nothing(
    job: Make, program: Any, small_root: Path
) -> None:
    program.fail = Refused(Problem(summary="too dear", where="gpuPools.chat"))
    with pytest.raises(Refused) as refused:
        commands.up(job())
    assert refused.value.problems[0].where == "gpuPools.chat"
    assert world(small_root) == {}


def test_a_mistake_in_the_program_is_one_line_and_no_traceback(
    job: Make, program: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    program.fail = KeyError("chat")
    assert commands.up(job()) is ExitCode.FAILED
    said = capsys.readouterr()
    assert "the program failed: KeyError: 'chat'" in said.out
    assert "Traceback" not in said.out + said.err


def test_who_says_no_to_the_question_changes_nothing(job: Make, small_root: Path) -> None:
    assert commands.up(job(confirm=lambda _: False)) is ExitCode.OK
    assert world(small_root) == {}
