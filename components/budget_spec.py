"""What a stack, its pools and its teams may cost: one value that the program's gate and the policies both read."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from components.spec import Spec

Usd = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]


class BudgetSpec(Spec):
    """What the environment may cost; the guard file's ceiling can only be lowered here."""

    monthly_usd: Decimal = Field(ge=0, max_digits=12, decimal_places=2)
    """Budget of the whole stack (USD a month of 730 h); 0 where nothing may cost."""
    warn_at_percent: int = Field(default=80, ge=1, le=100)
    """Share of the budget (percent) from which a preview warns."""
    per_pool: dict[str, Usd] = Field(default_factory=dict, max_length=201)
    """Budgets of single pools by name, `general` for the general pool (USD a month)."""
    per_team: dict[str, Usd] = Field(default_factory=dict, max_length=100)
    """Budgets of teams by name: their pools, and all that is shared for the stack's owner (USD a month)."""
