"""The bill of what is deployed, read from a stack's state for the report, and for the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ops.report.model import Amounts
from policies.guard.deployed import COST, Deployed, amount_of
from pricing.items.cost import ZERO, cents


@dataclass(frozen=True, kw_only=True)
class DeployedBill:
    """What the deployed stack costs (USD a month), and the maximum of each component where its plan is known.

    `amounts` is None when nothing is deployed, or nobody knows; `gate` is what the gates are told of it, not rounded.
    """

    amounts: Amounts | None = None
    components: Mapping[str, Decimal] = field(default_factory=dict)
    gate: Deployed = field(default_factory=Deployed)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> DeployedBill:
        """Reads it from a stack's state."""
        resources: list[dict[str, Any]] = state.get("resources") or []
        by_type = {str(resource["type"]): resource for resource in reversed(resources)}
        outputs = by_type.get("pulumi:pulumi:Stack", {}).get("outputs") or {}
        gate = Deployed.of_outputs(outputs)
        if gate.maximum is None:
            return cls(gate=gate)
        lower = [amount_of(outputs[COST].get(key)) for key in ("minimumUsd", "expectedUsd")]
        minimum, expected = (gate.maximum if amount is None else amount for amount in lower)
        bill = (by_type.get("modelyard:index:Platform", {}).get("inputs") or {}).get("bill") or {}
        sums: dict[str, Decimal] = {}
        for line in bill.get("items") or []:
            sums[line["component"]] = sums.get(line["component"], ZERO) + Decimal(line.get("maximumUsd", 0))
        # After an update that failed half-way the plan in the state is not what is deployed.
        if cents(sum(sums.values(), ZERO)) != cents(gate.maximum):
            sums = {}
        amounts = Amounts(minimum=cents(minimum), expected=cents(expected), maximum=cents(gate.maximum))
        return cls(amounts=amounts, components=sums, gate=gate)
