"""The instance types that Karpenter's KWOK provider may buy, from our facts and prices, in the format of its file.

Format: `kwok/cloudprovider/helpers.go` of sigs.k8s.io/karpenter v1.15.0. What a node of a type leaves to pods follows
Karpenter's AWS provider (`pkg/providers/instancetype/types.go`, v1.15.1): of the memory 7.5 % are the hypervisor's, then
255 MiB and 11 MiB for each pod are reserved and 100 MiB kept free; pods are bounded by the node class, or else by network
interfaces. KWOK itself takes 100 milli-CPUs and 10 MiB off whatever the file says, so those 10 MiB are added. The
file knows one size for each type: where two pools give a type different numbers of pods or disks, the smaller holds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.problem import Problem, Refused
from ops.simulate.cluster.node_labels import labels
from ops.simulate.cluster.pools import REGION, ZONE, Purchase
from pricing.book.book import CAPACITY_BLOCK, ON_DEMAND, PriceBook
from pricing.capacity.gpus import Shape, gpu_type, most_pods, shape
from pricing.capacity.offers import hourly
from pricing.capacity.pool import Buying
from pricing.meters.compute.nodepools import BUYING

KWOK_RESERVED_MIB = 10


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One way to buy a type in one zone, USD an hour."""

    buying: Buying
    zone: str
    usd: Decimal


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One instance type: `resources` as Kubernetes quantities, the labels that Karpenter's AWS provider gives it, offers."""

    name: str
    architecture: str
    resources: Mapping[str, str]
    labels: Mapping[str, str]
    offers: tuple[Offer, ...]


def machines(asked: Sequence[Purchase], book: PriceBook, *, spot: bool = True) -> tuple[Machine, ...]:
    """Every type that the NodePools name, by name, with an offer for each way and zone in which one of them may buy it.

    Without `spot` no spot is to be had. Raises Refused for a type whose facts or on-demand price are not known.
    """
    names = sorted({name for purchase in asked for name in purchase.types})
    problems = [problem for name in names if (problem := _unknown(name, book))]
    if problems:
        raise Refused(problems)
    found = [
        _machine(name, [purchase for purchase in asked if name in purchase.types], book, spot=spot) for name in names
    ]
    return tuple(machine for machine in found if machine.offers)


def instance_types_file(found: Sequence[Machine]) -> str:
    """The file for `-instance-types-file-path`. KWOK holds every offer for available, whatever the file says."""
    return json.dumps([_entry(machine) for machine in found], indent=1) + "\n"


def memory_mib(known: Shape, pods: int) -> int:
    """What a node of that shape has for pods (MiB), as Karpenter's AWS provider reckons before it has seen one."""
    whole = int(known.memory_gib * 1024) - (64 if known.architecture == "arm64" else 0)
    return whole - math.ceil(whole * Decimal("0.075")) - (11 * pods + 255) - 100


def _unknown(name: str, book: PriceBook) -> Problem | None:
    if shape(name) is None or name not in most_pods():
        return Problem(summary=f"nothing is known about {name}, so it cannot be simulated", found=name)
    if book.on_demand(name) is None:
        return Problem(summary=book.why_unknown(ON_DEMAND, name), found=name, fix="take a type whose price is known")
    return None


def _machine(name: str, asked: Sequence[Purchase], book: PriceBook, *, spot: bool) -> Machine:
    known = shape(name)
    pods = min(purchase.max_pods or most_pods()[name] for purchase in asked)
    assert known is not None  # noqa: S101
    resources = {
        "cpu": str(known.vcpus),
        "memory": f"{memory_mib(known, pods) + KWOK_RESERVED_MIB}Mi",
        "pods": str(pods),
        "ephemeral-storage": str(min(_disk_bytes(name, asked))),
    }
    # Karpenter's AWS provider takes a node for whole GPUs; EFA counts where a pool has the plugin that announces it.
    for has in (purchase.announced[name] for purchase in asked if name in purchase.announced):
        resources |= {key: str(count) for key, count in has.expected.items() if key in has.resources}
    offers = sorted(set(_offers(name, asked, book, spot=spot)), key=lambda offer: (offer.usd, offer.buying, offer.zone))
    return Machine(
        name=name,
        architecture=known.architecture,
        resources=resources,
        labels={REGION: asked[0].zones[0][:-1], **labels(name)},
        offers=tuple(offers),
    )


def _disk_bytes(name: str, asked: Sequence[Purchase]) -> Iterator[int]:
    gpu = gpu_type(name)
    for purchase in asked:
        yield gpu.nvme_gb * 1000**3 if gpu and purchase.local_disks else purchase.disk_gib * 1024**3


def _offers(name: str, asked: Sequence[Purchase], book: PriceBook, *, spot: bool) -> Iterator[Offer]:
    for purchase in asked:
        if purchase.buying is Buying.SPOT and not spot:
            continue
        usd = hourly(name, purchase.buying, book, capacity_block=purchase.capacity_block)
        if usd is None:
            raise Refused(Problem(summary=book.why_unknown(CAPACITY_BLOCK, name), where=purchase.name, found=name))
        yield from (Offer(buying=purchase.buying, zone=zone, usd=usd) for zone in purchase.zones)


def _entry(each: Machine) -> dict[str, Any]:
    return {
        "name": each.name,
        "architecture": each.architecture,
        "operatingSystems": ["linux"],
        "resources": dict(each.resources),
        # A label is known to Karpenter, and stands on a node, when an offer requires it: KWOK has no other place for ours.
        "offerings": [
            {
                "Price": float(offer.usd),
                "Requirements": [
                    _within(key, value)
                    for key, value in {BUYING: offer.buying.value, ZONE: offer.zone, **each.labels}.items()
                ],
            }
            for offer in each.offers
        ],
    }


def _within(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}
