"""What a node costs by the way that it is bought.

The pool planner's expectation and the simulation of the autoscaler both take their prices from here, so that a test can
hold one against the other.
"""

from __future__ import annotations

from decimal import Decimal

from pricing.book.book import PriceBook
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
