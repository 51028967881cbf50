"""What a fleet of EC2 machines costs that AWS itself starts: of several types the dearest, and spot at most on demand.

AWS caps a spot price at the on-demand one. CPU credits, detailed monitoring, disks and addresses are lines of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from pricing.items.cost import HOURS_PER_MONTH, ZERO, CostItem
from pricing.items.unpriced import Unpriced
from pricing.meters.compute.credits import Rate, rate
from pricing.meters.meters import Meter, ranged
from pricing.meters.storage.disks import Disk, lines

SURGE_PER_ZONE = 2
"""While EKS updates a node group, it starts up to two more nodes for each of its zones."""
METRICS = 7
"""Metrics of detailed monitoring that AWS's own example counts for a machine (aws.amazon.com/cloudwatch/pricing)."""
METRIC = "cloudwatch/custom-or-detailed-metric"


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Machines of one group: how many at least, as expected and at most, of which types, each with which disks.

    `surge` more run for `updateHours` a month, for the reason `why_surge`; `unlimited` machines may take CPU credits if
    their type is burstable.
    """

    types: tuple[str, ...]
    sizes: tuple[int, int, int]
    disks: tuple[Disk, ...] = ()
    spot: bool = False
    surge: int = 0
    why_surge: str = f"{SURGE_PER_ZONE} more nodes a zone"
    unlimited: bool = True
    monitored: bool = False
    public: bool = False
    assumptions: tuple[str, ...] = ()


def fleet(meter: Meter, asked: Fleet) -> Iterator[CostItem]:
    """The lines of a fleet. Raises Unpriced when the price of a type is not known."""
    if asked.spot:
        meter = replace(meter, book=meter.book.listed)
    top, dearest = _dearest(meter, asked)
    yield _machines(meter, asked, top, dearest)
    hours = Decimal(asked.surge) * meter.usage.update_hours
    if asked.surge:
        yield ranged(
            meter,
            "nodes during updates",
            label=f"{asked.surge} x {top} for {meter.usage.update_hours} h",
            quantity=hours,
            unit="instance-hour",
            price=dearest.price,
            amounts=(ZERO, ZERO, hours * dearest.price.usd),
            assumptions=(f"updateHours: {meter.usage.update_hours} h a month, {asked.why_surge}",),
        )
    least, likely, most = (Decimal(size) for size in asked.sizes)
    each = (least, likely, most + hours / HOURS_PER_MONTH)
    if dearest.credit is not None:
        yield cpu_credits(meter, top, dearest, each[2])
    if asked.monitored:
        yield _each(meter, "detailed monitoring", METRIC, each, times=Decimal(METRICS), unit="metric-month").assuming(
            f"{METRICS} metrics a machine, as AWS's own example counts"
        )
    yield from lines(meter, asked.disks, each)
    if asked.public:
        yield _each(meter, "public IPv4", "vpc/public-ipv4", each, times=HOURS_PER_MONTH, unit="address-hour")


def cpu_credits(meter: Meter, name: str, dearest: Rate, machines: Decimal, what: str = "CPU credits") -> CostItem:
    """The CPU credits of `machines` that run all month, all their vCPUs busy: none as expected. Raises ValueError without."""
    if dearest.credit is None:
        raise ValueError(f"{name} takes no CPU credits")
    hours = machines * dearest.above * HOURS_PER_MONTH
    return ranged(
        meter,
        what,
        label=f"{name} in unlimited mode",
        quantity=hours,
        unit="vCPU-hour",
        price=dearest.credit,
        amounts=(ZERO, ZERO, hours * dearest.credit.usd),
        assumptions=(
            f"at most: all vCPUs busy all month, {dearest.above.normalize():f} vCPUs a node above the baseline",
        ),
    )


def _machines(meter: Meter, asked: Fleet, top: str, dearest: Rate) -> CostItem:
    on_spot = meter.book.spot(top) if asked.spot else None
    price = dearest.price
    usual = min(on_spot.usd, price.usd) if on_spot else price.usd
    least, likely, most = (size * HOURS_PER_MONTH for size in asked.sizes)
    return ranged(
        meter,
        "nodes",
        label=f"{asked.sizes[2]} x {top}",
        quantity=most,
        unit="instance-hour",
        price=price,
        amounts=(least * usual, likely * usual, most * price.usd),
        assumptions=("all of the dearest type" if len(asked.types) > 1 else "one type",)
        + (("at most: on demand, which caps spot",) if asked.spot else ())
        + asked.assumptions,
    )


def _each(
    meter: Meter, what: str, key: str, machines: tuple[Decimal, Decimal, Decimal], *, times: Decimal, unit: str
) -> CostItem:
    """A line of `times` a service for each machine."""
    price = meter.book.service(key)
    if price is None:
        return meter.unpriced(what, f"no price of {key} in {meter.book.region} is on file")
    least, likely, most = (count * times for count in machines)
    amounts = (least * price.usd, likely * price.usd, most * price.usd)
    return ranged(meter, what, label=what, quantity=most, unit=unit, price=price, amounts=amounts)


def _dearest(meter: Meter, asked: Fleet) -> tuple[str, Rate]:
    rates = {name: rate(meter.book, name, unlimited=asked.unlimited) for name in asked.types}
    if unknown := [why for why in rates.values() if isinstance(why, str)]:
        raise Unpriced("; ".join(unknown))
    known = {name: each for name, each in rates.items() if isinstance(each, Rate)}
    top = min(known, key=lambda name: (-known[name].usd, name))
    return top, known[top]
