"""Line items of a bill as plain values, and their sums; what has no price is listed as such and never adds up as zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from pricing.book.book import Price

HOURS_PER_MONTH = Decimal(730)
CENT = Decimal("0.01")
ZERO = Decimal(0)


def cents(amount: Decimal) -> Decimal:
    """The amount in whole cents, half a cent rounded up; only what is shown is rounded, sums are not."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, kw_only=True)
class CostItem:
    """One line of a monthly bill in USD: what it is, how much of it, at which price, and at least/likely/at most.

    `component` is the URN or name of what causes the cost and `role` the part inside it. The three amounts are either
    all known or all None (unpriced); known ones satisfy 0 <= minimum <= expected <= maximum, else ValueError.
    """

    component: str
    role: str
    label: str
    quantity: Decimal
    unit: str
    unit_price: Price | None
    minimum: Decimal | None
    expected: Decimal | None
    maximum: Decimal | None
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        amounts = (self.minimum, self.expected, self.maximum)
        known = [amount for amount in amounts if amount is not None]
        if len(known) not in (0, len(amounts)) or (known and self.unit_price is None):
            raise ValueError(f"{self.component} {self.role}: amounts are all known with a price, or all unknown")
        if any(not amount.is_finite() for amount in (self.quantity, *known)) or sorted([ZERO, *known]) != [
            ZERO,
            *known,
        ]:
            raise ValueError(f"{self.component} {self.role}: 0 <= minimum <= expected <= maximum does not hold")
        if self.quantity < 0:
            raise ValueError(f"{self.component} {self.role}: the quantity is negative")

    @classmethod
    def steady(
        cls,
        *,
        component: str,
        role: str,
        label: str,
        quantity: Decimal,
        unit: str,
        price: Price | None,
        assumptions: tuple[str, ...] = (),
    ) -> CostItem:
        """An item that costs the same whatever happens; without a price it is unpriced."""
        amount = None if price is None else quantity * price.usd
        return cls(
            component=component,
            role=role,
            label=label,
            quantity=quantity,
            unit=unit,
            unit_price=price,
            minimum=amount,
            expected=amount,
            maximum=amount,
            assumptions=assumptions,
        )

    def assuming(self, *more: str) -> CostItem:
        """The item with further assumptions."""
        return replace(self, assumptions=(*self.assumptions, *more)) if more else self

    @property
    def priced(self) -> bool:
        """Whether the amounts are known."""
        return self.maximum is not None

    def as_dict(self) -> dict[str, object]:
        """The item for a machine: camelCase, amounts as decimal strings, null where unpriced."""
        price = self.unit_price
        return {
            "component": self.component,
            "role": self.role,
            "label": self.label,
            "quantity": format(self.quantity, "f"),
            "unit": self.unit,
            "unitPriceUsd": None if price is None else format(price.usd, "f"),
            "priceAsOf": None if price is None else price.as_of,
            "priceSource": None if price is None else price.source,
            "minimumUsd": _text(self.minimum),
            "expectedUsd": _text(self.expected),
            "maximumUsd": _text(self.maximum),
            "assumptions": list(self.assumptions),
        }


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Sums over the priced items in USD a month, and the items that could not be priced."""

    minimum: Decimal
    expected: Decimal
    maximum: Decimal
    unpriced: tuple[CostItem, ...]

    @property
    def complete(self) -> bool:
        """Whether every item was priced; when not, the sums are lower bounds and a gate must not rest on them."""
        return not self.unpriced


def totals(items: Iterable[CostItem]) -> Totals:
    """The sums over all priced items, with the rest listed in the order given."""
    minimum = expected = maximum = ZERO
    unpriced: list[CostItem] = []
    for item in items:
        if item.minimum is None or item.expected is None or item.maximum is None:
            unpriced.append(item)
            continue
        minimum += item.minimum
        expected += item.expected
        maximum += item.maximum
    return Totals(minimum=minimum, expected=expected, maximum=maximum, unpriced=tuple(unpriced))


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")
