"""What the tests ask of a pool as a whole."""

from __future__ import annotations

from core.problem import Problem, Refused
from pricing.book.book import PriceBook
from pricing.capacity.pool import PoolAsk, PoolBound
from pricing.capacity.pool_plan import pool_bound, share_items
from pricing.items.cost import CostItem


def problems_of(ask: PoolAsk, book: PriceBook) -> tuple[Problem, ...]:
    """Every reason why the pool cannot work; empty when it can."""
    try:
        pool_bound(ask, book)
    except Refused as refused:
        return refused.problems
    return ()


def items_of(ask: PoolAsk, bound: PoolBound, book: PriceBook) -> list[CostItem]:
    """The bill of a pool whose prices are all known, for each of its NodePools."""
    items = [each for share in bound.shares for each in share_items("pool", ask, share, book)]
    priced = [item for item in items if isinstance(item, CostItem)]
    assert priced == items
    return priced
