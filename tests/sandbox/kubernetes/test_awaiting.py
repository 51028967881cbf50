"""What depends on a Job starts after it, wherever a pod can run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.faults import CloudError
from sandbox.kubernetes.real import awaiting
from sandbox.kubernetes.real.awaiting import KWOK_NODE, SKIP, settled

REAL = {"metadata": {"name": "a"}}
SIMULATED = {"metadata": {"name": "b", "annotations": {KWOK_NODE: "fake"}}}


class Answers:
    """A server whose Job is in one state after the other."""

    def __init__(self, *conditions: str, nodes: tuple[dict[str, Any], ...] = (REAL,)) -> None:
        self.nodes, self.asked = nodes, 0
        self._states: Iterator[str] = iter(conditions)

    def request(self, *_: object, **__: object) -> dict[str, Any]:
        return {"items": list(self.nodes)}

    def get(self, _: object) -> dict[str, Any] | None:
        self.asked += 1
        state = next(self._states)
        if state == "gone":
            return None
        conditions = [{"type": state, "status": "True", "message": "words"}, {"type": "Failed", "status": "False"}]
        return {"status": {"conditions": conditions if state else None}}


def job(kind: str = "Job", **annotations: str) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"name": "one", "namespace": "space", "annotations": annotations}}


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks again at once."""
    monkeypatch.setattr(awaiting, "_EVERY", 0.0)


def test_a_job_is_waited_for_until_it_is_complete() -> None:
    api = Answers("gone", "", "Suspended", "Complete")
    settled(api, job())  # type: ignore[arg-type]
    assert api.asked == 4


def test_a_job_that_fails_is_an_error_with_where_to_look() -> None:
    with pytest.raises(CloudError, match=r"space/one has failed: words; kubectl logs --namespace space job/one"):
        settled(Answers("", "Failed"), job())  # type: ignore[arg-type]


def test_a_job_that_takes_too_long_is_an_error() -> None:
    with pytest.raises(CloudError, match="not complete after 0 s"):
        settled(Answers("", ""), job(), within=0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("obj", "nodes"),
    [(job("Deployment"), (REAL,)), (job(**{SKIP: "true"}), (REAL,)), (job(), ()), (job(), (SIMULATED,))],
    ids=["no Job", "left out", "no node", "simulated nodes"],
)
def test_nothing_else_and_nowhere_else_is_waited(obj: dict[str, Any], nodes: tuple[dict[str, Any], ...]) -> None:
    api = Answers(nodes=nodes)
    settled(api, obj)  # type: ignore[arg-type]
    assert api.asked == 0
