"""What an owner says when the cluster failed: one refusal, and never a traceback."""

from __future__ import annotations

import json
import queue
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.problem import ExitCode, Refused
from sandbox.faults import CloudError
from sandbox.kubernetes.real.api import Api
from sandbox.node import node, owner
from sandbox.node.layout import Layout
from sandbox.node.node import Node


def fail(*_: object, **__: object) -> Any:
    raise CloudError("Forbidden", "the quota is full")


def test_what_the_server_says_against_it_is_told_and_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(owner, "own", fail)
    assert owner.main([str(tmp_path), "modelyard"]) == ExitCode.FAILED
    assert capsys.readouterr().out == "Forbidden: the quota is full\n"
    assert json.loads(Layout(tmp_path).refused.read_text()) == [{"summary": "Forbidden: the quota is full"}]


def test_a_cluster_whose_node_object_was_deleted_has_a_status() -> None:
    pod = {"status": {"phase": "Running"}}
    api = SimpleNamespace(get=lambda _: None, request=lambda *_, **__: {"items": [pod, {"status": {}}]})
    found = owner._status(cast(Node, SimpleNamespace(api=api)))
    assert (found["ready"], found["running"], found["pods"]) == (False, 1, 2)


def coming_up(folder: Path) -> Node:
    (folder / "logs").mkdir()
    (folder / "logs" / "node.log").write_text("etcd has no disk\n")
    return cast(Node, SimpleNamespace(layout=Layout(folder), api=cast(Api, None)))


def test_what_is_tried_again_ends_with_the_node(tmp_path: Path) -> None:
    told: queue.Queue[str] = queue.Queue()
    told.put("ended")
    with pytest.raises(Refused, match="etcd has no disk") as refused:
        node._until(coming_up(tmp_path), told, "it cannot be applied", fail)
    assert refused.value.code is ExitCode.UNAVAILABLE


def test_what_never_comes_to_hold_is_told_with_the_servers_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node, "_READY_WITHIN", -1.0)
    with pytest.raises(Refused, match="it cannot be applied after -1 s: Forbidden: the quota is full"):
        node._until(coming_up(tmp_path), queue.Queue(), "it cannot be applied", fail)
