"""What is deployed costs, as a gate needs to know it: how much at most, nothing at all, or that nobody can say.

"Nothing is deployed" and "what is deployed cannot be read" are two answers. The first lets a stack begin anywhere under its
ceiling, the second lets nothing pass that the guard file bounds by what is deployed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

NOTHING_VARIABLE = "MODELYARD_DEPLOYED_NOTHING"
MAXIMUM_VARIABLE = "MODELYARD_DEPLOYED_MAXIMUM_USD"
PARTS_VARIABLE = "MODELYARD_DEPLOYED_PARTS_USD"
"""How whoever starts an engine tells the packs, which see no state: that nothing is deployed; or the maximum, and a JSON map of
`pools` and `teams` with the maximum of each by name."""
VARIABLES = (NOTHING_VARIABLE, MAXIMUM_VARIABLE, PARTS_VARIABLE)

COST, MAXIMUM, PARTS = "cost", "maximumUsd", "parts"
"""Where a stack's outputs hold what it costs."""

_UNREADABLE = "unreadable"
UNTOLD = "nobody has said what is deployed"
"""Why a process that was told nothing does not know."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """The maximum (USD a month) of what is deployed, and those of its `pools` and `teams` by name.

    `maximum` is None when nothing is deployed, or nobody knows. `unreadable` says why nobody knows; it is empty otherwise.
    """

    maximum: Decimal | None = None
    parts: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    unreadable: str = ""

    @classmethod
    def of_outputs(cls, outputs: object) -> Deployed:
        """What a stack's outputs say: a stack without outputs has not been deployed; any other states its cost."""
        if not isinstance(outputs, Mapping):
            return cls(unreadable="the stack's outputs are no map")
        if not outputs:
            return cls()
        cost = outputs.get(COST)
        if not isinstance(cost, Mapping):
            return cls(unreadable=f"the stack has outputs, and no `{COST}` among them")
        return cls._of(cost.get(MAXIMUM), cost.get(PARTS, {}))

    @classmethod
    def of_variables(cls, variables: Mapping[str, str]) -> Deployed:
        """What a process was told; one that was told nothing does not know, and neither does one that was told two things."""
        if not told(variables):
            return cls(unreadable=UNTOLD)
        if NOTHING_VARIABLE in variables:
            contradicted = MAXIMUM_VARIABLE in variables or PARTS_VARIABLE in variables
            return cls(unreadable=f"{NOTHING_VARIABLE} stands beside an amount") if contradicted else cls()
        try:
            parts = json.loads(variables.get(PARTS_VARIABLE, "{}"))
        except ValueError:
            return cls(unreadable=f"{PARTS_VARIABLE} is not JSON")
        return cls._of(variables.get(MAXIMUM_VARIABLE), parts)

    @classmethod
    def _of(cls, maximum: object, parts: object) -> Deployed:
        amount = amount_of(maximum)
        if amount is None:
            return cls(unreadable="the maximum is no amount of money")
        if not isinstance(parts, Mapping):
            return cls(unreadable="the maxima of pools and teams are no map")
        read: dict[str, dict[str, Decimal]] = {}
        for kind, amounts in parts.items():
            if not isinstance(amounts, Mapping):
                return cls(unreadable=f"the maxima of {kind} are no map")
            for name, stated in amounts.items():
                one = amount_of(stated)
                if one is None:
                    return cls(unreadable=f"the maximum of {name} in {kind} is no amount of money")
                read.setdefault(str(kind), {})[str(name)] = one
        return cls(maximum=amount, parts=read)

    def at_most(self, ceiling: Decimal, parts: Mapping[str, Mapping[str, Decimal]]) -> Deployed:
        """The same, no amount above its ceiling; `parts` has the ceilings of `pools` and `teams` by name."""
        if self.maximum is None:
            return self
        lower = {
            kind: {name: min(amount, parts.get(kind, {}).get(name, amount)) for name, amount in amounts.items()}
            for kind, amounts in self.parts.items()
        }
        return replace(self, maximum=min(self.maximum, ceiling), parts=lower)

    def variables(self) -> dict[str, str]:
        """What to tell a process, so that it reads the same again."""
        if self.unreadable:
            return {MAXIMUM_VARIABLE: _UNREADABLE}
        if self.maximum is None:
            return {NOTHING_VARIABLE: "true"}
        parts = {
            kind: {name: format(amount, "f") for name, amount in amounts.items()}
            for kind, amounts in self.parts.items()
        }
        return {MAXIMUM_VARIABLE: format(self.maximum, "f"), PARTS_VARIABLE: json.dumps(parts)}


def told(variables: Mapping[str, str]) -> bool:
    """Whether a process was told anything of what is deployed."""
    return any(name in variables for name in VARIABLES)


def amount_of(value: Any) -> Decimal | None:
    """An amount of money as outputs and plans write it; None when it is none: not finite, below zero, or no number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None
