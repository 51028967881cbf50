"""What a registry's block may say, and what it may not, each with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.registry.content.spec import PromptSpec
from core.problem import Refused
from infra.stack.file import StackFile
from infra.stack.prompts import contents
from infra.stack.stack import Stack
from tests.roots import ROOT

HAPPY: dict[str, Any] = {
    "models": {"assistant": {"aliases": {"production": {"version": 3}, "candidate": {"by": "promotion"}}}},
    "prompts": {"p": {"file": "prompts/support.md"}},
    "users": {"alice": {"password": "config:alice", "grants": {"models": {"assistant": "edit"}}}},
    "gateway": {
        "keys": {"k": {"provider": "openai", "value": "env:MODELYARD_KEY"}},
        "models": {"m": {"provider": "openai", "model": "gpt-4o", "key": "k"}},
        "endpoints": {"e": {"models": {"m": 1}}},
        "budgets": {"b": {"amountUsd": 10, "endpoint": "e"}},
    },
}
BAD: list[tuple[str, dict[str, Any], str]] = [
    (
        "an alias of two owners",
        {"models": {"a": {"aliases": {"x": {"by": "promotion", "version": 1}}}}},
        "aliases.x.version",
    ),
    ("a managed alias without a version", {"models": {"a": {"aliases": {"x": {}}}}}, "aliases.x.version"),
    ("a reserved alias", {"models": {"a": {"aliases": {"v1": {"version": 1}}}}}, "models.a.aliases.v1"),
    ("one name twice", {"models": {"p": {}}}, "prompts.p"),
    ("a grant on what is not declared", {"models": {}}, "users.alice.grants.models"),
    ("a key that is not declared", {"gateway": {**HAPPY["gateway"], "keys": {}}}, "gateway.models.m.key"),
    ("a model in use that is taken out", {"gateway": {**HAPPY["gateway"], "models": {}}}, "gateway.endpoints.e.models"),
    ("a path that leads out", {"prompts": {"p": {"file": "../secret.md"}}}, "prompts.p.file"),
    ("a file that is not there", {"prompts": {"p": {"file": "prompts/none.md"}}}, "prompts.p.file"),
    ("a secret in clear", {"users": {"alice": {"password": "hunter2hunter2"}}}, "users.alice.password"),
]


def stack(**changed: Any) -> Stack:
    platform = dict(StackFile.read(ROOT / "Pulumi.dev.yaml").platform)
    return Stack.of({**platform, "registry": {**HAPPY, **changed}, "releases": []}, "us-east-1")


def test_the_happy_block_is_taken() -> None:
    registry = stack().settings.registry
    assert registry is not None and set(registry.models) == {"assistant"} and not registry.empty


@pytest.mark.parametrize(("changed", "where"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_bad_block_is_refused_at_its_place(changed: dict[str, Any], where: str) -> None:
    with pytest.raises(Refused) as refused:
        stack(**changed)
    assert f"registry.{where}" in "\n".join(problem.where for problem in refused.value.problems) or any(
        problem.where.endswith(where) for problem in refused.value.problems
    )


@pytest.mark.parametrize("text", ["", "- role: user\n", "role: user\n", "- [\n"])
def test_a_file_of_messages_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "x.chat.yaml").write_text(text)
    registry = stack(prompts={"p": {"file": "prompts/triage.chat.yaml"}}).settings.registry
    assert registry is not None
    spec = registry.prompts["p"].model_copy(update={"file": "x.chat.yaml"})
    with pytest.raises(Refused):
        contents({"p": spec}, tmp_path)


@pytest.mark.parametrize(
    ("target", "taken"),
    [("repository/real.md", True), ("outside.md", False), ("repository/.git/config", False), ("sibling", False)],
)
@pytest.mark.parametrize("of", ["file", "folder"])
def test_a_link_of_a_prompt_is_followed_only_within_the_repository(
    target: str, taken: bool, of: str, tmp_path: Path
) -> None:
    for each in ("repository/.git", "repository/prompts", "repository-too"):
        (tmp_path / each).mkdir(parents=True)
    (tmp_path / "sibling").symlink_to(tmp_path / "repository-too" / "p.md")
    for each in ("repository/real.md", "outside.md", "repository/.git/config", "repository-too/p.md"):
        (tmp_path / each).write_text("a token")
    if of == "file":
        (tmp_path / "repository" / "prompts" / "p.md").symlink_to(tmp_path / target)
    else:
        real = (tmp_path / target).resolve()
        (tmp_path / "repository" / "linked").symlink_to(real.parent)
    name = "prompts/p.md" if of == "file" else f"linked/{(tmp_path / target).resolve().name}"
    spec = PromptSpec(file=name)
    if taken:
        assert contents({"p": spec}, tmp_path / "repository")["p"]["text"] == "a token"
        return
    with pytest.raises(Refused) as refused:
        contents({"p": spec}, tmp_path / "repository")
    (problem,) = refused.value.problems
    assert problem.where == "registry.prompts.p.file" and "a token" not in str(refused.value)
