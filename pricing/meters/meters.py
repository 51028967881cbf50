"""What each kind of resource costs, as line items: the one place where a resource meets its prices.

The estimate reads the arguments from a graph, a component's plan reads them from its Spec; both come here, so that they can
only differ in what they read. Free allowances belong to an account, not to a stack, and are not counted.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from pricing.book.book import Price, PriceBook
from pricing.capacity.aws_facts import eks_support
from pricing.items.cost import HOURS_PER_MONTH, ZERO, CostItem
from pricing.items.usage import Usage

DAYS_PER_MONTH = Decimal(30)
STANDARD = "standard"
"""The tier of a control plane that scales by itself and costs nothing beside the cluster."""
GP3_FREE_IOPS, GP3_FREE_THROUGHPUT = 3000, 125
"""What every gp3 volume includes: IOPS and MiB/s."""


@dataclass(frozen=True, kw_only=True)
class Meter:
    """One resource that may cost: what it belongs to, its logical name, and the prices and usage that hold for it."""

    component: str
    name: str
    book: PriceBook
    usage: Usage
    today: datetime.date

    def role(self, what: str) -> str:
        """The line's role: the resource's name and what of it is paid."""
        return f"{self.name}: {what}"

    def fixed(
        self, what: str, key: str, quantity: Decimal, unit: str, *, label: str = "", assumptions: tuple[str, ...] = ()
    ) -> CostItem:
        """A line that costs the same whatever happens, `quantity` of the service `key` a month."""
        price = self.book.service(key)
        return CostItem.steady(
            component=self.component,
            role=self.role(what),
            label=label or what,
            quantity=quantity,
            unit=unit,
            price=price,
            assumptions=self._tiered(key) if price else (f"no price of {key} in {self.book.region} is on file",),
        ).assuming(*assumptions)

    def hours(self, what: str, key: str, count: int = 1, *, unit: str = "hour", label: str = "") -> CostItem:
        """A line of `count` things that are paid every hour of the month."""
        return self.fixed(what, key, HOURS_PER_MONTH * count, unit, label=label)

    def used(self, what: str, key: str, amount: Decimal, unit: str, why: str) -> CostItem:
        """A line that is paid by use: nothing at least, `amount` as expected, the usage's peak at most."""
        price = self.book.service(key)
        most = self.usage.peak(amount)
        if price is None:
            return self.unpriced(what, f"no price of {key} in {self.book.region} is on file", most, unit)
        return CostItem(
            component=self.component,
            role=self.role(what),
            label=what,
            quantity=most,
            unit=unit,
            unit_price=price,
            minimum=ZERO,
            expected=amount * price.usd,
            maximum=most * price.usd,
            assumptions=(f"{why}; at most {self.usage.peak_percent} % of it", *self._tiered(key)),
        )

    def _tiered(self, key: str) -> tuple[str, ...]:
        """Says that a price falls with the amount, where it does: what else the account uses is not known here."""
        tiers = {tier.price.usd for tier in self.book.tiers.get(key, ())}
        return ("all of it at the dearest of its tiers",) if len(tiers) > 1 else ()

    def unpriced(self, what: str, why: str, quantity: Decimal = ZERO, unit: str = "") -> CostItem:
        """A line whose cost nobody can state, and why."""
        return CostItem.steady(
            component=self.component,
            role=self.role(what),
            label=what,
            quantity=quantity,
            unit=unit,
            price=None,
            assumptions=(why,),
        )


def control_plane(meter: Meter, version: str, tier: str = STANDARD) -> Iterator[CostItem]:
    """An EKS cluster's hours: the standard rate, or six times as much once its version is in extended support.

    A provisioned `tier` (`tier-xl`) is paid beside it.
    """
    support = eks_support(version)
    if support is None:
        yield meter.unpriced("control plane", f"nobody says until when Kubernetes {version} is in standard support")
        return
    extended = meter.today > support.standard_ends
    kind = "extended" if extended else "standard"
    yield meter.hours(
        "control plane",
        "eks/control-plane-extended-support" if extended else "eks/control-plane",
        unit="cluster-hour",
        label=f"Kubernetes {version}, {kind} support",
    ).assuming(f"standard support of {version} ends on {support.standard_ends.isoformat()}")
    if tier != STANDARD:
        yield meter.hours("provisioned control plane", f"eks/control-plane-{tier}", unit="cluster-hour", label=tier)


def nat_gateway(meter: Meter, zones: int = 1) -> Iterator[CostItem]:
    """A NAT gateway: its hours, in each of its zones when it is a regional one, and the data that it processes."""
    yield meter.hours("hours", "nat-gateway/hour", zones)
    gigabytes = meter.usage.nat_gb
    yield meter.used("data", "nat-gateway/data", Decimal(gigabytes), "GB", f"natGb: {gigabytes} GB a month")


def public_address(meter: Meter, count: int = 1) -> Iterator[CostItem]:
    """Public IPv4 addresses, paid whether used or idle."""
    yield meter.hours("public IPv4", "vpc/public-ipv4", count, unit="address-hour")


