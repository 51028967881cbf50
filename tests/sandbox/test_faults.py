"""Faults: met as often as asked, through a crash too, at the edge that was named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.problem import Refused
from sandbox import faults as module
from sandbox.faults import ATTEMPTS, CloudError, Faults

VPC = "aws:ec2/vpc:Vpc"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKOFF_SECONDS", 0.0)


def _load(folder: Path, *entries: object, log: Path | None = None) -> Faults:
    file = folder / "faults.json"
    file.write_text(json.dumps(list(entries)))
    return Faults.load(file, folder / "memory", log)


def test_a_call_survives_throttling_within_the_bound_and_fails_clearly_one_beyond_it(tmp_path: Path) -> None:
    _load(tmp_path, {"kind": "throttle", "times": ATTEMPTS - 1}).before("create", VPC)
    (tmp_path / "memory").unlink()
    with pytest.raises(CloudError, match="ThrottlingException: Rate exceeded"):
        _load(tmp_path, {"kind": "throttle", "times": ATTEMPTS}).before("create", VPC)


def test_no_capacity_is_met_as_often_as_asked_and_only_by_the_named_type_and_call(tmp_path: Path) -> None:
    faults = _load(tmp_path, {"kind": "no-capacity", "type": "aws:ec2/*", "call": "create", "times": 1})
    faults.before("delete", VPC)
    faults.before("create", "aws:iam/role:Role")
    with pytest.raises(CloudError, match="InsufficientInstanceCapacity"):
        faults.before("create", VPC)
    faults.before("create", VPC)


def test_what_is_used_up_is_remembered_by_the_next_process(tmp_path: Path) -> None:
    entry = {"kind": "no-capacity", "times": 1}
    with pytest.raises(CloudError):
        _load(tmp_path, entry).before("create", VPC)
    _load(tmp_path, entry).before("create", VPC)


@pytest.mark.parametrize("edge", ["before", "after-write", "after-reply"])
def test_a_crash_happens_at_the_named_edge_only(tmp_path: Path, edge: str) -> None:
    left: list[int] = []
    found = _load(tmp_path, {"kind": "crash", "edge": edge})
    found.leave = left.append
    calls = {"before": found.before, "after-write": found.after_write, "after-reply": found.after_reply}
    for name, call in calls.items():
        call("create", VPC)
        assert left == ([137] if name == edge or left else [])
    assert left == [137]


def test_slow_waits_as_long_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    _load(tmp_path, {"kind": "slow", "seconds": 7}).before("create", VPC)
    assert slept == [7]


def test_each_edge_of_a_call_is_one_line_of_the_call_log(tmp_path: Path) -> None:
    faults = _load(tmp_path, log=tmp_path / "calls")
    faults.before("create", VPC, "urn:x")
    faults.after_write("create", VPC, "urn:x")
    lines = [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]
    assert [line["edge"] for line in lines] == ["before", "after-write"]
    assert lines[0] == {"edge": "before", "call": "create", "type": VPC, "urn": "urn:x"}


def test_without_a_file_nothing_ever_fails(tmp_path: Path) -> None:
    Faults.load(None).before("create", VPC)


@pytest.mark.parametrize(
    ("entry", "where"),
    [
        ({"kind": "explode"}, "[0].kind"),
        ({"kind": "crash", "call": "think"}, "[0].call"),
        ({"kind": "crash", "edge": "never"}, "[0].edge"),
        ({"kind": "crash", "tims": 1}, "[0]"),
        ("crash", "[0].kind"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_with_its_place(tmp_path: Path, entry: object, where: str) -> None:
    with pytest.raises(Refused) as caught:
        _load(tmp_path, entry)
    assert caught.value.problems[0].where == where


@pytest.mark.parametrize("text", ["{", '{"kind": "crash"}'])
def test_a_faults_file_that_is_no_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "f").write_text(text)
    with pytest.raises(Refused):
        Faults.load(tmp_path / "f")
