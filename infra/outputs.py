"""What the stack exports: the contract with app teams, written in one place and never by a component."""

from __future__ import annotations

from typing import Any

import pulumi
from modelyard_contract import PlatformOutputs
from pydantic import ConfigDict


class Written(PlatformOutputs):
    """The contract as the platform writes it: a key that it does not know is a mistake of ours."""

    model_config = ConfigDict(extra="forbid")


def export(promised: dict[str, Any]) -> pulumi.Output[dict[str, Any]]:
    """Exports every key of the contract, checked as soon as the values are known; returns the whole document."""
    document = pulumi.Output.from_input(promised).apply(lambda known: Written.model_validate(known).to_outputs())
    for field in PlatformOutputs.model_fields.values():
        key = str(field.alias)
        pulumi.export(key, document.apply(lambda known, key=key: known[key]))  # type: ignore[misc]
    return document