def interface_endpoint(meter: Meter, zones: int) -> Iterator[CostItem]:
    """An interface endpoint: its hours in each zone, and its data."""
    yield meter.hours("hours", "privatelink/interface-endpoint", zones, unit="endpoint-hour per AZ")
    gigabytes = meter.usage.endpoint_gb
    key = "privatelink/interface-endpoint-data"
    yield meter.used("data", key, Decimal(gigabytes), "GB", f"endpointGb: {gigabytes} GB a month")


def log_group(meter: Meter, retention_days: int) -> Iterator[CostItem]:
    """A log group: what is written a month, and what is kept for `retention_days` once that time has passed."""
    gigabytes = Decimal(meter.usage.log_gb)
    why = f"logGb: {gigabytes} GB a month"
    yield meter.used("ingestion", "cloudwatch-logs/ingestion", gigabytes, "GB", why)
    kept = gigabytes * retention_days / DAYS_PER_MONTH
    yield meter.used("storage", "cloudwatch-logs/storage", kept, "GB-month", f"{why}, kept {retention_days} days")


def queue(meter: Meter, *, fifo: bool = False) -> Iterator[CostItem]:
    """A queue, paid by requests alone."""
    requests = meter.usage.queue_requests
    amount = Decimal(requests) / 1_000_000
    key = "sqs/fifo-requests" if fifo else "sqs/standard-requests"
    yield meter.used("requests", key, amount, "1000000 requests", f"queueRequests: {requests} a month")


def bucket(meter: Meter) -> Iterator[CostItem]:
    """A bucket: what lies in it, all of it in Standard, and requests, all of them at the price of writes."""
    gigabytes, requests = meter.usage.bucket_gb, meter.usage.bucket_requests
    yield meter.used("storage", "s3-standard/storage", Decimal(gigabytes), "GB-month", f"bucketGb: {gigabytes} GB")
    amount = Decimal(requests) / 1000
    why = f"bucketRequests: {requests} a month, all of them writes"
    yield meter.used("requests", "s3-standard/writes", amount, "1000 requests", why)


def load_balancer(meter: Meter, kind: str, public_addresses: int) -> Iterator[CostItem]:
    """An application (`alb`) or network (`nlb`) load balancer: hours, capacity units and its public addresses."""
    yield meter.hours("hours", f"{kind}/hour")
    units = meter.usage.load_balancer_units
    amount = HOURS_PER_MONTH * units
    yield meter.used("capacity units", f"{kind}/capacity-unit", amount, "unit-hour", f"loadBalancerUnits: {units}")
    if public_addresses:
        yield from public_address(meter, public_addresses)


def data_transfer(meter: Meter) -> Iterator[CostItem]:
    """What the whole stack sends between zones (paid on both sides) and to the internet."""
    between, out = meter.usage.zone_gb, meter.usage.internet_gb
    twice = Decimal(between) * 2
    why = f"zoneGb: {between} GB a month, paid on both sides"
    yield meter.used("data between zones", "data-transfer/between-zones", twice, "GB", why)
    why = f"internetGb: {out} GB a month"
    yield meter.used("data to the internet", "data-transfer/internet", Decimal(out), "GB", why)


def budget_action(meter: Meter) -> Iterator[CostItem]:
    """A budget that acts: an account has two for nothing, and nobody here knows how many others there are."""
    amount = HOURS_PER_MONTH / 24
    why = "free as one of the account's first two, paid by the day otherwise"
    yield at_most(meter, "action", "aws-budgets/action-enabled-budget", amount, "budget-day", why)


def own_cluster(meter: Meter) -> Iterator[CostItem]:
    """A cluster outside AWS: whoever brings it pays for it, so that a bill of AWS's prices has one line of nothing."""
    price = Price(
        usd=ZERO, unit="month", source="no AWS in the stack", as_of="", confidence="derived", region=meter.book.region
    )
    yield CostItem.steady(
        component=meter.component,
        role=meter.role("cluster of one's own"),
        label="not rented from AWS",
        quantity=Decimal(1),
        unit="month",
        price=price,
        assumptions=("machines, volumes and power are paid by whoever brings the cluster",),
    )


def at_most(meter: Meter, what: str, key: str, amount: Decimal, unit: str, why: str) -> CostItem:
    """A line that is not expected, and comes to `amount` at most."""
    price = meter.book.service(key)
    if price is None:
        return meter.unpriced(what, f"no price of {key} in {meter.book.region} is on file", amount, unit)
    amounts = (ZERO, ZERO, amount * price.usd)
    return ranged(meter, what, label=what, quantity=amount, unit=unit, price=price, amounts=amounts, assumptions=(why,))


def ranged(
    meter: Meter,
    what: str,
    *,
    label: str,
    quantity: Decimal,
    unit: str,
    price: Price,
    amounts: tuple[Decimal, Decimal, Decimal],
    assumptions: tuple[str, ...] = (),
) -> CostItem:
    """A line with its three amounts worked out already."""
    least, likely, most = amounts
    return CostItem(
        component=meter.component,
        role=meter.role(what),
        label=label,
        quantity=quantity,
        unit=unit,
        unit_price=price,
        minimum=least,
        expected=likely,
        maximum=most,
        assumptions=assumptions,
    )
