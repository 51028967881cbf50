"""What volumes of the platform's storage class cost."""

from __future__ import annotations

from collections.abc import Iterator

from components.storage.component import StorageSpec
from pricing.items.cost import CostItem
from pricing.meters import charts
from pricing.meters.meters import Meter
from pricing.meters.storage.claims import undeclared
from pricing.meters.storage.disks import Disk


def volumes(meter: Meter, what: str, gib: int, count: int, storage: StorageSpec) -> Iterator[CostItem]:
    """`count` volumes of `gib` GiB each; the platform's own class is gp3 at its baseline, one that is there already may be
    anything and is unpriced."""
    if storage.existing is None:
        yield from charts.volumes(meter, what, Disk(gib=gib), count)
    else:
        yield meter.unpriced(what, undeclared(storage.existing))
