"""The registry as its users meet it: gone, slow, wrong, out of room for what it keeps, or silent.

MLflow exports nothing about its webhooks, its database and the files that go through it. A failed webhook stands in the server's
log alone; of a database in AWS RDS itself tells a topic (`components/registry_database.py`).
"""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Severity, Team, absent
from components.registry_pods import NAMESPACE

HERE = f'namespace="{NAMESPACE}"'
UP = f'up{{{HERE},job="registry"}}'
REQUESTS = "mlflow_http_request_total"
DURATION = "mlflow_http_request_duration_seconds_bucket"


def failed(window: str) -> str:
    """Share of requests that the servers answered with an error of their own, over a PromQL window."""
    return f'sum(rate({REQUESTS}{{{HERE},status=~"5.."}}[{window}])) / sum(rate({REQUESTS}{{{HERE}}}[{window}]))'


def slowest(share: float, window: str) -> str:
    """Time (seconds) within which that share of requests is answered, over a PromQL window; files are not among them."""
    return f"histogram_quantile({share}, sum by (le) (rate({DURATION}{{{HERE}}}[{window}])))"


def _up(pod: str) -> str:
    return f'up{{{HERE},job="registry",pod="{pod}"}}'


def _answered(status: int) -> str:
    return f'{REQUESTS}{{{HERE},method="GET",status="{status}"}}'


def _within(bound: str) -> str:
    return f'{DURATION}{{{HERE},method="GET",status="200",le="{bound}"}}'


def _volume(what: str) -> str:
    return f'kubelet_volume_stats_{what}_bytes{{{HERE},persistentvolumeclaim="registry"}}'


GROUP = Group(
    name="registry",
    registry=True,
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
            meaning="The registry answers late; training that logs to it waits with it. Files and traces are not counted.",
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
            name="RegistryVolumeFilling",
            expr=f"kubelet_volume_stats_available_bytes{{{HERE}}} / kubelet_volume_stats_capacity_bytes{{{HERE}}} < 0.1",
            hold="15m",
            severity=Severity.WARNING,
            team=Team.REGISTRY,
            summary="volume {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its space left",
            meaning="A registry that keeps everything on a volume is nearly full; a full one takes no more runs.",
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
