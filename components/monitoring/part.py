"""Monitoring as a part: the volumes of Prometheus, Alertmanager and Grafana are paid for."""

from __future__ import annotations

from collections.abc import Iterator

from components.alerts import sources
from components.monitoring import overview
from components.monitoring.component import STACK
from components.part import Meters, Part
from components.stack import Stack
from components.storage.bill import volumes
from pricing.items.cost import CostItem

NAME = "monitoring"


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    spec, storage, meter = stack.settings.monitoring, stack.settings.storage, meters.at(NAME, STACK)
    sizes = spec.storage_gib
    yield from volumes(meter, "prometheus volumes", sizes.prometheus, spec.prometheus_replicas, storage)
    yield from volumes(meter, "alertmanager volumes", sizes.alertmanager, spec.alertmanager_replicas, storage)
    yield from volumes(meter, "grafana volume", sizes.grafana, 1, storage)


PART = Part(
    name=NAME,
    about="Prometheus, Alertmanager and Grafana, with the alerts and dashboards of every part that is there",
    when="unless `monitoring.enabled` is false",
    there=lambda stack: stack.settings.monitoring.enabled,
    components=lambda _stack: ("Monitoring::monitoring",),
    bill=_bill,
    alerts=(sources.GROUP,),
    dashboards=(overview.BOARD,),
)
