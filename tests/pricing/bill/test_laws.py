"""Laws of a bill: more never costs less, shares add up to the total, and a large graph takes little memory."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from decimal import Decimal
from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from pricing.bill import breakdown as shares
from pricing.bill.estimate import Estimate, estimate
from pricing.book.book import PriceBook
from pricing.items.cost import Totals, totals
from pricing.items.graph import Graph
from tests.pricing.bill.test_estimate import (
    BOOK,
    CLASS,
    NODE_CLASS,
    TODAY,
    USAGE,
    _bill,
    _graph,
    group,
    node_pool,
    template,
)


def _dearer(book: PriceBook, percent: int) -> PriceBook:
    raised = {name: replace(price, usd=price.usd * percent / 100) for name, price in book.on_demand_prices.items()}
    tiers = {
        key: tuple(replace(tier, price=replace(tier.price, usd=tier.price.usd * percent / 100)) for tier in found)
        for key, found in book.tiers.items()
    }
    return replace(book, on_demand_prices=MappingProxyType(raised), tiers=MappingProxyType(tiers))


def _sums(bill: Estimate) -> tuple[Decimal, Decimal, Decimal]:
    return bill.totals.minimum, bill.totals.expected, bill.totals.maximum


def _sized(nodes: int, disk: int, gpus: int, cpus: int, log_gb: int, book: PriceBook = BOOK) -> Estimate:
    disks = [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": disk, "volumeType": "gp3"}}]
    sizes = {"minSize": nodes, "desiredSize": nodes, "maxSize": nodes}
    return _bill(
        template(blockDeviceMappings=disks),
        group(scalingConfig=sizes),
        (NODE_CLASS, {"metadata": {"name": "chat"}, "spec": {"amiFamily": "AL2023", "blockDeviceMappings": disks}}),
        node_pool(limits={"nvidia.com/gpu": str(gpus)}, types=["g6.xlarge", "g6.12xlarge", "g5.xlarge"]),
        node_pool(limits={"cpu": str(cpus)}, types=["m7g.large", "m7g.2xlarge"], buying="on-demand"),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}),
        usage=replace(USAGE, log_gb=log_gb),
        book=book,
    )


sizes = st.tuples(
    st.integers(0, 50), st.integers(1, 2000), st.integers(0, 400), st.integers(0, 400), st.integers(0, 10_000)
)


@given(sizes, st.integers(0, 4), st.integers(1, 40))
def test_more_replicas_disk_limits_or_use_never_cost_less(
    size: tuple[int, int, int, int, int], which: int, more: int
) -> None:
    one, two, three, four, five = (each + more * (which == place) for place, each in enumerate(size))
    before, after = _sums(_sized(*size)), _sums(_sized(one, two, three, four, five))
    assert all(low <= high for low, high in zip(before, after, strict=True))


@given(sizes, st.integers(101, 400))
def test_dearer_prices_never_make_a_bill_cheaper(size: tuple[int, int, int, int, int], percent: int) -> None:
    before, after = _sums(_sized(*size)), _sums(_sized(*size, book=_dearer(BOOK, percent)))
    assert all(low <= high for low, high in zip(before, after, strict=True))


@given(sizes)
def test_shares_add_up_to_the_total_and_the_amounts_are_in_order(size: tuple[int, int, int, int, int]) -> None:
    bill = _sized(*size)
    minimum, expected, maximum = _sums(bill)
    assert Decimal(0) <= minimum <= expected <= maximum
    for key in (shares.component, shares.pool, lambda item: item.role[:3]):
        parts = shares.by(bill.items, key)
        # Decimal keeps 28 digits, and which ones are lost depends on the order in which lines are added.
        whole = zip(_added(parts), (minimum, expected, maximum), strict=True)
        assert all(abs(added - once) < Decimal("1e-18") for added, once in whole)


def _added(parts: dict[str, Totals]) -> tuple[Decimal, Decimal, Decimal]:
    sums = list(parts.values())
    return (
        sum((totals.minimum for totals in sums), Decimal(0)),
        sum((totals.expected for totals in sums), Decimal(0)),
        sum((totals.maximum for totals in sums), Decimal(0)),
    )


def test_an_unpriced_line_stays_in_its_share() -> None:
    bill = _bill(("aws:sagemaker/endpoint:Endpoint", {}), ("aws:ec2/eip:Eip", {}))
    parts = shares.by(bill.items, shares.component)
    assert sum(len(part.unpriced) for part in parts.values()) == len(totals(bill.items).unpriced) == 1


def ten_thousand() -> Graph:
    """A graph of 10,000 resources, most of which cost something."""
    parts = [
        CLASS,
        node_pool(),
        ("aws:ec2/natGateway:NatGateway", {}),
        ("aws:kms/key:Key", {}),
        ("aws:iam/role:Role", {}),
    ]
    return _graph(*(part for _ in range(2000) for part in parts))


def test_ten_thousand_resources_are_estimated_in_little_memory() -> None:
    graph = ten_thousand()
    tracemalloc.start()
    bill = estimate(graph, BOOK, TODAY, USAGE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(bill.items) == 2000 * (3 + 2 + 2) and peak < 300 * 1024 * 1024


if __name__ == "__main__":
    big = ten_thousand()
    started = time.perf_counter()
    estimate(big, BOOK, TODAY, USAGE)
    print(f"{time.perf_counter() - started:.2f} s")
