"""The bill of what is deployed, for the report and for the gates: priced from a stack's state, never read from its outputs."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ops.report.model import Amounts
from policies.guard.baseline import baseline
from policies.guard.deployed import Deployed
from policies.guard.model import Guard
from pricing.bill import breakdown as shares
from pricing.items.cost import cents
from pricing.items.usage import Usage


@dataclass(frozen=True, kw_only=True)
class DeployedBill:
    """What the deployed stack costs (USD a month), and the maximum of each component.

    `amounts` is None when nothing is deployed, or nobody knows; `gate` is what the gates are told of it: not rounded, and never
    above the guard file's ceilings.
    """

    amounts: Amounts | None = None
    components: Mapping[str, Decimal] = field(default_factory=dict)
    gate: Deployed = field(default_factory=Deployed)

    @classmethod
    def of(
        cls,
        state: Mapping[str, Any],
        *,
        stack: str,
        guard: Guard,
        first: bool = False,
        planned: Usage | None = None,
        today: datetime.date | None = None,
    ) -> DeployedBill:
        """Prices a stack's state; `planned` is the use that the plan states.

        With `first` the stack has never been deployed whole, and its gates are told that nothing is.
        """
        day = today or datetime.date.today()
        priced = baseline(state, stack=stack, guard=guard, today=day, planned=planned)
        gate = Deployed() if first else priced.deployed
        if priced.estimate is None or not priced.estimate.items:
            return cls(gate=gate)
        totals = priced.estimate.totals
        amounts = Amounts(minimum=cents(totals.minimum), expected=cents(totals.expected), maximum=cents(totals.maximum))
        sums = {name: each.maximum for name, each in shares.by(priced.estimate.items, shares.component).items()}
        return cls(amounts=amounts, components=sums, gate=gate)
