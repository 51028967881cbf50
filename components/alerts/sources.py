"""Alerts on sources of metrics that are gone. Without them, an alert on a missing metric would never fire."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Severity, Team, absent

GROUP = Group(
    name="sources",
    alerts=(
        absent(
            "KubeStateMetricsAbsent",
            "kube_node_info",
            'kube_node_info{node="ip-10-0-1-9"}',
            severity=Severity.CRITICAL,
            source="kube-state-metrics",
            lost="nobody sees pods that wait, or nodes that are not ready",
        ),
        absent(
            "NodeMetricsAbsent",
            "node_memory_MemAvailable_bytes",
            'node_memory_MemAvailable_bytes{instance="10.0.1.9:9100"}',
            severity=Severity.WARNING,
            source="the node exporters",
            lost="nobody sees memory, processors and disks of the nodes",
        ),
        absent(
            "KubeletMetricsAbsent",
            "kubelet_node_name",
            'kubelet_node_name{node="ip-10-0-1-9"}',
            severity=Severity.WARNING,
            source="the kubelets",
            lost="nobody sees what containers use and how full volumes are",
        ),
        absent(
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
