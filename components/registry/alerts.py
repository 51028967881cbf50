"""Alerts on the registry: down, slow, failing, webhooks lost, volume full, or without metrics.

MLflow exports nothing about its webhooks, its database and the files that go through it. Webhooks are counted by what the
platform adds to the server (`components/registry/in_cluster/registry_webhooks.py`); of a database in AWS RDS itself tells a topic
(`components/registry/database.py`).
"""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Severity, Team, absent
from components.registry.pods import NAMESPACE

HERE = f'namespace="{NAMESPACE}"'
UP = f'up{{{HERE},job="registry"}}'
REQUESTS = "mlflow_http_request_total"
DURATION = "mlflow_http_request_duration_seconds_bucket"
DELIVERIES = "modelyard_registry_webhook_deliveries_total"


def failed(window: str) -> str:
    """Share of requests that the servers answered with an error of their own, over a PromQL window."""
    return f'sum(rate({REQUESTS}{{{HERE},status=~"5.."}}[{window}])) / sum(rate({REQUESTS}{{{HERE}}}[{window}]))'


def slowest(share: float, window: str) -> str:
    """Time (seconds) within which that share of requests is answered, over a PromQL window; files are not among them."""
    return f"histogram_quantile({share}, sum by (le) (rate({DURATION}{{{HERE}}}[{window}])))"


def lost(window: str) -> str:
    """Deliveries that failed over a PromQL window, by webhook and event.

    The first delivery that a server loses makes its series, at one: nothing has increased then, so a series that was not there
    before the window counts as it stands. A gap of hours is no new series.
    """
    failed = f'{DELIVERIES}{{{HERE},outcome="failed"}}'
    fresh = f"{failed} unless max_over_time({failed}[6h] offset {window})"
    return f"sum by (webhook, event) (({fresh}) or increase({failed}[{window}]))"


def _up(pod: str) -> str:
    return f'up{{{HERE},job="registry",pod="{pod}"}}'


def _answered(status: int) -> str:
    return f'{REQUESTS}{{{HERE},method="GET",status="{status}"}}'


def _within(bound: str) -> str:
    return f'{DURATION}{{{HERE},method="GET",status="200",le="{bound}"}}'


def _delivered(outcome: str) -> str:
    return (
        f'{DELIVERIES}{{{HERE},pod="registry-0",webhook="deploys",event="model_version.created",outcome="{outcome}"}}'
    )


def _volume(what: str) -> str:
    return f'kubelet_volume_stats_{what}_bytes{{{HERE},persistentvolumeclaim="registry"}}'


GROUP = Group(
    name="registry",
    alerts=(
        Alert(
            name="RegistryDown",
            # A server that is not there has no series at all, and none of them adds up to nothing rather than to zero.
            expr=f"(sum({UP}) or vector(0)) == 0",
            hold="5m",
            severity=Severity.CRITICAL,
            team=Team.REGISTRY,
            summary="{{ $value }} of the registry's servers answer Prometheus",
            meaning="No server of the registry answers: no run is logged and no model is found.",
            fires=Example(
                series={_up("registry-0"): "1x10 0x30", _up("registry-1"): "1x10 _x30"},
                at="20m",
                labels={},
                summary="0 of the registry's servers answer Prometheus",
            ),
            silent=Example(series={_up("registry-0"): "0x150", _up("registry-1"): "1x150"}),
        ),
        Alert(
            name="RegistrySlow",
            expr=f"{slowest(0.95, '10m')} > 2.5",
            hold="10m",
            severity=Severity.WARNING,
            team=Team.REGISTRY,
            summary="one request in twenty to the registry takes longer than {{ $value | humanizeDuration }}",
            meaning="The registry is slow. Training that logs to it waits. Files and traces are not counted.",
            fires=Example(
                series={_within("2.5"): "0+9x60", _within("5.0"): "0+10x60", _within("+Inf"): "0+10x60"},
                at="40m",
                labels={},
                summary="one request in twenty to the registry takes longer than 3.75s",
            ),
            silent=Example(
                series={
                    _within("2.5"): "0+97x60",
                    _within("5.0"): "0+100x60",
                    _within("+Inf"): "0+100x60",
                },
                at="40m",
            ),
        ),
        Alert(
            name="RegistryErrors",
            expr=f"{failed('5m')} > 0.05",
            hold="5m",
            severity=Severity.CRITICAL,
            team=Team.REGISTRY,
            summary="the registry answers {{ $value | humanizePercentage }} of requests with an error of its own",
            meaning="The servers run and fail: most often the database cannot be reached. Files and traces are not counted.",
            fires=Example(
                series={_answered(200): "0+9x60", _answered(503): "0+1x60"},
                at="30m",
                labels={},
                summary="the registry answers 10% of requests with an error of its own",
            ),
            # What a client asks wrongly is no error of the server's, and neither is what was answered hours ago.
            silent=Example(
                series={_answered(200): "0+9x60", _answered(404): "0+9x60", _answered(500): "7x60"}, at="30m"
            ),
        ),
        Alert(
            name="RegistryWebhooksFailing",
            expr=f"{lost('15m')} > 0",
            hold="1m",
            severity=Severity.WARNING,
            team=Team.REGISTRY,
            summary="deliveries of {{ $labels.event }} that webhook {{ $labels.webhook }} lost in 15 minutes: "
            '{{ $value | printf "%.0f" }}',
            meaning="A webhook's receiver did not take what it was told, after every try. MLflow sends it no more: "
            "whatever should have followed, such as a deployment, did not.",
            fires=Example(
                series={_delivered("failed"): "_x10 1x60"},
                at="20m",
                labels={"webhook": "deploys", "event": "model_version.created"},
                summary="deliveries of model_version.created that webhook deploys lost in 15 minutes: 1",
            ),
            # What was lost hours ago is over.
            silent=Example(series={_delivered("failed"): "7x150", _delivered("delivered"): "0+1x150"}),
        ),
        Alert(
            name="RegistryVolumeFilling",
            expr=f"kubelet_volume_stats_available_bytes{{{HERE}}} / kubelet_volume_stats_capacity_bytes{{{HERE}}} < 0.1",
            hold="15m",
            severity=Severity.WARNING,
            team=Team.REGISTRY,
            summary="volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its space left",
            meaning="A registry that keeps everything on a volume is nearly full; a full one accepts no more runs.",
            fires=Example(
                series={_volume("available"): "1e9x150", _volume("capacity"): "2e10x150"},
                labels={"namespace": NAMESPACE, "persistentvolumeclaim": "registry"},
                summary="volume registry has 5% of its space left",
            ),
            silent=Example(series={_volume("available"): "3e9x150", _volume("capacity"): "2e10x150"}),
        ),
        absent(
            "RegistryMetricsAbsent",
            "mlflow_exporter_info",
            'mlflow_exporter_info{version="0.23.2"}',
            severity=Severity.WARNING,
            source="the registry",
            lost="nobody sees whether it is slow or answers with errors",
            team=Team.REGISTRY,
        ),
    ),
)
