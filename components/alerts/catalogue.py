"""Every group of rules that the platform declares: the one list that the component, the docs and the tests walk."""

from __future__ import annotations

from components.alerts import sources
from components.alerts.rule import Alert, Group, Recording
from components.nodes.alerts import gpu, nodes, pools
from components.registry import alerts as registry

GROUPS: tuple[Group, ...] = (gpu.GROUP, nodes.GROUP, pools.GROUP, registry.GROUP, sources.GROUP)


def alerts() -> tuple[Alert, ...]:
    """Every alert, group by group."""
    return tuple(alert for group in GROUPS for alert in group.alerts)


def recordings() -> tuple[Recording, ...]:
    """Every recording rule, group by group."""
    return tuple(rule for group in GROUPS for rule in group.recordings)
