"""What a lab asks of its cluster takes no program that only tests install."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.problem import ExitCode, Refused
from sandbox.faults import CloudError
from sandbox.lab import KINDS, Lab
from sandbox.node.node import Node


def lab(answer: Any) -> Lab:
    return Lab(root=Path(), node=cast(Node, SimpleNamespace(api=SimpleNamespace(get=answer))), say=lambda _: None)


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_is_asked_of_the_api_server_itself(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    api_version, named = KINDS[kind]
    asked: list[Mapping[str, Any]] = []

    def answer(obj: Mapping[str, Any]) -> Mapping[str, Any]:
        asked.append(obj)
        return obj

    found = lab(answer).get(kind, "apps", "web")
    assert found == {"apiVersion": api_version, "kind": named, "metadata": {"namespace": "apps", "name": "web"}}
    assert asked == [found] and lab(lambda _: None).get(kind, "apps", "web") is None


@pytest.mark.parametrize(
    ("ask", "what"),
    [
        (lambda lab: lab.get("deployment", "apps", "web"), "deployment apps/web"),
        (lambda lab: lab.apply({"kind": "Pod", "metadata": {"name": "web"}}), "Pod web"),
        (lambda lab: lab.install("argo-rollouts"), "argo-rollouts"),
    ],
    ids=["get", "apply", "install"],
)
def test_what_the_server_says_against_it_is_a_refusal_that_names_what_was_asked(
    ask: Callable[[Lab], object], what: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise CloudError("Unreachable", "it does not answer")

    api = SimpleNamespace(get=fail, apply=fail)
    with pytest.raises(Refused, match="Unreachable: it does not answer") as refused:
        ask(Lab(root=Path(), node=cast(Node, SimpleNamespace(api=api)), say=lambda _: None))
    assert (refused.value.code, refused.value.problems[0].where) == (ExitCode.FAILED, what)
