"""What burstable machines cost above their hourly price: CPU credits, which AWS sells to them without asking.

t3, t3a and t4g start in unlimited mode. The price covers a share of each vCPU, the baseline; what a machine takes above it
is paid by the vCPU-hour. So a machine that is busy all month takes `vCPUs x (1 - baseline)` each hour at most.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from pricing.book import facts
from pricing.book.book import ON_DEMAND, Price, PriceBook
from pricing.capacity.gpus import shape
from pricing.items.cost import ZERO

_BURSTABLE = re.compile(r"(t\d[a-z]*)\.([a-z0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One machine an hour, in USD: its price, and at most its CPU credits, `above` vCPUs at the price of `credit`."""

    price: Price
    above: Decimal = ZERO
    credit: Price | None = None

    @property
    def credits_usd(self) -> Decimal:
        """USD an hour of CPU credits at most."""
        return self.above * self.credit.usd if self.credit else ZERO

    @property
    def usd(self) -> Decimal:
        """USD an hour at most."""
        return self.price.usd + self.credits_usd


def rate(book: PriceBook, instance_type: str, *, unlimited: bool = True) -> Rate | str:
    """What a machine costs an hour on demand, or in one clause why that is not known.

    `unlimited` is whether it may take CPU credits, should its type be burstable.
    """
    price = book.on_demand(instance_type)
    if price is None:
        return book.why_unknown(ON_DEMAND, instance_type)
    burstable = _BURSTABLE.fullmatch(instance_type)
    if burstable is None or not unlimited:
        return Rate(price=price)
    family, size = burstable.groups()
    known, credit, machine = facts.load("burstable"), book.service(f"cpu-credits/{family}"), shape(instance_type)
    if family not in known["families"] or size not in known["baseline"] or machine is None:
        return f"nobody has said what share of its vCPUs the price of {instance_type} covers"
    if credit is None:
        return f"no price of the CPU credits of {family} in {book.region} is on file"
    above = machine.vcpus * Decimal(100 - known["baseline"][size]) / 100
    return Rate(price=price, above=above, credit=credit)
