"""The plan of a stack: what each part costs before anything is declared, and whether the guard file and the budget allow it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from components.bill import Bill
from components.existing_cluster import Part
from components.node_class import AmiFamily
from components.registry import Keeping
from infra.parts import Aws
from infra.settings import Settings, Stack
from pricing import budget, guard_file
from pricing.book import PriceBook
from pricing.budget import Bounds
from pricing.cost import CostItem, Totals, totals
from problem import Problem, Refused

GUARD = Path(__file__).resolve().parent.parent / "policies" / "guard.yaml"
"""The ceilings that the code's owners set. A stack file, wherever it lies, cannot name another file."""

MICRO = Decimal("0.000001")
"""Precision (USD) of the amounts in the registered plan."""


@dataclass(frozen=True)
class Plan:
    """A stack's bill line by line, and the prices it was made with."""

    stack: Stack
    items: tuple[CostItem, ...]
    book: PriceBook

    @cached_property
    def totals(self) -> Totals:
        """The sums, and what could not be priced."""
        return totals(self.items)

    def to_inputs(self) -> dict[str, Any]:
        """The bill as the root component registers it: totals, lines and the version of the price book."""
        return {
            "priceBook": self.book.version,
            **amounts(self.totals),
            "items": [
                {"component": item.component, "role": item.role, "unit": item.unit, **amounts(item)}
                for item in self.items
            ],
        }

    def components(self) -> list[str]:
        """Every component that the stack declares under its root, as `Type::name`."""
        return sorted(_components(self.stack))

    def bounds(self, today: datetime.date, *, stack: str = "", deployed: Decimal | None = None) -> Bounds:
        """What the stack of that name may cost, `deployed` being the maximum of what is there.

        Raises Refused when the guard file is bad or names no ceiling for the environment.
        """
        settings = self.stack.settings
        environment = settings.environment.value
        return Bounds(
            environment=environment,
            budget=settings.budget.monthly_usd,
            ceiling=guard_file.load(GUARD).ceiling(environment, today, stack),
            warn_at_percent=settings.budget.warn_at_percent,
            deployed=deployed,
        )


def plan(stack: Stack, today: datetime.date | None = None) -> Plan:
    """The bill of a stack, component by component, as `infra.build` declares them.

    Raises Refused when `usage.each` names a resource or component that has no line in the bill.
    """
    book, settings = PriceBook.embedded(stack.region), stack.settings
    bill = Bill(book=book, usage=settings.usage.amounts(), today=today or datetime.date.today())
    items = tuple(_items(bill, stack))
    _named(settings, items)
    return Plan(stack=stack, items=items, book=book)


def hold(planned: Plan, bounds: Bounds) -> Iterator[Problem]:
    """Refuses a plan that may not be, each problem at its line in the stack file; gives what a reader should be warned of.

    Raises Refused.
    """
    file = planned.stack.file
    placed = [
        each.at(file.path.name, file.line(each.where)) if file else each
        for each in budget.refusals(planned.items, bounds)
    ]
    if placed:
        raise Refused(placed)
    return budget.warnings(planned.items, bounds)


def amounts(of: CostItem | Totals) -> dict[str, str]:
    """The three amounts as decimal strings; those of an unpriced line are left out."""
    found = {"minimumUsd": of.minimum, "expectedUsd": of.expected, "maximumUsd": of.maximum}
    return {key: format(amount.quantize(MICRO), "f") for key, amount in found.items() if amount is not None}


def _items(bill: Bill, stack: Stack) -> Iterator[CostItem]:
    if stack.aws is None:
        yield from bill.own_cluster()
    else:
        yield from _items_on_aws(bill, stack, stack.aws)


def _items_on_aws(bill: Bill, stack: Stack, parts: Aws) -> Iterator[CostItem]:
    network, existing = parts.network, parts.cluster.existing
    yield from bill.platform()
    yield from bill.network(network)
    yield from bill.cluster(parts.cluster)
    if existing is None or existing.system_nodes is Part.MANAGED:
        subnets = len(network.existing.private_subnet_ids if network.existing else network.zones)
        yield from bill.system_nodes(parts.cluster.system_nodes, subnets)
    if existing is None or existing.node_role is None:
        yield from bill.karpenter()
    if stack.settings.monitoring.enabled:
        yield from bill.monitoring(stack.settings.monitoring)
    yield from bill.general_pool(parts.general_pool, parts.general)
    if stack.settings.registry is not None:
        yield from bill.registry(stack.settings.registry)
    for pool, spec in stack.settings.gpu_pools.items():
        yield from bill.gpu_pool(pool, spec, stack.pools[pool], network.zones)


def _components(stack: Stack) -> Iterator[str]:
    yield from ("Namespaces::namespaces", "Publication::publication", "Storage::storage")
    if stack.settings.uses_secrets:
        yield "ExternalSecrets::external-secrets"
    if stack.settings.monitoring.enabled:
        yield "Monitoring::monitoring"
    if stack.settings.registry is not None:
        yield "Registry::registry"
    if stack.aws is not None:
        yield from _components_on_aws(stack.settings, stack.aws)


def _components_on_aws(settings: Settings, parts: Aws) -> Iterator[str]:
    existing = parts.cluster.existing
    yield from ("Cluster::cluster", "GeneralPool::general-pool", "Network::network")
    if existing is None or existing.addons is Part.MANAGED:
        yield from ("Addons::addons-before-nodes", "Addons::addons-after-nodes")
    if existing is None or existing.system_nodes is Part.MANAGED:
        yield "SystemNodes::system-nodes"
    if existing is None or existing.node_role is None:
        yield "Karpenter::karpenter"
    if settings.registry is not None and settings.registry.keeping is Keeping.AWS:
        yield from ("RegistryArtifacts::registry-artifacts", "RegistryDatabase::registry-database")
        if not settings.registry.empty:
            yield "RegistryContent::registry-content"
    yield from (f"GpuPool::gpu-pool-{pool}" for pool in settings.gpu_pools)
    if any(spec.ami_family is AmiFamily.AL2023 for spec in settings.gpu_pools.values()):
        yield "DevicePlugin::device-plugin"
    if any(spec.efa for spec in settings.gpu_pools.values()):
        yield "EfaPlugin::efa-plugin"


def _named(settings: Settings, items: tuple[CostItem, ...]) -> None:
    names = {item.component for item in items} | {item.role.partition(":")[0] for item in items}
    unknown = [key for key in settings.usage.each if key.rpartition(".")[0] not in names]
    if unknown:
        problem = Problem(
            summary="nothing of that name is paid by use",
            allowed=", ".join(sorted(names)),
            fix="name a resource or a component of the bill: `modelyard cost` lists them",
        )
        raise Refused(replace(problem, where=f"usage.each.{key}", found=key) for key in unknown)
