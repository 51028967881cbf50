"""What a lab asks of its cluster takes no program that only tests install."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from problem import ExitCode, Refused
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
    found = lab(lambda obj: asked.append(obj) or obj).get(kind, "apps", "web")
    assert found == {"apiVersion": api_version, "kind": named, "metadata": {"namespace": "apps", "name": "web"}}
    assert asked == [found] and lab(lambda _: None).get(kind, "apps", "web") is None


def test_a_server_that_does_not_answer_is_refused_with_what_was_asked_for() -> None:
    def fail(_: object) -> None:
        raise CloudError("Unreachable", "it does not answer")

    with pytest.raises(Refused, match=r"deployment apps/web.*\n.*Unreachable: it does not answer") as refused:
        lab(fail).get("deployment", "apps", "web")
    assert refused.value.code is ExitCode.FAILED
