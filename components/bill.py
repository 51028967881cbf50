"""What each component costs, worked out from its Spec before anything is declared.

The same lines come out of the graph that the component declares (`pricing.bill.estimate`); a test holds both together for every
stack, so that a resource that a component gains cannot be forgotten here.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from components.budget.spec import BudgetWatchSpec
from components.cluster.component import ClusterSpec
from components.monitoring.component import STACK
from components.monitoring.spec import MonitoringSpec
from components.network.component import INTERFACE_ENDPOINTS, Endpoints, Nat, NetworkSpec
from components.nodes.disruption import PRESETS, Purpose
from components.nodes.general_pool import POOL, GeneralPoolSpec
from components.nodes.gpu_pool import GpuPoolSpec
from components.nodes.nodepools import pool_name
from components.nodes.system_nodes import SystemNodesSpec
from components.publication.component import PublicationSpec
from components.registry import outside as registry_outside
from components.registry import pods as registry_pods
from components.registry.component import Keeping, RegistrySpec
from components.registry.outside import Exposure
from components.storage.component import StorageSpec
from core.versions import POSTGRESQL
from pricing.bill.cost import CostItem
from pricing.bill.unpriced import Unpriced
from pricing.bill.usage import Usage
from pricing.book.book import PriceBook
from pricing.capacity.announced import AmiFamily
from pricing.capacity.general import GeneralBound, general_items, general_node_counts
from pricing.capacity.pool import Buying, PoolBound, Share
from pricing.capacity.pool_plan import node_counts, share_items
from pricing.meters import charts, keys, meters
from pricing.meters.compute.fleet import SURGE_PER_ZONE, Fleet, fleet
from pricing.meters.meters import Meter
from pricing.meters.storage import disks
from pricing.meters.storage.claims import undeclared
from pricing.meters.storage.database import Database
from pricing.meters.storage.database import lines as database_lines
from pricing.meters.storage.disks import Disk

BOTTLEROCKET_SYSTEM_GIB = 10
"""Bottlerocket's own volume beside the one for images and pods (`node_class` makes both)."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Prices, usage and day for which each component is billed; each method is one component's lines."""

    book: PriceBook
    usage: Usage
    today: datetime.date

    def platform(self, component: str = "platform") -> Iterator[CostItem]:
        """What belongs to the stack as a whole: its traffic."""
        yield from meters.data_transfer(self._meter(component, component))

    def budget(self, spec: BudgetWatchSpec, component: str = "budget") -> Iterator[CostItem]:
        """The budget that acts; one that only tells, and anomaly detection, are free."""
        if spec.enabled and spec.action is not None:
            yield from meters.budget_action(self._meter(component, "nothing-new"))

    def own_cluster(self, component: str = "platform") -> Iterator[CostItem]:
        """All that a platform outside AWS costs, whatever it declares: nothing that this bill could count."""
        yield from meters.own_cluster(self._meter(component, component))

    def network(self, spec: NetworkSpec, component: str = "network") -> Iterator[CostItem]:
        """Ways out, endpoints and flow logs; nothing for a network that is there already."""
        if spec.existing is not None:
            return
        for zone in spec.zones if spec.nat is Nat.PER_ZONE else spec.zones[:1]:
            meter = self._meter(component, f"nat-{zone}")
            yield from meters.public_address(meter)
            yield from meters.nat_gateway(meter)
        if spec.endpoints is Endpoints.PRIVATE:
            for service in INTERFACE_ENDPOINTS:
                meter = self._meter(component, service.replace(".", "-"))
                yield from meters.interface_endpoint(meter, len(spec.zones))
        yield from meters.log_group(self._meter(component, "flow-logs"), spec.flow_log_days)

    def cluster(self, spec: ClusterSpec, component: str = "cluster") -> Iterator[CostItem]:
        """The control plane, the key of its secrets and its logs; nothing for a cluster that is there already."""
        if spec.existing is not None:
            return
        yield from keys.kms_key(self._meter(component, "secrets"))
        yield from meters.log_group(self._meter(component, "control-plane"), spec.log_days)
        yield from meters.control_plane(self._meter(component, "cluster"), spec.version)

    def system_nodes(self, spec: SystemNodesSpec, subnets: int, component: str = "system-nodes") -> Iterator[CostItem]:
        """The fixed group of system nodes in `subnets` subnets."""
        size, meter = spec.size, self._meter(component, "system")
        asked = Fleet(
            types=tuple(spec.instance_types),
            sizes=(size, size, size),
            disks=(Disk(gib=spec.disk_gb),),
            surge=SURGE_PER_ZONE * subnets,
        )
        try:
            yield from fleet(meter, asked)
        except Unpriced as why:
            yield meter.unpriced("nodes", str(why))

    def karpenter(self, component: str = "karpenter") -> Iterator[CostItem]:
        """The queue of interruptions; the events themselves are free."""
        yield from meters.queue(self._meter(component, "interruptions"))

    def registry(self, spec: RegistrySpec, storage: StorageSpec, *, reader: bool = False) -> Iterator[CostItem]:
        """What the registry keeps things in, and its load balancer; its servers run on nodes that are counted elsewhere.

        `reader` says that model servers read it, with a secret of their own.
        """
        if spec.exposure is Exposure.INTERNAL:
            yield from meters.load_balancer(self._meter("registry", registry_outside.NAME), "nlb", 0)
        if spec.keeping is Keeping.VOLUME:
            yield from _volume(self._meter("registry", "registry"), "volume", spec.volume_gb, 1, storage)
            return
        yield from keys.secret(self._meter("registry", "registry-keys"))
        if reader:
            yield from keys.secret(self._meter("registry", registry_pods.READER))
        database, component = spec.database, "registry-database"
        yield from keys.kms_key(self._meter(component, f"{component}-key"))
        yield from meters.log_group(self._meter(component, f"{component}-log"), database.log_days)
        asked = Database(
            instance_class=database.instance_class,
            version=POSTGRESQL,
            multi_az=database.multi_az,
            storage=database.storage_gb,
            most_storage=database.max_storage_gb,
            backups=True,
            managed_password=True,
        )
        try:
            yield from database_lines(self._meter(component, "registry"), asked)
        except Unpriced as why:
            yield self._meter(component, "registry").unpriced("cost", str(why))
        component = "registry-artifacts"
        yield from keys.kms_key(self._meter(component, f"{component}-key"))
        yield from meters.bucket(self._meter(component, component))

    def monitoring(
        self, spec: MonitoringSpec, storage: StorageSpec, component: str = "monitoring"
    ) -> Iterator[CostItem]:
        """The volumes of Prometheus, Alertmanager and Grafana."""
        meter, sizes = self._meter(component, STACK), spec.storage_gib
        yield from _volume(meter, "prometheus volumes", sizes.prometheus, spec.prometheus_replicas, storage)
        yield from _volume(meter, "alertmanager volumes", sizes.alertmanager, spec.alertmanager_replicas, storage)
        yield from _volume(meter, "grafana volume", sizes.grafana, 1, storage)

    def publication(self, spec: PublicationSpec, component: str = "publication") -> Iterator[CostItem]:
        """The outputs as a parameter, which costs once they are long; nothing else of them does."""
        if spec.parameter:
            yield from keys.parameter(self._meter(component, "outputs"), advanced=None)

    def general_pool(
        self, spec: GeneralPoolSpec, bound: GeneralBound, component: str = "general-pool"
    ) -> Iterator[CostItem]:
        """The nodes without GPUs at the pool's limits, and their disks."""
        meter = self._meter(component, pool_name(POOL, Buying.ON_DEMAND))
        overlap = PRESETS[Purpose.SERVING].at_once
        yield from general_items(meter, spec.instance_types, bound, overlap)
        counts = general_node_counts(spec.instance_types, bound, overlap, meter.usage.pool_percent)
        yield from disks.lines(meter, _disks(spec.ami_family, spec.disk_gb), counts)

    def gpu_pool(
        self, pool: str, spec: GpuPoolSpec, bound: PoolBound, zones: list[str], component: str = ""
    ) -> Iterator[CostItem]:
        """The GPU nodes of each of the pool's NodePools at their limits, and their disks."""
        for share in bound.shares:
            yield from self._share(component or f"gpu-pool-{pool}", pool, spec, share, zones)

    def _share(
        self, component: str, pool: str, spec: GpuPoolSpec, share: Share, zones: list[str]
    ) -> Iterator[CostItem]:
        meter = self._meter(component, pool_name(pool, share.buying))
        ask = replace(spec.ask(zones), utilisation=Decimal(meter.usage.pool_percent) / 100)
        items = share_items(component, ask, share, self.book)
        for each in items:
            yield each if isinstance(each, CostItem) else meter.unpriced("nodes", each)
        yield from disks.lines(meter, _disks(spec.ami_family, spec.disk_gb), node_counts(ask, share))

    def _meter(self, component: str, name: str) -> Meter:
        usage = self.usage.at(component, name)
        return Meter(component=component, name=name, book=self.book, usage=usage, today=self.today)


def _disks(family: AmiFamily, gib: int) -> tuple[Disk, ...]:
    return (Disk(gib=gib + (BOTTLEROCKET_SYSTEM_GIB if family is AmiFamily.BOTTLEROCKET else 0)),)


def _volume(meter: Meter, what: str, gib: int, count: int, storage: StorageSpec) -> Iterator[CostItem]:
    """Volumes of the platform's own class, which is gp3 at its baseline; one that is there already may be anything."""
    if storage.existing is None:
        yield from charts.volumes(meter, what, Disk(gib=gib), count)
    else:
        yield meter.unpriced(what, undeclared(storage.existing))
