"""Which type a pool gets first: what a node costs by the way that it is bought, and the order from cheapest to dearest.

The pool planner's expectation and the simulation of the autoscaler both take their prices from here, so that a test can
hold one against the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from pricing.book.book import PriceBook
from pricing.capacity.gpus import gpu_type
from pricing.capacity.pool import Buying


def hourly(name: str, buying: Buying, book: PriceBook, *, capacity_block: bool = False) -> Decimal | None:
    """USD an hour for one node of a type; None when its price is not known.

    Spot costs its own price where one is known, and never more than on demand, as AWS caps it there. A reserved node
    costs the fee of a capacity block, or the on-demand rate of a reservation.
    """
    if buying is Buying.RESERVED and capacity_block:
        block = book.capacity_block(name)
        return block.usd if block else None
    on_demand = book.on_demand(name)
    if on_demand is None:
        return None
    on_spot = book.spot(name) if buying is Buying.SPOT else None
    return min(on_spot.usd, on_demand.usd) if on_spot else on_demand.usd


def cheapest_first(
    types: Iterable[str], buying: Buying, book: PriceBook, *, gpus: int, capacity_block: bool = False
) -> tuple[tuple[str, Decimal], ...]:
    """The types on which a pod of that many whole GPUs fits, each with its price (USD an hour), cheapest first.

    Of equal ones the first by name. A type whose price is not known is left out.
    """
    priced = [
        (name, usd)
        for name in types
        if (known := gpu_type(name)) is not None
        and known.gpus >= gpus
        and (usd := hourly(name, buying, book, capacity_block=capacity_block)) is not None
    ]
    return tuple(sorted(priced, key=lambda each: (each[1], each[0])))
