"""What EBS volumes cost: storage of each type, and the IOPS and throughput that are provisioned beyond what a type includes.

Sources: Amazon EBS user guide, "Amazon EBS volume types", and EBS pricing (not opened). gp3 includes 3,000 IOPS and
125 MiB/s whatever its size; io1 and io2 include none. `standard` volumes are paid by I/O, which nobody states.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pricing.items.cost import CostItem
from pricing.items.graph import Node, Value
from pricing.items.quantity import gibibytes
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import GP3_FREE_IOPS, GP3_FREE_THROUGHPUT, Meter, ranged

PLAIN, PROVISIONED = ("gp2", "gp3", "sc1", "st1"), ("io1", "io2")
KINDS = (*PLAIN, *PROVISIONED)
GP3 = "gp3"
IO2_FIRST_TIER = 32_000
Counts = tuple[Decimal, Decimal, Decimal]
"""How many of a thing there are at least, as expected and at most."""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """One volume: GiB, type, and what of IOPS and MiB/s is provisioned (None: what the type includes).

    Raises Unpriced for a type or a combination that has no price by size and speed alone.
    """

    gib: int
    kind: str = GP3
    iops: int | None = None
    throughput: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Unpriced(f"only volumes of the types {', '.join(KINDS)} are priced")
        if self.kind in PROVISIONED and self.iops is None:
            raise Unpriced(f"how many IOPS an {self.kind} volume has is not stated")
        if self.kind not in (GP3, *PROVISIONED) and self.iops is not None:
            raise Unpriced(f"IOPS of a {self.kind} volume cannot be provisioned")
        if self.kind != GP3 and self.throughput is not None:
            raise Unpriced(f"throughput of a {self.kind} volume cannot be provisioned")

    @property
    def paid_iops(self) -> int:
        """IOPS that cost."""
        return max(0, (self.iops or 0) - (GP3_FREE_IOPS if self.kind == GP3 else 0))

    @property
    def paid_throughput(self) -> int:
        """MiB/s that cost."""
        return max(0, (self.throughput or 0) - GP3_FREE_THROUGHPUT)


def lines(meter: Meter, disks: Sequence[Disk], counts: Counts, what: str = "disks") -> Iterator[CostItem]:
    """The lines of `counts` times all of `disks`: storage of each type, and speed where it costs."""
    for kind in sorted({disk.kind for disk in disks}):
        alike = [disk for disk in disks if disk.kind == kind]
        role = what if kind == GP3 else f"{what}, {kind}"
        gib, iops = sum(disk.gib for disk in alike), sum(disk.paid_iops for disk in alike)
        yield _line(meter, role, f"ebs/{kind}-storage", gib, "GB-month", counts, f"{gib} GiB {kind} for each node")
        if iops:
            key = f"ebs/{GP3}-iops" if kind == GP3 else f"ebs/{kind}-provisioned-iops"
            dearest = ("all at the price of the first 32,000",) if kind == "io2" and iops > IO2_FIRST_TIER else ()
            yield _line(meter, f"{role}, IOPS", key, iops, "IOPS-month", counts, f"{iops} IOPS", dearest)
        if speed := sum(disk.paid_throughput for disk in alike):
            label = f"{speed} MiB/s above what is included"
            yield _line(meter, f"{role}, throughput", "ebs/gp3-throughput", speed, "MiB/s-month", counts, label)


def read_volume(meter: Meter, node: Node) -> Iterator[CostItem]:
    """One EBS volume as it is declared; AWS makes a gp2 where no type is named. Raises Unpriced."""
    kind, size = node.read("type"), node.read("size")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise Unpriced("the size of the volume is not known")
    if not isinstance(kind, str | None):
        raise Unpriced("the type of the volume is not known")
    speed = {key: whole(node.read(key), key) for key in ("iops", "throughput")}
    one = Decimal(1)
    return lines(meter, (Disk(gib=size, kind=kind or "gp2", **speed),), (one, one, one), "volume")


def mapped(mappings: Value) -> tuple[Disk, ...]:
    """The disks of a list of block device mappings, as EC2 and Karpenter write them. Raises Unpriced."""
    if not isinstance(mappings, tuple) or not mappings:
        raise Unpriced("the size of the nodes' disks is not said" if mappings is None else "the disks are not known")
    return tuple(_mapped(mapping.get("ebs") if isinstance(mapping, Mapping) else None) for mapping in mappings)


def _mapped(volume: Value) -> Disk:
    if not isinstance(volume, Mapping):
        raise Unpriced("a disk of the nodes is not known")
    size, kind = volume.get("volumeSize"), volume.get("volumeType")
    gib = size if isinstance(size, int) and not isinstance(size, bool) else gibibytes(size, "a disk of the nodes")
    if gib < 0:
        raise Unpriced("the size of a disk of the nodes is not known")
    if not isinstance(kind, str):
        raise Unpriced("the type of a disk of the nodes is not stated")
    return Disk(
        gib=gib, kind=kind, iops=whole(volume.get("iops"), "IOPS"), throughput=whole(volume.get("throughput"), "MiB/s")
    )


def whole(value: Value, what: str) -> int | None:
    """A number of IOPS or MiB/s, that a storage class writes as text; None when absent. Raises Unpriced."""
    if value is None:
        return None
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unpriced(f"how many {what} a volume has is not known")
    return value


def _line(
    meter: Meter,
    what: str,
    key: str,
    amount: int,
    unit: str,
    counts: Counts,
    label: str,
    assumptions: tuple[str, ...] = (),
) -> CostItem:
    price = meter.book.service(key)
    least, likely, most = (count * amount for count in counts)
    if price is None:
        return meter.unpriced(what, f"no price of {key} in {meter.book.region} is on file", most, unit)
    return ranged(
        meter,
        what,
        label=label,
        quantity=most,
        unit=unit,
        price=price,
        amounts=(least * price.usd, likely * price.usd, most * price.usd),
        assumptions=assumptions,
    )
