"""The platform at a glance: alerts, nodes, what they cost, how full they are, and whether the API server answers."""

from __future__ import annotations

from components.dashboards.board import Board, Kind, Panel, Query, Row, Unit
from components.nodes.alerts.nodes import GPU_PENDING

_LATENCY = "apiserver_request_duration_seconds_bucket"

BOARD = Board(
    uid="modelyard-overview",
    title="Platform overview",
    about="Whether the platform is well: alerts, nodes, cost an hour, use, and the API server.",
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Alerts that fire",
                    about="Critical ones and warnings, whoever they belong to.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(
                        Query(
                            expr='sum by (severity) (ALERTS{alertstate="firing",severity=~"critical|warning"})',
                            legend="{{severity}}",
                        ),
                    ),
                ),
                Panel(
                    title="Nodes that are not ready",
                    about="Nodes whose kubelet does not say that it is ready.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(
                        Query(
                            expr='count(kube_node_status_condition{condition="Ready",status="true"} == 0) or vector(0)'
                        ),
                    ),
                ),
                Panel(
                    title="Pods that wait for GPUs",
                    about="Pods of all namespaces that ask for GPUs and have no node.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(Query(expr=f"sum({GPU_PENDING}) or vector(0)"),),
                ),
                Panel(
                    title="Nodes, USD an hour",
                    about="What the nodes that Karpenter made cost now, by its own prices; system nodes are not in it.",
                    unit=Unit.USD,
                    kind=Kind.NUMBER,
                    queries=(Query(expr="sum(karpenter_nodepools_cost_total)"),),
                ),
            ),
        ),
        Row(
            title="Nodes",
            panels=(
                Panel(
                    title="Nodes by pool",
                    about="Nodes of each pool; those without a pool are system nodes.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr="count by (label_modelyard_dev_pool) (kube_node_labels)",
                            legend="{{label_modelyard_dev_pool}}",
                        ),
                    ),
                ),
                Panel(
                    title="USD an hour by NodePool",
                    about="Where the money goes, by Karpenter's own prices.",
                    unit=Unit.USD,
                    queries=(Query(expr="sum by (nodepool) (karpenter_nodepools_cost_total)", legend="{{nodepool}}"),),
                ),
                Panel(
                    title="Nodes made and ended",
                    about="In each hour; many of both means that something does not come to rest.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr="sum by (nodepool) (increase(karpenter_nodes_created_total[1h]))",
                            legend="{{nodepool}} made",
                        ),
                        Query(
                            expr="sum by (nodepool) (increase(karpenter_nodes_terminated_total[1h]))",
                            legend="{{nodepool}} ended",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Use",
            panels=(
                Panel(
                    title="Processors busy",
                    about="Share of time in which the processors of all nodes did something.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr='avg(1 - rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', legend="busy"
                        ),
                    ),
                ),
                Panel(
                    title="Memory of the fullest node",
                    about="Share of memory that is left on the fullest node.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr="min(node_memory_MemAvailable_bytes / on (instance) node_memory_MemTotal_bytes)",
                            legend="left",
                        ),
                    ),
                ),
                Panel(
                    title="Space left on volumes",
                    about="The fullest volumes of the cluster.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr="bottomk(5, min by (namespace, persistentvolumeclaim) "
                            "(kubelet_volume_stats_available_bytes / on (namespace, persistentvolumeclaim) "
                            "kubelet_volume_stats_capacity_bytes))",
                            legend="{{namespace}} {{persistentvolumeclaim}}",
                        ),
                    ),
                ),
                Panel(
                    title="Containers that restart",
                    about="Restarts in each hour, the five namespaces with the most.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr="topk(5, sum by (namespace) (increase(kube_pod_container_status_restarts_total[1h])))",
                            legend="{{namespace}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="API server",
            panels=(
                Panel(
                    title="Requests",
                    about="Requests a second, by answer.",
                    unit=Unit.PER_SECOND,
                    queries=(
                        Query(
                            expr="sum by (code) (rate(apiserver_request_total[$__rate_interval]))", legend="{{code}}"
                        ),
                    ),
                ),
                Panel(
                    title="Answered within a second",
                    about="Share of requests, watches aside.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr=f'sum(rate({_LATENCY}{{le="1",verb!="WATCH"}}[$__rate_interval])) / '
                            f'sum(rate({_LATENCY}{{le="+Inf",verb!="WATCH"}}[$__rate_interval]))',
                            legend="within 1 s",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
