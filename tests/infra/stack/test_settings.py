"""The settings tree: layers, provenance, and the schema that editors read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from components.spec import Environment, Spec
from infra.stack.profiles import PROFILES
from infra.stack.schema import files
from infra.stack.settings import Settings
from infra.stack.stack import Stack

MINIMAL: dict[str, Any] = {
    "owner": "ml-platform",
    "budget": {"monthlyUsd": 1000},
    "cluster": {"access": {"reach": "ssmTunnel"}},
}


@pytest.mark.parametrize("environment", [profile for profile in PROFILES if profile is not Environment.LOCAL])
def test_every_profile_makes_a_valid_stack_of_four_lines(environment: Environment) -> None:
    stack = Stack.of({**MINIMAL, "environment": environment.value}, "us-east-1")
    assert stack.settings.environment is environment


def test_the_stack_file_wins_over_the_profile_and_the_profile_over_the_default() -> None:
    prod: dict[str, Any] = {**MINIMAL, "environment": "prod", "network": {"flowLogDays": 7}}
    sources = {value.where: (value.value, value.source) for value in Stack.of(prod, "us-east-1").values()}
    assert sources["network.flowLogDays"] == (7, "stack file")
    assert sources["network.nat"] == ("perZone", "profile prod")
    assert sources["karpenter.replicas"] == (2, "default")


def test_the_same_settings_have_the_same_digest_and_others_another() -> None:
    one, two = (Stack.of({**MINIMAL, "environment": "dev"}, "us-east-1").settings for _ in range(2))
    other = Stack.of({**MINIMAL, "environment": "dev", "owner": "other-team"}, "us-east-1").settings
    assert one.digest == two.digest != other.digest


def test_settings_survive_the_round_trip_through_the_plan() -> None:
    settings = Stack.of({**MINIMAL, "environment": "prod"}, "us-east-1").settings
    assert Settings.model_validate(settings.to_inputs()) == settings


def test_the_committed_schemas_are_current() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path.name} is not current: run python -m infra.stack.schema"


def test_every_field_of_every_spec_says_what_it_is() -> None:
    undocumented = [
        f"{spec.__name__}.{name}"
        for spec in _specs(Settings)
        for name, field in spec.model_fields.items()
        if not field.description
    ]
    assert undocumented == []


def _specs(root: type[BaseModel]) -> set[type[BaseModel]]:
    found, queue = {root}, [root]
    everything = [*Spec.__subclasses__()]
    while queue:
        text = repr(queue.pop().model_fields)
        for spec in everything:
            if spec.__name__ in text and spec not in found:
                found.add(spec)
                queue.append(spec)
    return found
