"""Reads products of the AWS Price List: which of them is meant, in which unit it is paid, and that it has one price.

An answer that names no price, or a price of zero, another currency or another unit than expected is refused: a wrong price
is worse than an old one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from core.problem import Problem, Refused

HOUR, GB, GB_MONTH, REQUEST, THING, VCPU_HOUR = "hour", "GB", "GB-month", "requests", "thing", "vCPU-hour"
UNITS: Mapping[str, frozenset[str]] = {
    HOUR: frozenset({"hrs", "hours", "hour"}),
    GB: frozenset({"gb", "gigabytes"}),
    GB_MONTH: frozenset({"gb-mo", "gb-month", "gb-months"}),
    REQUEST: frozenset({"requests", "request", "api requests", "api request", "api calls", "count"}),
    VCPU_HOUR: frozenset({"vcpu-hours", "vcpu-hour"}),
    THING: frozenset({"keys", "key", "secrets", "secret", "months", "month"}),
}
"""What is counted -> how the Price List spells it, in lower case."""

LINUX: Mapping[str, str] = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
}
"""The attributes of an on-demand instance as the book means it."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One key of the book: the products to ask for, which of them is meant, what it counts, and `times` its unit is ours.

    `usage` is a pattern of the usage type without the region's prefix. `region_field` is the attribute that holds the region.
    """

    key: str
    service: str
    family: str
    counts: str
    usage: str = ""
    attributes: Mapping[str, str]
    times: int = 1
    region_field: str = "regionCode"

    def filters(self, region: str) -> dict[str, str]:
        """What the Price List is asked for."""
        return {"productFamily": self.family, self.region_field: region, **self.attributes}

    def meant(self, product: Mapping[str, Any]) -> bool:
        """Whether a product of the answer is this one."""
        usage = str(product["product"].get("attributes", {}).get("usagetype", ""))
        return not self.usage or re.search(rf"(?:^|-){self.usage}$", usage) is not None


@dataclass(frozen=True, kw_only=True)
class Rate:
    """USD for one of ours from `above` on, up to `up_to` (None: no end), both in the Price List's units."""

    usd: Decimal
    above: Decimal
    up_to: Decimal | None


def wanted(key: str, products: Sequence[Mapping[str, Any]], want: Wanted) -> tuple[Rate, ...]:
    """The tiers of one key, empty when no product is meant. Raises Refused when they disagree or cannot be read."""
    different = {rates(key, product, want.counts, want.times) for product in products if want.meant(product)}
    if len(different) > 1:
        raise _refused(key, "the Price List has several prices for it", f"{len(different)} that differ")
    return next(iter(different), ())


def instances(products: Sequence[Mapping[str, Any]]) -> dict[str, Decimal]:
    """USD an hour of each instance type. Raises Refused for a type whose price cannot be read, or that has two."""
    amounts: dict[str, Decimal] = {}
    for product in products:
        name = str(product["product"]["attributes"]["instanceType"])
        (rate, *more) = rates(name, product, HOUR)
        if more or amounts.setdefault(name, rate.usd) != rate.usd:
            raise _refused(name, "the Price List has several prices for it", "two that differ")
    return amounts


def rates(name: str, product: Mapping[str, Any], counts: str, times: int = 1) -> tuple[Rate, ...]:
    """The on-demand tiers of one product, lowest first. Raises Refused for what is no price in USD for `counts`."""
    found = sorted(_rates(name, product, counts, times), key=lambda rate: rate.above)
    if not found:
        raise _refused(name, "the Price List has no on-demand price for it", "none")
    if not any(rate.usd for rate in found):
        raise _refused(name, "the Price List says that it costs nothing", "0 USD")
    return tuple(found)


def _rates(name: str, product: Mapping[str, Any], counts: str, times: int) -> Iterator[Rate]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            unit = str(dimension.get("unit", ""))
            if unit.lower() not in UNITS[counts]:
                raise _refused(name, "the Price List counts it in another unit", unit or "nothing", counts)
            prices = dimension.get("pricePerUnit", {})
            usd = _number(prices.get("USD"))
            if usd is None or usd < 0:
                raise _refused(name, "this is no price in USD", ", ".join(sorted(prices)) or "nothing", "USD")
            end = dimension.get("endRange", "Inf")
            yield Rate(
                usd=(usd * times).normalize(),
                above=_number(dimension.get("beginRange", "0")) or Decimal(0),
                up_to=None if end == "Inf" else _number(end),
            )


def _number(text: object) -> Decimal | None:
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _refused(name: str, summary: str, found: str, allowed: str = "") -> Refused:
    return Refused(
        Problem(
            summary=summary,
            where=name,
            found=found,
            allowed=allowed,
            fix="leave its service out with --services; the price on file then stays, with its day",
        )
    )
