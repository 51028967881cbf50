"""Nodes and the pods that wait for them, as Kubernetes itself sees them."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Recording, Severity, Team

GPU_PENDING = "modelyard:gpu_pods_pending:count"
OLD_DAYS = 30
"""Age (days) from which a node is reported: Karpenter's default lifetime of a node."""


def waiting(pod: str) -> dict[str, str]:
    """Series of a pod that asks for a GPU and has no node."""
    who = f'namespace="modelyard-serving",pod="{pod}",uid="{pod}"'
    return {
        f"kube_pod_status_unschedulable{{{who}}}": "1x150",
        f'kube_pod_container_resource_requests{{{who},container="vllm",resource="nvidia_com_gpu",unit="integer"}}': "1x150",
    }


GROUP = Group(
    name="nodes",
    recordings=(
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
            name="GpuPodsPending",
            expr=f"{GPU_PENDING} > 0",
            hold="15m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="{{ $value }} pods in {{ $labels.namespace }} have waited for a GPU for 15 minutes",
            meaning="Pods that ask for GPUs find no node: the pool is at its limit, the types are not to be had, or"
            " nothing fits what they ask for.",
            fires=Example(
                series={**waiting("assistant-0"), **waiting("assistant-1")},
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
        Alert(
            name="NodesOld",
            expr=f"count(time() - kube_node_created > {OLD_DAYS * 86400})",
            hold="1h",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary=f"{{{{ $value }}}} nodes have run for more than {OLD_DAYS} days",
            meaning="Nodes do not expire. A newer image in `AMI_ALIASES` replaces them, in their pool's window."
            " No newer image came for a month, so these nodes lack its fixes.",
            fires=Example(
                series={f'kube_node_created{{node="ip-10-0-1-{each}"}}': "-2591000x150" for each in (8, 9)},
                labels={},
                summary=f"2 nodes have run for more than {OLD_DAYS} days",
            ),
            silent=Example(series={'kube_node_created{node="ip-10-0-1-9"}': "-2580000x150"}),
        ),
    ),
)
