"""Pools of nodes: at their limits, waited for, interrupted, not ready."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Recording, Severity, Team

GPU_USAGE = "modelyard:gpu_pool_usage:sum"
GPU_LIMIT = "modelyard:gpu_pool_limit:sum"
GPU_PENDING = "modelyard:gpu_pods_pending:count"

_POOL = '"pool", "$1", "nodepool", "(.+)-(?:spot|on-demand|reserved)"'


def _of_pool(metric: str) -> str:
    """GPUs of a pool's NodePools together: a pool that buys in two ways is `<pool>-spot` and `<pool>-on-demand`."""
    return f'sum by (pool) (label_replace({metric}{{resource_type="nvidia.com/gpu"}}, {_POOL}))'


def _karpenter(what: str, nodepool: str, resource: str = "nvidia.com/gpu") -> str:
    return f'karpenter_nodepools_{what}{{nodepool="{nodepool}",resource_type="{resource}"}}'


def _waiting(pod: str) -> dict[str, str]:
    who = f'namespace="modelyard-serving",pod="{pod}",uid="{pod}"'
    return {
        f"kube_pod_status_unschedulable{{{who}}}": "1x150",
        f'kube_pod_container_resource_requests{{{who},container="vllm",resource="nvidia_com_gpu",unit="integer"}}': "1x150",
    }


GROUP = Group(
    name="pools",
    recordings=(
        Recording(record=GPU_USAGE, expr=_of_pool("karpenter_nodepools_usage"), labels=("pool",)),
        Recording(record=GPU_LIMIT, expr=_of_pool("karpenter_nodepools_limit"), labels=("pool",)),
        Recording(
            record=GPU_PENDING,
            expr=(
                "count by (namespace) (kube_pod_status_unschedulable == 1 and on (namespace, pod, uid) "
                'kube_pod_container_resource_requests{resource="nvidia_com_gpu"} > 0)'
            ),
            labels=("namespace",),
        ),
    ),
    alerts=(
        Alert(
            name="GpuPoolAtLimit",
            expr=f"({GPU_USAGE} >= {GPU_LIMIT}) and on () sum({GPU_PENDING}) > 0",
            hold="10m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="pool {{ $labels.pool }} is at its limit of {{ $value }} GPUs and pods wait for GPUs",
            meaning="Every GPU that the pool may have is there, and it is not enough for the pods that ask for one.",
            fires=Example(
                series={
                    _karpenter("usage", "chat-spot"): "3x150",
                    _karpenter("usage", "chat-on-demand"): "1x150",
                    _karpenter("limit", "chat-spot"): "3x150",
                    _karpenter("limit", "chat-on-demand"): "1x150",
                    **_waiting("assistant-0"),
                },
                labels={"pool": "chat"},
                summary="pool chat is at its limit of 4 GPUs and pods wait for GPUs",
            ),
            silent=Example(
                series={
                    _karpenter("usage", "chat-spot"): "3x150",
                    _karpenter("usage", "chat-on-demand"): "0x150",
                    _karpenter("limit", "chat-spot"): "3x150",
                    _karpenter("limit", "chat-on-demand"): "1x150",
                    **_waiting("assistant-0"),
                }
            ),
        ),
        Alert(
            name="GeneralPoolNearLimit",
            expr=(
                'karpenter_nodepools_usage{resource_type="cpu"} / on (nodepool) '
                'karpenter_nodepools_limit{resource_type="cpu"} >= 0.9'
            ),
            hold="30m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="pool {{ $labels.nodepool }} uses {{ $value | humanizePercentage }} of the vCPUs that it may have",
            meaning="The platform's own services and everything without a GPU run here; the next node may not come.",
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
            name="GpuPodsPending",
            expr=f"{GPU_PENDING} > 0",
            hold="15m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="{{ $value }} pods in {{ $labels.namespace }} have waited for a GPU for 15 minutes",
            meaning="Pods that ask for GPUs find no node: the pool is at its limit, the types are not to be had, or"
            " nothing fits what they ask for.",
            fires=Example(
                series={**_waiting("assistant-0"), **_waiting("assistant-1")},
                labels={"namespace": "modelyard-serving"},
                summary="2 pods in modelyard-serving have waited for a GPU for 15 minutes",
            ),
            silent=Example(
                series={
                    'kube_pod_status_unschedulable{namespace="shop",pod="web",uid="web"}': "1x150",
                    'kube_pod_container_resource_requests{namespace="shop",pod="web",uid="web",resource="cpu"}': "1x150",
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
            meaning="AWS takes spot nodes back faster than a few an hour: what runs there moves all the time.",
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
        Alert(
            name="NodeNotReady",
            expr='max by (node) (kube_node_status_condition{condition="Ready",status="true"}) == 0',
            hold="10m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="node {{ $labels.node }} has not been ready for 10 minutes (condition Ready is {{ $value }})",
            meaning="The kubelet of a node says that it is not ready, or says nothing; its pods are moved or lost.",
            fires=Example(
                series={'kube_node_status_condition{node="ip-10-0-1-9",condition="Ready",status="true"}': "1x20 0x100"},
                at="1h",
                labels={"node": "ip-10-0-1-9"},
                summary="node ip-10-0-1-9 has not been ready for 10 minutes (condition Ready is 0)",
            ),
            silent=Example(
                series={
                    'kube_node_status_condition{node="ip-10-0-1-9",condition="Ready",status="true"}': "1x20 0x8 1x90"
                },
                at="40m",
            ),
        ),
    ),
)
