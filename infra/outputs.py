"""What the stack exports: the contract with app teams, written in one place and never by a component."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pulumi
from modelyard_contract import PlatformOutputs
from pydantic import ConfigDict

from pricing.cost import Totals

COST, MAXIMUM = "cost", "maximumUsd"


class Written(PlatformOutputs):
    """The contract as the platform writes it: a key that it does not know is a mistake of ours."""

    model_config = ConfigDict(extra="forbid")


def export(promised: dict[str, Any]) -> pulumi.Output[dict[str, Any]]:
    """Exports every promised key of the contract, checked as soon as the values are known; returns the whole document."""
    document = pulumi.Output.from_input(promised).apply(lambda known: Written.model_validate(known).to_outputs())
    for key in promised:
        pulumi.export(key, document.apply(lambda known, key=key: known[key]))  # type: ignore[misc]
    return document


def export_cost(totals: Totals) -> None:
    """Exports what the stack costs (USD a month), so that the next run knows whether it would cost more."""
    amounts = {"minimumUsd": totals.minimum, "expectedUsd": totals.expected, MAXIMUM: totals.maximum}
    pulumi.export(COST, {key: format(amount, "f") for key, amount in amounts.items()})


def deployed_maximum() -> Decimal | None:
    """The maximum (USD a month) that the stack's last deployment exported; None when it is new or cannot be read.

    The engine reads the stack's own outputs for this program, in a preview and inside an update alike.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
    try:
        found = pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name}).value
        maximum = Decimal(str(found["outputs"][COST][MAXIMUM]))
    except Exception:
        return None
    return maximum if maximum.is_finite() else None
