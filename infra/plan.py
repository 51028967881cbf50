"""The plan of a stack: what each part costs before anything is declared, and whether the guard file and the budget allow it."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

from components.bill import Bill
from components.cluster.existing import Part
from components.registry.component import Keeping
from core.problem import Problem, Refused
from infra.parts import Aws
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from policies.guard import ceilings
from policies.guard import file as guard_file
from policies.guard.ceilings import Bounds
from policies.guard.model import Guard
from policies.guard.pools_and_teams import parts as parts_of
from pricing.bill import shares
from pricing.bill.cost import CostItem, Totals, totals
from pricing.bill.discounts import discounted
from pricing.book import age
from pricing.book.book import PriceBook
from pricing.capacity.announced import Plugin, plugin

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
    guard: Guard
    today: datetime.date

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
                {
                    "component": item.component,
                    "role": item.role,
                    "unit": item.unit,
                    "team": self.team(item),
                    **amounts(item),
                }
                for item in self.items
            ],
        }

    def components(self) -> list[str]:
        """Every component that the stack declares under its root, as `Type::name`."""
        return sorted(_components(self.stack))

    def team(self, item: CostItem) -> str:
        """The team that answers for a line."""
        settings = self.stack.settings
        owners = {pool: spec.owner for pool, spec in settings.gpu_pools.items() if spec.owner}
        return shares.team_of(item.component, owners, settings.owner)

    @cached_property
    def maxima(self) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """The maximum of every pool and of every team (USD a month)."""
        lines = ((item.component, self.team(item), item.maximum or Decimal(0)) for item in self.items)
        pools, teams = shares.maxima(lines)
        return {**dict.fromkeys((*self.stack.settings.gpu_pools, "general"), Decimal(0)), **pools}, teams

    def bounds(
        self,
        today: datetime.date,
        *,
        stack: str = "",
        deployed: Decimal | None = None,
        deployed_parts: Mapping[str, Mapping[str, Decimal]] = MappingProxyType({}),
    ) -> Bounds:
        """What the stack of that name may cost, `deployed` being the maximum of what is there.

        `deployed_parts` has the same for `pools` and `teams`. Raises Refused when the guard file names no ceiling for the
        environment.
        """
        settings, (pools, teams) = self.stack.settings, self.maxima
        environment, limits = settings.environment.value, settings.budget
        parts = (
            ("Pool", pools, limits.per_pool, self.guard.max_per_pool_usd, "pools"),
            ("Team", teams, limits.per_team, self.guard.max_per_team_usd, "teams"),
        )
        return Bounds(
            environment=environment,
            budget=limits.monthly_usd,
            ceiling=self.guard.ceiling(environment, today, stack),
            warn_at_percent=limits.warn_at_percent,
            deployed=deployed,
            most_after=None if deployed is None else self.guard.most_after(environment, deployed, today),
            parts=tuple(
                part
                for kind, maxima, budgets, ceilings, key in parts
                for part in parts_of(
                    kind, environment, maxima, budgets, ceilings.get(environment, {}), deployed_parts.get(key, {})
                )
            ),
        )


def plan(stack: Stack, today: datetime.date | None = None) -> Plan:
    """The bill of a stack, component by component, as `infra.build` declares them.

    Raises Refused when the guard file is bad, and when `usage.each` or a budget names what is not there.
    """
    day, guard, settings = today or datetime.date.today(), guard_file.load(GUARD), stack.settings
    book = discounted(PriceBook.embedded(stack.region), guard.discounts, day)
    bill = Bill(book=book, usage=settings.usage.amounts(), today=day)
    items = tuple(
        item.assuming(item.unit_price.discount) if item.unit_price and item.unit_price.discount else item
        for item in _items(bill, stack)
    )
    _named(settings, items)
    made = Plan(stack=stack, items=items, book=book, guard=guard, today=day)
    if unknown := list(_budgets_of_nothing(made)):
        raise Refused(unknown)
    return made


def hold(planned: Plan, bounds: Bounds) -> Iterator[Problem]:
    """Refuses a plan that may not be, each problem at its line in the stack file; gives what a reader should be warned of.

    Raises Refused.
    """
    file = planned.stack.file
    placed = [
        each.at(file.path.name, file.line(each.where)) if file else each
        for each in ceilings.refusals(planned.items, bounds)
    ]
    if placed:
        raise Refused(placed)
    return itertools.chain(
        ceilings.warnings(planned.items, bounds),
        age.warnings(planned.items, planned.guard.warn_prices_older_than_days, planned.today),
    )


def _budgets_of_nothing(planned: Plan) -> Iterator[Problem]:
    pools, teams = planned.maxima
    limits = planned.stack.settings.budget
    for where, budgets, known in (("perPool", limits.per_pool, pools), ("perTeam", limits.per_team, teams)):
        for name in budgets.keys() - known.keys():
            yield Problem(
                summary="a budget for something that the stack does not have",
                where=f"budget.{where}.{name}",
                found=name,
                allowed=", ".join(sorted(known)),
                fix="correct the name, or take the budget out",
            )


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
    yield from bill.budget(stack.settings.budget.watch)
    yield from bill.network(network)
    yield from bill.cluster(parts.cluster)
    if existing is None or existing.system_nodes is Part.MANAGED:
        subnets = len(network.existing.private_subnet_ids if network.existing else network.zones)
        yield from bill.system_nodes(parts.cluster.system_nodes, subnets)
    if existing is None or existing.node_role is None:
        yield from bill.karpenter()
    if stack.settings.monitoring.enabled:
        yield from bill.monitoring(stack.settings.monitoring, stack.settings.storage)
    yield from bill.general_pool(parts.general_pool, parts.general)
    if stack.settings.registry is not None:
        reader = bool(stack.releases)
        yield from bill.registry(stack.settings.registry, stack.settings.storage, reader=reader)
    yield from bill.publication(stack.settings.publication)
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
        if not stack.settings.registry.empty:
            yield "RegistryContent::registry-content"
    if stack.releases:
        yield from ("Gateway::gateway", "Rollouts::rollouts", "Serving::serving")
        yield from (f"Release::release-{name}" for name in stack.releases)
    if stack.aws is not None:
        yield from _components_on_aws(stack.settings, stack.aws)


def _components_on_aws(settings: Settings, parts: Aws) -> Iterator[str]:
    existing = parts.cluster.existing
    yield from ("Cluster::cluster", "GeneralPool::general-pool", "Network::network")
    if settings.budget.watch.enabled:
        yield "Budget::budget"
    if existing is None or existing.addons is Part.MANAGED:
        yield from ("Addons::addons-before-nodes", "Addons::addons-after-nodes")
    if existing is None or existing.system_nodes is Part.MANAGED:
        yield "SystemNodes::system-nodes"
    if existing is None or existing.node_role is None:
        yield "Karpenter::karpenter"
    if settings.registry is not None and settings.registry.keeping is Keeping.AWS:
        yield from ("RegistryArtifacts::registry-artifacts", "RegistryDatabase::registry-database")
    yield from (f"GpuPool::gpu-pool-{pool}" for pool in settings.gpu_pools)
    if any(plugin(spec.ami_family) is Plugin.CHART for spec in settings.gpu_pools.values()):
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
