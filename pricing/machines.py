"""What EC2 machines cost when AWS itself starts them: instances, node groups, auto-scaling groups, capacity reservations.

How a machine is bought, its type and its disks may stand in the group or in its launch template; both are read. Of several
types the dearest is taken, and on-demand prices bound spot, as AWS caps a spot price there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from pricing.book import ON_DEMAND, Price
from pricing.cost import HOURS_PER_MONTH, ZERO, CostItem
from pricing.graph import UNKNOWN, Node, Value
from pricing.meters import Meter, disks, public_address, ranged
from pricing.nodepools import Unpriced, volumes

SURGE_PER_ZONE = 2
"""While EKS updates a node group, it starts up to two more nodes for each of its zones."""


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Machines of one group: how many at least, as expected and at most, of which types, with which disks (GiB each)."""

    types: tuple[str, ...]
    sizes: tuple[int, int, int]
    disk_gib: int
    spot: bool = False
    surge: int = 0


def fleet(meter: Meter, asked: Fleet) -> Iterator[CostItem]:
    """The lines of a fleet: its machines, their disks, and the machines beside them while it is updated."""
    if asked.spot:
        meter = replace(meter, book=meter.book.listed)
    top, price = _dearest(meter, asked.types)
    on_spot = meter.book.spot(top) if asked.spot else None
    usual = min(on_spot.usd, price.usd) if on_spot else price.usd
    least, likely, most = (Decimal(size) for size in asked.sizes)
    yield ranged(
        meter,
        "nodes",
        label=f"{asked.sizes[2]} x {top}",
        quantity=most * HOURS_PER_MONTH,
        unit="instance-hour",
        price=price,
        amounts=(
            least * usual * HOURS_PER_MONTH,
            likely * usual * HOURS_PER_MONTH,
            most * price.usd * HOURS_PER_MONTH,
        ),
        assumptions=("all of the dearest type" if len(asked.types) > 1 else "one type",)
        + (("at most: on demand, which caps spot",) if asked.spot else ()),
    )
    surge = Decimal(asked.surge)
    hours = surge * meter.usage.update_hours
    if surge:
        yield ranged(
            meter,
            "nodes during updates",
            label=f"{asked.surge} x {top} for {meter.usage.update_hours} h",
            quantity=hours,
            unit="instance-hour",
            price=price,
            amounts=(ZERO, ZERO, hours * price.usd),
            assumptions=(f"updateHours: {meter.usage.update_hours} h a month, {SURGE_PER_ZONE} more nodes a zone",),
        )
    if asked.disk_gib:
        yield from disks(meter, asked.disk_gib, (least, likely, most + hours / HOURS_PER_MONTH))


