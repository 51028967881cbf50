"""The MLflow registry: whether it answers, how fast and how well, the traces it takes, whom it tells, and the pods it runs in."""

from __future__ import annotations

from components.dashboards.board import Board, Kind, Panel, Query, Row, Unit
from components.registry.alerts import DELIVERIES, DURATION, HERE, REQUESTS, UP, failed, lost, slowest

_WINDOW = "$__rate_interval"
_POD = f'{HERE},container="registry"'
_SHARES = (0.5, 0.95, 0.99)

BOARD = Board(
    uid="modelyard-registry",
    title="Registry",
    about="Whether the MLflow registry is well: its servers, requests, traces and what it keeps.",
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="Servers that answer",
                    about="Servers whose metrics Prometheus could read just now.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    queries=(Query(expr=f"sum({UP}) or vector(0)"),),
                ),
                Panel(
                    title="Requests now",
                    about="Requests a second that all servers answer together.",
                    unit=Unit.PER_SECOND,
                    kind=Kind.NUMBER,
                    queries=(Query(expr=f"sum(rate({REQUESTS}{{{HERE}}}[{_WINDOW}]))"),),
                ),
                Panel(
                    title="Failed",
                    about="Share of requests that the servers answered with an error of their own (5xx).",
                    unit=Unit.RATIO,
                    kind=Kind.NUMBER,
                    warn=0.05,
                    # Nothing has failed as long as no server ever answered 5xx: there is no such series then.
                    queries=(Query(expr=f"{failed(_WINDOW)} or vector(0)"),),
                ),
                Panel(
                    title="19 of 20 are answered within",
                    about="Files and traces are not among them.",
                    unit=Unit.SECONDS,
                    kind=Kind.NUMBER,
                    warn=2.5,
                    queries=(Query(expr=slowest(0.95, _WINDOW)),),
                ),
            ),
        ),
        Row(
            title="Requests",
            panels=(
                Panel(
                    title="By answer",
                    about="Requests a second; 4xx is what clients asked wrongly, 5xx is what the servers did.",
                    unit=Unit.PER_SECOND,
                    queries=(
                        Query(
                            expr=f"sum by (status) (rate({REQUESTS}{{{HERE}}}[{_WINDOW}]))",
                            legend="{{status}}",
                        ),
                    ),
                ),
                Panel(
                    title="Time to answer",
                    about="Half, 19 of 20 and 99 of 100 requests are answered within this time; files are not counted.",
                    unit=Unit.SECONDS,
                    warn=2.5,
                    queries=tuple(Query(expr=slowest(share, _WINDOW), legend=f"{share:.0%}") for share in _SHARES),
                ),
                Panel(
                    title="Time to answer, by method",
                    about="19 of 20 requests of each method; files are not counted.",
                    unit=Unit.SECONDS,
                    queries=(
                        Query(
                            expr=f"histogram_quantile(0.95, sum by (le, method) (rate({DURATION}{{{HERE}}}[{_WINDOW}])))",
                            legend="{{method}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Traces over OTLP",
            panels=(
                Panel(
                    title="Spans kept",
                    about="Spans a second that were taken and stored.",
                    unit=Unit.PER_SECOND,
                    queries=(
                        Query(
                            expr=f"sum by (protocol) (rate(mlflow_spans_ingested_total{{{HERE}}}[{_WINDOW}]))",
                            legend="{{protocol}}",
                        ),
                    ),
                ),
                Panel(
                    title="Batches, and those that the servers failed on",
                    about="A batch that a server could not store is answered 422 or 5xx; most clients do not send it again.",
                    unit=Unit.PER_SECOND,
                    queries=(
                        Query(
                            expr=f"sum(rate(mlflow_otlp_request_duration_seconds_count{{{HERE}}}[{_WINDOW}]))",
                            legend="taken or not",
                        ),
                        Query(
                            expr=f"sum(rate(mlflow_trace_ingestion_server_errors_total{{{HERE}}}[{_WINDOW}])) or vector(0)",
                            legend="failed",
                        ),
                    ),
                ),
                Panel(
                    title="Time to take a batch",
                    about="19 of 20 batches are stored within this time.",
                    unit=Unit.SECONDS,
                    queries=(
                        Query(
                            expr="histogram_quantile(0.95, sum by (le) "
                            f"(rate(mlflow_otlp_request_duration_seconds_bucket{{{HERE}}}[{_WINDOW}])))",
                            legend="95%",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="Webhooks",
            panels=(
                Panel(
                    title="Deliveries in an hour",
                    about="Events that receivers were told of, and those that no try could deliver.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr=f"sum by (outcome) (increase({DELIVERIES}{{{HERE}}}[1h]))",
                            legend="{{outcome}}",
                        ),
                    ),
                ),
                Panel(
                    title="Lost in an hour",
                    about="Deliveries that failed after every try; nobody sends them again.",
                    unit=Unit.COUNT,
                    warn=1,
                    queries=(Query(expr=lost("1h"), legend="{{webhook}}: {{event}}"),),
                ),
            ),
        ),
        Row(
            title="Servers",
            panels=(
                Panel(
                    title="Replicas",
                    about="Servers that are ready, beside those that the autoscaler wants and the most it may want.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr=f'sum(kube_deployment_status_replicas_ready{{{HERE},deployment="registry"}})',
                            legend="ready",
                        ),
                        Query(
                            expr=f'sum(kube_deployment_spec_replicas{{{HERE},deployment="registry"}})', legend="wanted"
                        ),
                        Query(
                            expr="sum(kube_horizontalpodautoscaler_spec_max_replicas"
                            f'{{{HERE},horizontalpodautoscaler="registry"}})',
                            legend="at the most",
                        ),
                    ),
                ),
                Panel(
                    title="Restarts",
                    about="Servers that Kubernetes started anew in the last hour.",
                    unit=Unit.COUNT,
                    warn=1,
                    queries=(
                        Query(
                            expr=f"sum by (pod) (increase(kube_pod_container_status_restarts_total{{{_POD}}}[1h]))",
                            legend="{{pod}}",
                        ),
                    ),
                ),
                Panel(
                    title="Processors",
                    about="Time that each server uses; 100% is one processor.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr=f"sum by (pod) (rate(container_cpu_usage_seconds_total{{{_POD}}}[{_WINDOW}]))",
                            legend="{{pod}}",
                        ),
                    ),
                ),
                Panel(
                    title="Memory",
                    about="Memory of each server that cannot be taken back from it.",
                    unit=Unit.BYTES,
                    queries=(
                        Query(
                            expr=f"sum by (pod) (container_memory_working_set_bytes{{{_POD}}})",
                            legend="{{pod}}",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            title="What it keeps",
            panels=(
                Panel(
                    title="Space left on its volume",
                    about="Of a registry that keeps everything on a volume; one in AWS has none, see CloudWatch.",
                    unit=Unit.RATIO,
                    queries=(
                        Query(
                            expr=f"min(kubelet_volume_stats_available_bytes{{{HERE}}} / "
                            f"kubelet_volume_stats_capacity_bytes{{{HERE}}})",
                            legend="left",
                        ),
                    ),
                ),
            ),
        ),
    ),
)
