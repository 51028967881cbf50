"""A simulated cloud that dies at each edge of a create, then `recover` and `up`: nothing twice, nothing lost."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pulumi_aws as aws
import pytest
from pulumi import ResourceOptions

from ops import commands, recover
from ops.commands import Job
from problem import ExitCode, Refused
from sandbox import session
from sandbox.world import World

QUEUES = 4


def program() -> None:
    """A few queues, and one that needs another's ARN."""
    provider = aws.Provider("aws", region=aws.Region.US_EAST1)
    queues = [
        aws.sqs.Queue(f"queue-{number}", name=f"queue-{number}", opts=ResourceOptions(provider=provider))
        for number in range(QUEUES)
    ]
    aws.sqs.Queue(
        "last",
        name="last",
        redrive_policy=queues[0].arn.apply(lambda arn: json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})),
        opts=ResourceOptions(provider=provider),
    )


def queues(root: Path) -> list[str]:
    return sorted(item.name for item in World(root / ".sandbox" / "dev" / "world").all("aws", "aws:sqs/queue:Queue"))


@pytest.mark.engine
@pytest.mark.parametrize("edge", ["before", "after-write", "after-reply"])
def test_after_a_crash_at_any_edge_recover_and_up_converge(
    edge: str,
    job: Callable[..., Job],
    small_root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(session, "HOST", (sys.executable, "-m", "sandbox.host"))
    faults = small_root / "faults.json"
    faults.write_text(json.dumps([{"kind": "crash", "type": "aws:sqs/queue:Queue", "call": "create", "edge": edge}]))
    assert commands.up(job(program=program, faults=faults)) is ExitCode.FAILED
    assert recover.recover(job(program=program)) is ExitCode.OK
    said = capsys.readouterr().out
    assert "Traceback" not in said
    assert commands.up(job(program=program)) is ExitCode.OK
    assert queues(small_root) == ["last", *(f"queue-{number}" for number in range(QUEUES))]
    assert commands.preview(job(program=program)) is ExitCode.OK
    assert "nothing changes" in capsys.readouterr().out
    assert commands.destroy(job(program=program)) is ExitCode.OK
    assert queues(small_root) == []


def locked(folder: Path, pid: int, host: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "one.json"
    stamp = "2026-11-24T11:34:06.693240008Z" if not psutil.pid_exists(pid) else "2126-11-24T11:34:06.6Z"
    file.write_text(json.dumps({"pid": pid, "hostname": host or socket.gethostname(), "timestamp": stamp}))
    file.with_name("one.json.attrs").write_text("{}")
    return file


def test_the_lock_of_a_dead_process_is_cleared_and_said(tmp_path: Path) -> None:
    file = locked(tmp_path, 2**22 - 1)
    assert recover._unlock(tmp_path) == [f"unlocked: process {2**22 - 1}, which held the lock, is dead"]
    assert not file.exists()
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_live_process_is_never_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recover, "_STILL_ENDING", 0.1)
    file = locked(tmp_path, os.getpid())
    with pytest.raises(Refused) as refused:
        recover._unlock(tmp_path)
    assert refused.value.code is ExitCode.UNAVAILABLE
    assert file.exists()


def test_a_number_that_another_process_has_since_is_a_dead_process(tmp_path: Path) -> None:
    file = locked(tmp_path, os.getpid())
    file.write_text(file.read_text().replace("2126-", "2006-"))
    assert len(recover._unlock(tmp_path)) == 1


def test_the_lock_of_another_machine_is_never_cleared(tmp_path: Path) -> None:
    file = locked(tmp_path, 2**22 - 1, host="elsewhere")
    with pytest.raises(Refused, match="another machine"):
        recover._unlock(tmp_path)
    assert file.exists()
