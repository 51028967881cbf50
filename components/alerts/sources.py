"""Silence of what everything else is read from: an alert on a metric that is gone would stay silent for ever."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Severity, Team


def _gone(name: str, metric: str, series: str, *, severity: Severity, source: str, lost: str) -> Alert:
    """An alert for a source of which one copy is enough: `metric` has been absent for 15 minutes."""
    return Alert(
        name=name,
        expr=f"absent({metric})",
        hold="15m",
        severity=severity,
        team=Team.PLATFORM,
        summary=f"nothing from {source} for 15 minutes ({{{{ $value }}}} source of metrics gone)",
        meaning=f"Prometheus reads nothing from {source}. Until it is back, {lost}.",
        fires=Example(
            series={series: "1x30"},
            labels={},
            summary=f"nothing from {source} for 15 minutes (1 source of metrics gone)",
        ),
        silent=Example(series={series: "1x150"}),
    )


GROUP = Group(
    name="sources",
    alerts=(
        Alert(
            name="GpuMetricsAbsent",
            expr='max by (node) (kube_node_status_capacity{resource="nvidia_com_gpu"}) > 0 unless on (node) DCGM_FI_DEV_GPU_TEMP',
            hold="15m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="node {{ $labels.node }} has {{ $value }} GPUs and no metrics of them",
            meaning="The DCGM exporter does not run on a GPU node, or Prometheus cannot reach it. No GPU alert can fire for it.",
            fires=Example(
                series={
                    'kube_node_status_capacity{node="ip-10-0-1-9",resource="nvidia_com_gpu",unit="integer"}': "4x150",
                    'kube_node_status_capacity{node="ip-10-0-1-8",resource="nvidia_com_gpu",unit="integer"}': "1x150",
                    'DCGM_FI_DEV_GPU_TEMP{node="ip-10-0-1-8",gpu="0"}': "40x150",
                },
                labels={"node": "ip-10-0-1-9"},
                summary="node ip-10-0-1-9 has 4 GPUs and no metrics of them",
            ),
            silent=Example(
                series={
                    'kube_node_status_capacity{node="ip-10-0-1-8",resource="nvidia_com_gpu",unit="integer"}': "1x150",
                    'DCGM_FI_DEV_GPU_TEMP{node="ip-10-0-1-8",gpu="0"}': "40x150",
                    'kube_node_status_capacity{node="ip-10-0-1-7",resource="cpu",unit="core"}': "4x150",
                }
            ),
        ),
        _gone(
            "KarpenterMetricsAbsent",
            "karpenter_cluster_state_synced",
            "karpenter_cluster_state_synced",
            severity=Severity.CRITICAL,
            source="Karpenter",
            lost="nobody sees pools at their limits or interruptions, and perhaps no node comes or goes",
        ),
        _gone(
            "KubeStateMetricsAbsent",
            "kube_node_info",
            'kube_node_info{node="ip-10-0-1-9"}',
            severity=Severity.CRITICAL,
            source="kube-state-metrics",
            lost="nobody sees pods that wait, or nodes that are not ready",
        ),
        _gone(
            "NodeMetricsAbsent",
            "node_memory_MemAvailable_bytes",
            'node_memory_MemAvailable_bytes{instance="10.0.1.9:9100"}',
            severity=Severity.WARNING,
            source="the node exporters",
            lost="nobody sees memory, processors and disks of the nodes",
        ),
        _gone(
            "KubeletMetricsAbsent",
            "kubelet_node_name",
            'kubelet_node_name{node="ip-10-0-1-9"}',
            severity=Severity.WARNING,
            source="the kubelets",
            lost="nobody sees what containers use and how full volumes are",
        ),
        _gone(
            "ApiServerMetricsAbsent",
            "apiserver_request_total",
            'apiserver_request_total{verb="GET",code="200"}',
            severity=Severity.WARNING,
            source="the API server",
            lost="nobody sees whether it answers, and how fast",
        ),
        Alert(
            name="MonitoringVolumeFilling",
            expr=(
                'kubelet_volume_stats_available_bytes{namespace="monitoring"} / '
                'kubelet_volume_stats_capacity_bytes{namespace="monitoring"} < 0.1'
            ),
            hold="15m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its space left",
            meaning="A volume of Prometheus, Alertmanager or Grafana is nearly full; a full one stops them.",
            fires=Example(
                series={
                    'kubelet_volume_stats_available_bytes{namespace="monitoring",persistentvolumeclaim="db-0"}': "5e9x150",
                    'kubelet_volume_stats_capacity_bytes{namespace="monitoring",persistentvolumeclaim="db-0"}': "1e11x150",
                },
                labels={"namespace": "monitoring", "persistentvolumeclaim": "db-0"},
                summary="volume db-0 has 5% of its space left",
            ),
            silent=Example(
                series={
                    'kubelet_volume_stats_available_bytes{namespace="monitoring",persistentvolumeclaim="db-0"}': "2e10x150",
                    'kubelet_volume_stats_capacity_bytes{namespace="monitoring",persistentvolumeclaim="db-0"}': "1e11x150",
                }
            ),
        ),
    ),
)
