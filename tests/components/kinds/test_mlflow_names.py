"""What the settings take as a name in the registry, MLflow's own validators take too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException
from mlflow.prompt.registry_utils import validate_prompt_name
from mlflow.utils import validation
from pydantic import TypeAdapter, ValidationError

from components.kinds import mlflow

checked_by_the_registry: Callable[[str, str], object] = validation._validate_registered_model_tag
checked_by_tracking: Callable[[str, str], object] = validation._validate_experiment_tag
RULES: list[tuple[str, Any, tuple[Callable[[str], object], ...]]] = [
    ("experiment", mlflow.ExperimentName, (validation._validate_experiment_name,)),
    ("model", mlflow.ModelName, (validation._validate_model_name,)),
    ("prompt", mlflow.PromptName, (validation._validate_model_name, validate_prompt_name)),
    (
        "alias",
        mlflow.AliasName,
        (validation._validate_model_alias_name, validation._validate_model_alias_name_reserved),
    ),
    ("webhook", mlflow.WebhookName, (validation._validate_webhook_name,)),
    ("user", mlflow.UserName, (validation._validate_username,)),
    ("tag", mlflow.TagName, (lambda name: checked_by_the_registry(name, "x"),)),
    ("experiment's tag", mlflow.TagName, (lambda name: checked_by_tracking(name, "x"),)),
]
PIECES = ["a", "B", "7", ".", "..", "/", ":", "-", "_", " ", "@", "latest", "v1", "\u200b", "é", "\n", "mlflow."]
names = st.one_of(st.text(max_size=8), st.lists(st.sampled_from(PIECES), max_size=5).map("".join))


def taken(kind: Any, name: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(name)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(("kind", "rules"), [rule[1:] for rule in RULES], ids=[rule[0] for rule in RULES])
@settings(max_examples=150)
@given(name=names)
def test_what_is_taken_here_is_taken_by_mlflow(
    kind: Any, rules: tuple[Callable[[str], object], ...], name: str
) -> None:
    if taken(kind, name):
        for rule in rules:
            rule(name)
        assert name == name.strip() != ""


@pytest.mark.parametrize("name", ["", " ", "\t", " padded", "padded ", "a\u200bb", "a\nb", "\u00a0"])
def test_no_name_is_blank_padded_or_half_unseen(name: str) -> None:
    for what, kind, _ in RULES:
        assert not taken(kind, name), what


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a:b", "a@b", "..a"])
def test_a_model_is_not_named_like_a_path_or_an_address(name: str) -> None:
    assert not taken(mlflow.ModelName, name)


def test_names_that_people_use_are_taken() -> None:
    for kind, name in (
        (mlflow.ExperimentName, "/teams/search/eval v2: nightly"),
        (mlflow.ModelName, "assistant (v2) für Vertrieb"),
        (mlflow.ModelName, ".hidden"),
        (mlflow.PromptName, "support-system_v1.2"),
        (mlflow.UserName, "jane.doe@example.com"),
        (mlflow.TagName, "team/owner: name"),
    ):
        assert taken(kind, name), name


def test_mlflow_would_have_refused_what_passed_before() -> None:
    """The names that the settings took and the server did not."""
    for name in ("  ", "..", "."):
        with pytest.raises(MlflowException):
            validation._validate_model_name(name)


@pytest.mark.parametrize(("kind", "longest"), [(mlflow.ModelName, 250), (mlflow.Words, 5000), (mlflow.WebhookUrl, 500)])
def test_the_longest_that_the_database_keeps_is_taken_and_one_more_is_not(kind: Any, longest: int) -> None:
    text = "https://e.example/".ljust(longest, "x") if kind is mlflow.WebhookUrl else "x" * longest
    assert taken(kind, text)
    assert not taken(kind, f"{text}x")
