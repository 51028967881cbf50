"""What the stack exports: the contract with app teams, written in one place and never by a component."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pulumi
from modelyard_contract import PlatformOutputs
from pydantic import ConfigDict

from policies.guard.deployed import COST, MAXIMUM, PARTS, Deployed, told
from pricing.items.cost import Totals


class Written(PlatformOutputs):
    """The contract as the platform writes it: a key that it does not know is a mistake of ours."""

    model_config = ConfigDict(extra="forbid")


def export(promised: dict[str, Any]) -> pulumi.Output[dict[str, Any]]:
    """Exports every promised key of the contract, checked as soon as the values are known; returns the whole document."""
    document = pulumi.Output.from_input(promised).apply(lambda known: Written.model_validate(known).to_outputs())
    for key in promised:
        pulumi.export(key, document.apply(lambda known, key=key: known[key]))  # type: ignore[misc]
    return document


def export_cost(totals: Totals, pools: Mapping[str, Decimal], teams: Mapping[str, Decimal]) -> None:
    """Exports what the stack costs (USD a month), so that the next run knows whether it, or a part, would cost more."""
    amounts = {"minimumUsd": totals.minimum, "expectedUsd": totals.expected, MAXIMUM: totals.maximum}
    parts = {"pools": _texts(pools), "teams": _texts(teams)}
    pulumi.export(COST, {**_texts(amounts), PARTS: parts})


def deployed(ceiling: Decimal) -> Deployed:
    """What is deployed costs, as this process was told; else what the stack's last deployment exported, at most the `ceiling`.

    The engine reads the stack's own outputs for this program, in a preview and inside an update alike. They are only the
    program's own word, so the packs do not read them.
    """
    if told(os.environ):
        return Deployed.of_variables(os.environ)
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        outputs = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value["outputs"]
    except Exception as error:
        return Deployed(unreadable=f"the engine does not answer for them: {type(error).__name__}")
    return Deployed.of_outputs(outputs).at_most(ceiling, {})


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {key: format(amount, "f") for key, amount in amounts.items()}