def node_group(meter: Meter, node: Node, template: Node | None) -> Iterator[CostItem]:
    """An EKS node group. Without a launch template it takes its own disk size, which EKS makes 20 GiB."""
    try:
        types = _names(node.read("instanceTypes")) or _names(_of(template, "instanceType")) or ("t3.medium",)
        low, likely, high = (_whole(node, "scalingConfig", key) for key in ("minSize", "desiredSize", "maxSize"))
        if node.read("launchTemplate") is not None and template is None:
            raise Unpriced("the launch template, which says how large the nodes' disks are, is not declared here")
        gib = volumes(template.read("blockDeviceMappings")) if template else _disk_size(node)
        zones = node.read("subnetIds")
        if not isinstance(zones, tuple):
            raise Unpriced("the number of the group's subnets is not known")
        buying = node.read("capacityType")
        asked = Fleet(
            types=types,
            sizes=_ordered(low, likely, high),
            disk_gib=gib,
            spot=buying == "SPOT" or _of(template, "instanceMarketOptions") is not None,
            surge=SURGE_PER_ZONE * len(zones),
        )
        yield from fleet(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def scaling_group(meter: Meter, node: Node, template: Node | None) -> Iterator[CostItem]:
    """An auto-scaling group whose launch template names one type."""
    try:
        if node.read("mixedInstancesPolicy") is not None:
            raise Unpriced("an auto-scaling group of mixed types is not priced")
        if template is None:
            raise Unpriced("the launch template of the group is not declared here")
        types = _names(template.read("instanceType"))
        if not types:
            raise Unpriced("the launch template names no instance type")
        low, high = _whole(node, "minSize"), _whole(node, "maxSize")
        wanted = node.read("desiredCapacity")
        likely = low if wanted is None else _whole(node, "desiredCapacity")
        spot = template.read("instanceMarketOptions") is not None
        gib = volumes(template.read("blockDeviceMappings"))
        yield from fleet(meter, Fleet(types=types, sizes=_ordered(low, likely, high), disk_gib=gib, spot=spot))
        yield from public_address(meter, high)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def instance(meter: Meter, node: Node, template: Node | None) -> Iterator[CostItem]:
    """One instance, with a public address unless it says that it has none."""
    try:
        types = _names(node.read("instanceType")) or _names(_of(template, "instanceType"))
        if not types:
            raise Unpriced("the instance type is not known")
        root = node.read("rootBlockDevice")
        extra = node.read("ebsBlockDevices")
        given = [{"ebs": each} for each in (root, *(extra if isinstance(extra, tuple) else ())) if each is not None]
        if not given:
            raise Unpriced("the size of the instance's disk is not said")
        spot = node.read("instanceMarketOptions") is not None or node.type.endswith(":SpotInstanceRequest")
        yield from fleet(meter, Fleet(types=types, sizes=(1, 1, 1), disk_gib=volumes(tuple(given)), spot=spot))
        if node.read("associatePublicIpAddress") is not False:
            yield from public_address(meter)
    except Unpriced as why:
        yield meter.unpriced("instance", str(why))


def capacity_reservation(meter: Meter, node: Node) -> Iterator[CostItem]:
    """Reserved capacity, paid at the on-demand rate whether used or not."""
    try:
        types, count = _names(node.read("instanceType")), _whole(node, "instanceCount")
        if not types:
            raise Unpriced("the instance type is not known")
        yield from fleet(meter, Fleet(types=types, sizes=(count, count, count), disk_gib=0))
    except Unpriced as why:
        yield meter.unpriced("reservation", str(why))


def volume(meter: Meter, node: Node) -> Iterator[CostItem]:
    """One EBS volume."""
    try:
        read = {"volumeSize": node.read("size"), "volumeType": node.read("type")}
        speed = {key: node.read(key) for key in ("iops", "throughput") if node.read(key) is not None}
        gib = volumes(({"ebs": {**read, **speed}},))
        yield from disks(meter, gib, (Decimal(1), Decimal(1), Decimal(1)), what="volume")
    except Unpriced as why:
        yield meter.unpriced("volume", str(why))


def _dearest(meter: Meter, types: Sequence[str]) -> tuple[str, Price]:
    prices = {name: meter.book.on_demand(name) for name in types}
    if unknown := [name for name, price in prices.items() if price is None]:
        raise Unpriced("; ".join(meter.book.why_unknown(ON_DEMAND, name) for name in unknown))
    known = {name: price for name, price in prices.items() if price is not None}
    top = min(known, key=lambda name: (-known[name].usd, name))
    return top, known[top]


def _of(template: Node | None, key: str) -> Value:
    return None if template is None else template.read(key)


def _names(value: Value) -> tuple[str, ...]:
    if value is UNKNOWN or (isinstance(value, tuple) and UNKNOWN in value):
        raise Unpriced("the instance types are not known")
    found = (value,) if isinstance(value, str) else value if isinstance(value, tuple) else ()
    return tuple(str(each) for each in found)


def _whole(node: Node, *path: str) -> int:
    value = node.read(*path)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unpriced(f"{'.'.join(path)} is no known whole number")
    return value


def _ordered(low: int, likely: int, high: int) -> tuple[int, int, int]:
    if not low <= likely <= high:
        raise Unpriced("the sizes of the group are out of order")
    return low, likely, high


def _disk_size(node: Node) -> int:
    size = node.read("diskSize")
    return 20 if size is None else _whole(node, "diskSize")
