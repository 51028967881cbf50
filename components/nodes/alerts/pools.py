"""Pools of nodes as Karpenter sees them: at their limits, interrupted, and Karpenter itself silent."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Recording, Severity, Team, absent
from components.nodes.alerts.nodes import GPU_PENDING, waiting

GPU_USAGE = "modelyard:gpu_pool_usage:sum"
GPU_LIMIT = "modelyard:gpu_pool_limit:sum"
GPU_FULLNESS = "modelyard:gpu_pool_fullness:ratio"

_POOL = '"pool", "$1", "nodepool", "(.+)-(?:spot|on-demand|reserved)"'


def _of_pool(metric: str) -> str:
    """GPUs of a pool's NodePools together: a pool that buys in two ways is `<pool>-spot` and `<pool>-on-demand`."""
    one = f'max by (nodepool) ({metric}{{resource_type="nvidia.com/gpu"}})'
    return f"sum by (pool) (label_replace({one}, {_POOL}))"


def _fullness() -> str:
    """How full a pool is: 1 when each of its NodePools has reached one of its limits, in GPUs or in nodes.

    Nodes that announce slices are bounded by their number alone. A NodePool without a node has no usage: that is 0.
    """
    limit, usage = (
        f"max by (nodepool, resource_type) (karpenter_nodepools_{what}"
        '{nodepool=~".+-(?:spot|on-demand|reserved)",resource_type=~"nvidia.com/gpu|nodes"})'
        for what in ("limit", "usage")
    )
    share = f"max by (nodepool) (({usage} or 0 * {limit}) / on (nodepool, resource_type) {limit})"
    return f"min by (pool) (label_replace({share}, {_POOL}))"


def _karpenter(what: str, nodepool: str, resource: str = "nvidia.com/gpu") -> str:
    return f'karpenter_nodepools_{what}{{nodepool="{nodepool}",resource_type="{resource}"}}'


GROUP = Group(
    name="pools",
    karpenter=True,
    recordings=(
        Recording(record=GPU_USAGE, expr=_of_pool("karpenter_nodepools_usage"), labels=("pool",)),
        Recording(record=GPU_LIMIT, expr=_of_pool("karpenter_nodepools_limit"), labels=("pool",)),
        Recording(record=GPU_FULLNESS, expr=_fullness(), labels=("pool",)),
    ),
    alerts=(
        Alert(
            name="GpuPoolAtLimit",
            expr=f"({GPU_FULLNESS} >= 1) and on () sum({GPU_PENDING}) > 0",
            hold="10m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="pool {{ $labels.pool }} has {{ $value | humanizePercentage }} of what its limits allow and pods wait"
            " for GPUs",
            meaning="Every node that the pool's limits allow is there, and its GPUs are not enough for the pods that ask for"
            " one. A pool that shares GPUs is limited by nodes, the others by GPUs.",
            fires=Example(
                series={
                    _karpenter("usage", "chat-spot"): "3x150",
                    _karpenter("usage", "chat-on-demand"): "1x150",
                    _karpenter("limit", "chat-spot"): "3x150",
                    _karpenter("limit", "chat-on-demand"): "1x150",
                    **waiting("assistant-0"),
                },
                labels={"pool": "chat"},
                summary="pool chat has 100% of what its limits allow and pods wait for GPUs",
            ),
            silent=Example(
                series={
                    _karpenter("usage", "chat-spot"): "3x150",
                    _karpenter("limit", "chat-spot"): "3x150",
                    _karpenter("limit", "chat-on-demand"): "1x150",
                    **waiting("assistant-0"),
                }
            ),
        ),
        Alert(
            name="GeneralPoolNearLimit",
            expr=(
                'max by (nodepool) (karpenter_nodepools_usage{resource_type="cpu"}) / on (nodepool) '
                'max by (nodepool) (karpenter_nodepools_limit{resource_type="cpu"}) >= 0.9'
            ),
            hold="30m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="pool {{ $labels.nodepool }} uses {{ $value | humanizePercentage }} of the vCPUs that it may have",
            meaning="The platform's own services and everything without a GPU run here; the next node may be refused.",
            fires=Example(
                series={
                    _karpenter("usage", "general", "cpu"): "30x150",
                    _karpenter("limit", "general", "cpu"): "32x150",
                },
                labels={"nodepool": "general"},
                summary="pool general uses 93.75% of the vCPUs that it may have",
            ),
            silent=Example(
                series={
                    _karpenter("usage", "general", "cpu"): "28x150",
                    _karpenter("limit", "general", "cpu"): "32x150",
                }
            ),
        ),
        Alert(
            name="SpotInterruptionStorm",
            expr='sum by (nodepool) (increase(karpenter_nodeclaims_disrupted_total{reason="spot_interrupted"}[30m])) >= 3',
            hold="0m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary='{{ $value | printf "%.0f" }} nodes of {{ $labels.nodepool }} were interrupted in 30 minutes',
            meaning="AWS reclaims more than a few spot nodes an hour. Pods on them are moved all the time.",
            fires=Example(
                series={
                    'karpenter_nodeclaims_disrupted_total{nodepool="chat-spot",reason="spot_interrupted",capacity_type="spot"}': (
                        "1x89 1+1x4 5x60"
                    )
                },
                at="1h40m",
                labels={"nodepool": "chat-spot"},
                summary="4 nodes of chat-spot were interrupted in 30 minutes",
            ),
            silent=Example(
                series={
                    'karpenter_nodeclaims_disrupted_total{nodepool="chat-spot",reason="spot_interrupted",capacity_type="spot"}': (
                        "1x89 2x9 3x60"
                    ),
                    'karpenter_nodeclaims_disrupted_total{nodepool="chat-spot",reason="drifted",capacity_type="spot"}': (
                        "0+1x150"
                    ),
                },
                at="1h40m",
            ),
        ),
        absent(
            "KarpenterMetricsAbsent",
            "karpenter_cluster_state_synced",
            "karpenter_cluster_state_synced",
            severity=Severity.CRITICAL,
            source="Karpenter",
            lost="nobody sees pools at their limits or interruptions, and perhaps no node comes or goes",
        ),
    ),
)
