"""A simulated cloud that dies at each edge of a create, then `recover` and `up`: nothing twice, nothing lost."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pulumi_aws as aws
import pytest
from pulumi import ResourceOptions

from core.problem import ExitCode, Refused
from ops import commands
from ops.commands import Job
from ops.engine.automation import Outcome
from ops.engine.events import EngineEvents, Operation
from ops.preview import command as reporting
from ops.recover import command as recover
from ops.recover.command import Said
from ops.show import Show
from ops.worlds.cloud import CloudWorld
from ops.worlds.world import Place
from sandbox.items import ItemStore
from sandbox.stack import session

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
    return sorted(
        item.name for item in ItemStore(root / ".sandbox" / "dev" / "world").all("aws", "aws:sqs/queue:Queue")
    )


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
    outcome = reporting.look(job(program=program)).outcome
    assert outcome is not None and set(outcome.events.changes) == {"same"}
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


def test_a_note_that_a_kill_has_torn_and_a_draft_are_removed_and_whole_files_stay(tmp_path: Path) -> None:
    whole = {"dev.json": "{}", "dev.json.bak": "{}", "dev.json.bak.attrs": '{"user.content_type": ""}'}
    for name, text in {**whole, "dev.json.attrs": "", "dev.json.18ea.tmp": '{"half'}.items():
        (tmp_path / name).write_text(text)
    assert recover._drop_torn(tmp_path) == ["removed: dev.json.attrs, which a kill has left half written"]
    assert {file.name for file in tmp_path.iterdir()} == set(whole)
    assert recover._drop_torn(tmp_path) == []


QUEUE = "urn:pulumi:prod::m::aws:sqs/queue:Queue::work"
BUCKET = "urn:pulumi:prod::m::aws:s3/bucket:Bucket::files"
ROLE = "urn:pulumi:prod::m::aws:iam/role:Role::nodes"


def pending(kind: str, urn: str) -> dict[str, Any]:
    return {"type": kind, "resource": {"urn": urn, "type": urn.split("::")[2], "inputs": {"name": "x"}}}


@dataclass
class FakeEngine:
    """An engine on an account's stack with a queue and a bucket under creation and a role under update."""

    workdir: Path
    stack: str = "prod"
    imported: list[dict[str, Any]] = field(default_factory=list)
    refreshed: int = 0

    def state(self) -> dict[str, Any]:
        operations = [pending("creating", QUEUE), pending("creating", BUCKET), pending("updating", ROLE)]
        return {
            "resources": [{"urn": ROLE, "id": "nodes", "type": "aws:iam/role:Role"}],
            "pending_operations": operations,
        }

    def ask(self, *arguments: str) -> str:
        self.imported.append(json.loads(Path(arguments[-1]).read_text())["deployment"])
        return ""

    def refresh(self, **_: Any) -> Outcome:
        self.refreshed += 1
        return Outcome(operation=Operation.REFRESH, ok=True, events=EngineEvents(planning=False), seconds=0.0)


@pytest.fixture
def in_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    engine = FakeEngine(tmp_path)

    @contextlib.contextmanager
    def opened(*_: Any, **__: Any) -> Iterator[FakeEngine]:
        yield engine

    monkeypatch.setattr(CloudWorld, "opened", opened)
    return engine


def cloud_job(tmp_path: Path, *, yes: bool = True) -> Job:
    place = Place(root=tmp_path, stack="prod", stack_file=tmp_path / "Pulumi.prod.yaml", world=CloudWorld())
    return Job(place=place, program=program, packs=(), show=Show(), confirm=lambda _: yes)


def test_in_an_account_nothing_is_changed_until_each_create_is_spoken_for(
    in_account: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Refused) as refused:
        recover.recover(cloud_job(tmp_path), Said(ids=[f"{QUEUE}=https://queue"]))
    (problem,) = refused.value.problems
    assert problem.where == BUCKET
    assert f"--id '{BUCKET}=<its id>'" in problem.fix
    assert f"--clear '{BUCKET}'" in problem.fix
    assert f"without an answer: updating {ROLE}" in capsys.readouterr().out
    assert (in_account.imported, in_account.refreshed) == ([], 0)


def test_in_an_account_what_is_said_is_imported_or_cleared_after_a_yes(
    in_account: FakeEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = Said(ids=[f"{QUEUE}=https://queue?a=b"], clear=[BUCKET])
    assert recover.recover(cloud_job(tmp_path), said) is ExitCode.OK
    (state,) = in_account.imported
    assert [(resource["urn"], resource["id"]) for resource in state["resources"]] == [
        (ROLE, "nodes"),
        (QUEUE, "https://queue?a=b"),
    ]
    assert "pending_operations" not in state
    assert in_account.refreshed == 1
    lines = capsys.readouterr().out
    assert "would be imported: aws:sqs/queue:Queue work" in lines
    assert "cleared: aws:s3/bucket:Bucket files was creating" in lines
    assert "cleared: aws:iam/role:Role nodes was updating" in lines


def test_in_an_account_a_no_changes_nothing(in_account: FakeEngine, tmp_path: Path) -> None:
    assert recover.recover(cloud_job(tmp_path, yes=False), Said(clear=[QUEUE, BUCKET])) is ExitCode.OK
    assert (in_account.imported, in_account.refreshed) == ([], 0)


def test_in_an_account_who_can_be_asked_is_asked_for_each_id(in_account: FakeEngine, tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "https://queue" if QUEUE in question else ""

    assert recover.recover(cloud_job(tmp_path), Said(ask=ask)) is ExitCode.OK
    assert len(asked) == 2
    assert [resource["id"] for resource in in_account.imported[0]["resources"]] == ["nodes", "https://queue"]


def test_an_id_for_something_that_is_not_pending_is_refused(in_account: FakeEngine, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        recover.recover(cloud_job(tmp_path), Said(ids=[f"{ROLE}=nodes"], clear=[QUEUE, BUCKET]))
    assert refused.value.code is ExitCode.USAGE
    assert in_account.imported == []
