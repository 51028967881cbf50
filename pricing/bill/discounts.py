"""Rates below the list price, which only the guard file grants: a private rate, or a savings plan as a percentage.

A rule lowers a price and never raises one, and of several that fit the largest holds, so that rules never add up by
accident. Spot, and the most that a spot node can cost, stay at list prices: no discount covers them. A pool's limits are
compiled at list prices too, so that a rule that ends moves a bill and no nodes.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from pricing.book.book import Price, PriceBook, Tier

EC2 = "ec2"
"""The service under which machines stand; every other service is the first part of its key (`nat-gateway/hour`)."""
HUNDRED = Decimal(100)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Discount:
    """`percent` off every price of a service, or of one `family` of it, until `expires` (the last day that it holds).

    `family` is of EC2 the part of a type before the dot (`g5`), of another service the rest of its key (`data`); empty
    means all of the service.
    """

    service: str
    percent: Decimal
    owner: str
    reason: str
    expires: datetime.date
    family: str = ""

    def fits(self, service: str, family: str, today: datetime.date) -> bool:
        """Whether it holds for such a price on a day."""
        return self.service == service and self.family in ("", family) and today <= self.expires

    def text(self) -> str:
        """The rule as an assumption beside a price."""
        what = f"{self.service} {self.family}".strip()
        return f"{self.percent:f} % off {what} until {self.expires.isoformat()}: {self.reason} ({self.owner})"


def discounted(book: PriceBook, rules: Sequence[Discount], today: datetime.date) -> PriceBook:
    """The book with every price lowered by the largest rule that holds for it; the same book when none does.

    Its version names the rules, so that a plan made with other rules is told apart.
    """
    holding = [rule for rule in rules if today <= rule.expires]
    if not holding:
        return book
    named = hashlib.sha256("\n".join(sorted(rule.text() for rule in holding)).encode()).hexdigest()[:8]

    def lowered(price: Price, service: str, family: str) -> Price:
        rule = max(
            (rule for rule in holding if rule.fits(service, family, today)),
            key=lambda rule: (rule.percent, rule.text()),
            default=None,
        )
        if rule is None:
            return price
        return replace(price, usd=price.usd * (HUNDRED - rule.percent) / HUNDRED, discount=rule.text())

    return replace(
        book,
        version=f"{book.version}-{named}",
        on_demand_prices=_each(book.on_demand_prices, lambda name, price: lowered(price, EC2, name.partition(".")[0])),
        tiers=_each(book.tiers, lambda key, tiers: tuple(_tier(tier, lowered, *key.split("/", 1)) for tier in tiers)),
        list_prices=book,
    )


def _each(prices: Mapping[str, T], change: Callable[[str, T], T]) -> Mapping[str, T]:
    return MappingProxyType({name: change(name, price) for name, price in prices.items()})


def _tier(tier: Tier, lowered: Callable[[Price, str, str], Price], service: str, family: str) -> Tier:
    return replace(tier, price=lowered(tier.price, service, family))
