"""Every part of the platform, one row each: bill, components, alerts, dashboards and the needs of `doctor` derive from it.

A new part is a folder with a `part.py`, a row here, and its wiring in `infra/`. The order is that of the bill.
"""

from __future__ import annotations

from collections.abc import Iterator

from components.alerts.rule import Alert, Group, Recording
from components.budget import part as budget
from components.cluster import part as cluster
from components.dashboards.board import Board
from components.gateway import part as gateway
from components.karpenter import part as karpenter
from components.monitoring import part as monitoring
from components.namespaces import part as namespaces
from components.network import part as network
from components.nodes import part as nodes
from components.part import Machines, Meters, Part
from components.platform import part as platform
from components.publication import part as publication
from components.registry import part as registry
from components.rollouts import part as rollouts
from components.secrets import part as secrets
from components.serving import part as serving
from components.stack import Stack
from components.storage import part as storage
from pricing.items.cost import CostItem
from pricing.meters import meters as lines

PARTS: tuple[Part, ...] = (
    platform.PART,
    budget.PART,
    network.PART,
    cluster.PART,
    nodes.SYSTEM_NODES,
    karpenter.PART,
    namespaces.PART,
    storage.PART,
    secrets.PART,
    monitoring.PART,
    nodes.NODES,
    nodes.GENERAL_POOL,
    registry.PART,
    gateway.PART,
    rollouts.PART,
    serving.PART,
    publication.PART,
    nodes.GPU_POOLS,
)

GROUPS: tuple[Group, ...] = tuple(group for part in PARTS for group in part.alerts)
"""Every group of alerts and recording rules."""

BOARDS: tuple[Board, ...] = tuple(board for part in PARTS for board in part.dashboards)
"""Every dashboard."""


def parts_of(stack: Stack) -> tuple[Part, ...]:
    """The parts that a stack has."""
    return tuple(part for part in PARTS if part.there(stack))


def components(stack: Stack) -> list[str]:
    """Every component that a stack declares under its root, as `Type::name`, sorted."""
    return sorted(component for part in parts_of(stack) for component in part.components(stack))


def bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    """What a stack costs, line by line. Outside AWS that is one line: nothing there could be priced."""
    if stack.aws is None:
        yield from lines.own_cluster(meters.at(platform.NAME, platform.NAME))
        return
    for part in parts_of(stack):
        yield from part.bill(meters, stack)


def groups(stack: Stack) -> list[Group]:
    """The groups of rules about what a stack has and watches."""
    spec = stack.settings.monitoring
    watched = {"karpenter": spec.karpenter, "gpus": spec.gpus}
    found = [group for part in parts_of(stack) for group in part.alerts]
    return [group for group in found if all(there or not getattr(group, about) for about, there in watched.items())]


def boards(stack: Stack) -> list[Board]:
    """The dashboards of what a stack has."""
    return [board for part in parts_of(stack) for board in part.dashboards]


def machines(stack: Stack) -> list[Machines]:
    """The machines that a stack runs in an account; nothing outside AWS."""
    return [found for part in parts_of(stack) for found in part.machines(stack)]


def addresses(stack: Stack) -> int:
    """How many Elastic IPs a stack takes."""
    return sum(part.addresses(stack) for part in parts_of(stack))


def alerts() -> tuple[Alert, ...]:
    """Every alert, group by group."""
    return tuple(alert for group in GROUPS for alert in group.alerts)


def recordings() -> tuple[Recording, ...]:
    """Every recording rule, group by group."""
    return tuple(rule for group in GROUPS for rule in group.recordings)
