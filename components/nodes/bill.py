"""What nodes cost at their limits: the system group, the general pool, and each NodePool of a GPU pool, with their disks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from components.nodes.disruption import PRESETS, Purpose
from components.nodes.general_pool import POOL, GeneralPoolSpec
from components.nodes.gpu_pool import GpuPoolSpec
from components.nodes.nodepools import pool_name
from components.nodes.system_nodes import SystemNodesSpec
from components.part import Meters
from pricing.capacity.announced import AmiFamily
from pricing.capacity.pool import Buying, PoolBound
from pricing.capacity.pool_plan import node_counts, share_items
from pricing.items.cost import CostItem
from pricing.items.unpriced import Unpriced
from pricing.meters.compute.fleet import SURGE_PER_ZONE, Fleet, fleet
from pricing.meters.compute.general_pool import GeneralBound, general_items, general_node_counts
from pricing.meters.storage import disks
from pricing.meters.storage.disks import Disk

BOTTLEROCKET_SYSTEM_GIB = 10
"""Bottlerocket's own volume beside the one for images and pods (`node_class` makes both)."""


def system_nodes(meters: Meters, spec: SystemNodesSpec, subnets: int) -> Iterator[CostItem]:
    """The fixed group of system nodes in `subnets` subnets."""
    meter = meters.at("system-nodes", "system")
    asked = Fleet(
        types=tuple(spec.instance_types),
        sizes=(spec.size, spec.size, spec.size),
        disks=(Disk(gib=spec.disk_gb),),
        surge=SURGE_PER_ZONE * subnets,
    )
    try:
        yield from fleet(meter, asked)
    except Unpriced as why:
        yield meter.unpriced("nodes", str(why))


def general_pool(meters: Meters, spec: GeneralPoolSpec, bound: GeneralBound) -> Iterator[CostItem]:
    """The nodes without GPUs at the pool's limits."""
    meter = meters.at("general-pool", pool_name(POOL, Buying.ON_DEMAND))
    overlap = PRESETS[Purpose.SERVING].at_once
    yield from general_items(meter, spec.instance_types, bound, overlap)
    counts = general_node_counts(spec.instance_types, bound, overlap, meter.usage.pool_percent)
    yield from disks.lines(meter, _disks(spec.ami_family, spec.disk_gb), counts)


def gpu_pool(meters: Meters, pool: str, spec: GpuPoolSpec, bound: PoolBound, zones: list[str]) -> Iterator[CostItem]:
    """The GPU nodes of each of the pool's NodePools at their limits; `zones` are those of the network."""
    component = f"gpu-pool-{pool}"
    for share in bound.shares:
        meter = meters.at(component, pool_name(pool, share.buying))
        ask = replace(spec.ask(zones), utilisation=Decimal(meter.usage.pool_percent) / 100)
        for item in share_items(component, ask, share, meters.book):
            yield item if isinstance(item, CostItem) else meter.unpriced("nodes", item)
        yield from disks.lines(meter, _disks(spec.ami_family, spec.disk_gb), node_counts(ask, share))


def _disks(family: AmiFamily, gib: int) -> tuple[Disk, ...]:
    return (Disk(gib=gib + (BOTTLEROCKET_SYSTEM_GIB if family is AmiFamily.BOTTLEROCKET else 0)),)
