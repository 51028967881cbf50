"""A real Prometheus scrapes a real MLflow server, built as prod is: panels show what happened, alerts fire when it ends."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from components.dashboards.board import Panel
from components.registry import dashboard as registry
from components.registry.alerts import DELIVERIES
from components.registry.pods import NAMESPACE, scrape
from kube.metrics import exporters
from tests.components.monitoring.expressions import selectors
from tests.components.monitoring.known import known
from tests.conformance.monitoring.prometheus import PATIENCE, watching
from tests.conformance.monitoring.receiver import Receiver, receiving
from tests.conformance.registry.otlp import batch, send
from tests.conformance.registry.setting import Setting, opened

pytestmark = pytest.mark.conformance

HOLD = "5s"
"""How long alerts hold here, in place of minutes; their expressions are the ones that a stack declares."""

MOST_OUTAGES = 20
"""Outages of the database before the test gives up: a rate takes two, and what else is asked meanwhile thins them out."""

ELSEWHERE = {
    "Replicas": "kube-state-metrics",
    "Restarts": "kube-state-metrics",
    "Processors": "kubelet",
    "Memory": "kubelet",
    "Space left on its volume": "kubelet",
}
"""Panels that show what another exporter says of the server's pods and volume; no pod runs here, so they stay empty."""

NOT_COUNTED_HERE = {"mlflow_http_request_exceptions_total", "mlflow_trace_ingestion_server_errors_total"}
"""Exceptions that no handler of MLflow's took, and batches that could not be stored: neither happens here."""


OURS = {"RegistryDown", "RegistryErrors", "RegistryMetricsAbsent"}
"""Alerts that are silent while the server is well. How fast this machine is today is not tried: RegistrySlow may have its say."""


ANSWERS = {"takes": 200, "fails": 500, "refuses": 404}
"""What the receivers of three webhooks answer."""


@dataclass
class Seen:
    """What was seen while a server ran, and after it had been stopped."""

    page: str
    rows: dict[str, list[list[dict[str, Any]]]]
    failing: dict[str, dict[str, Any]]
    stopped: dict[str, dict[str, Any]]
    down_after: float
    told: dict[str, int]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    with opened(tmp_path_factory.mktemp("seen")) as made:
        yield made


@pytest.fixture(scope="module")
def seen(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    setting.upgrade()
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(contextlib.ExitStack())
        url = running.enter_context(setting.server())
        prometheus = stack.enter_context(watching(tmp_path_factory.mktemp("prom") / "it", target(setting), hold=HOLD))
        prometheus.wait(lambda: "RegistryDown" not in prometheus.firing() and prometheus.ask("up == 1"))
        receivers = {name: stack.enter_context(receiving(answer)) for name, answer in ANSWERS.items()}
        tell(setting, url, receivers)
        prometheus.wait(lambda: len(prometheus.ask(DELIVERIES)) == len(ANSWERS))
        # A rate is of two samples at the least: what is counted for the first time has none yet.
        for _ in range(2):
            well(setting, url)
            prometheus.scraped()
        # A machine that has much else to do may miss a scrape, and then have it back.
        prometheus.wait(lambda: not OURS & set(prometheus.firing()))
        prometheus.wait(lambda: "RegistryWebhooksFailing" in prometheus.firing())
        # Prometheus signs in, which asks the database: what failed is counted, and read once the database is back.
        for _ in range(MOST_OUTAGES):
            failed(setting, url)
            moment = prometheus.scraped()
            if "RegistryErrors" in prometheus.firing():
                break
        failing = prometheus.wait(lambda: firing_in_outages(prometheus.firing()))
        rows = {
            panel.title: [prometheus.ask(over_all(query.expr), moment) for query in panel.queries] for panel in PANELS
        }
        page = requests.get(f"{url}/metrics", auth=("metrics", setting.secrets["metricsPassword"]), timeout=60).text
        ended = time.monotonic()
        running.close()
        prometheus.wait(lambda: "RegistryDown" in prometheus.firing())
        down_after = time.monotonic() - ended
        stopped = prometheus.wait(lambda: firing_all(prometheus.firing(), OURS - {"RegistryErrors"}))
        told = {name: receiver.asked for name, receiver in receivers.items()}
        yield Seen(page, rows, failing, stopped, down_after, told)


PANELS = registry.BOARD.panels


def target(setting: Setting) -> dict[str, Any]:
    """The ServiceMonitor's endpoint as a scrape config, with the labels that the operator gives its targets."""
    endpoint, password = scrape(), setting.secrets["metricsPassword"]
    labels = {"namespace": NAMESPACE, "service": "registry", "pod": "registry-0", "container": "registry"}
    return {
        "job_name": "registry",
        "metrics_path": endpoint["path"],
        "basic_auth": {"username": "metrics", "password": password},
        "static_configs": [
            {"targets": [f"127.0.0.1:{setting.port}"], "labels": {**labels, "endpoint": endpoint["port"]}}
        ],
    }


def over_all(expression: str) -> str:
    """A panel's expression over all that happened here, however long it took."""
    return expression.replace("$__rate_interval", "1h")


def firing_in_outages(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The alerts that fire, if those are among them that outages and receivers bring, and none of OURS besides.

    A scrape that an outage keeps from succeeding ends every alert about the server for as long as it holds.
    """
    expected = OURS & set(found) == {"RegistryErrors"} and "RegistryWebhooksFailing" in found
    return found if expected else {}


def firing_all(found: dict[str, dict[str, Any]], names: set[str]) -> dict[str, dict[str, Any]]:
    """The alerts that fire, if all of `names` are among them."""
    return found if names <= set(found) else {}


def well(setting: Setting, url: str) -> None:
    """Requests as clients send them: searches, an upload, a trace, and one that asks for what is not there."""
    with requests.Session() as client:
        client.auth = ("admin", setting.secrets["adminPassword"])
        for _ in range(10):
            assert client.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", timeout=60).ok
        assert client.post(f"{url}/api/2.0/mlflow/experiments/search", json={"max_results": 1}, timeout=60).ok
        assert client.get(f"{url}/api/2.0/mlflow/runs/get?run_id=nothing", timeout=60).status_code == 404
        put = f"{url}/api/2.0/mlflow-artifacts/artifacts/1/run/artifacts/model.bin"
        assert client.put(put, data=b"weights", timeout=60).ok
        assert send(url, batch("assistant", "answer", "retrieve"), client.auth, "0").ok


def tell(setting: Setting, url: str, receivers: Mapping[str, Receiver]) -> None:
    """A webhook for each receiver, one of them tried by hand, and an event that all of them are to hear of."""
    with requests.Session() as client:
        client.auth = ("admin", setting.secrets["adminPassword"])
        for name, receiver in receivers.items():
            event = {"entity": "REGISTERED_MODEL", "action": "CREATED"}
            asked = {"name": name, "url": receiver.url, "events": [event]}
            made = client.post(f"{url}/api/2.0/mlflow/webhooks", json=asked, timeout=60)
            assert made.ok, made.text
        tried = client.post(
            f"{url}/api/2.0/mlflow/webhooks/{made.json()['webhook']['webhook_id']}/test", json={}, timeout=60
        )
        assert tried.json()["result"]["success"] is False, tried.text
        model = {"name": "assistant"}
        assert client.post(f"{url}/api/2.0/mlflow/registered-models/create", json=model, timeout=60).ok


def failed(setting: Setting, url: str) -> None:
    """Requests to a server that has lost its database, until it has it back."""
    auth = ("admin", setting.secrets["adminPassword"])
    assert requests.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", auth=auth, timeout=60).ok
    setting.door.closed = True
    try:
        setting.disconnect()
        for _ in range(2):
            answer = requests.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", auth=auth, timeout=60)
            assert answer.status_code >= 500, answer.text
    finally:
        setting.door.closed = False
    began = time.monotonic()
    while not requests.get(f"{url}/api/2.0/mlflow/experiments/search?max_results=1", auth=auth, timeout=60).ok:
        assert time.monotonic() - began < PATIENCE


def here(panel: Panel) -> bool:
    """Whether all that a panel asks for comes from the server itself, or from Prometheus about it."""
    names = {each.name for query in panel.queries for each in selectors(query.expr)}
    return {known()[name].exporter for name in names} <= {"mlflow", "prometheus"}


def test_every_panel_shows_data_or_is_about_pods_that_do_not_run_here(seen: Seen, record_property: Any) -> None:
    assert {panel.title for panel in PANELS if not here(panel)} == set(ELSEWHERE)
    for panel in PANELS:
        answers = seen.rows[panel.title]
        if panel.title in ELSEWHERE:
            assert answers == [[]] * len(panel.queries)
            continue
        for query, answer in zip(panel.queries, answers, strict=True):
            assert answer, (panel.title, query.expr)
            assert all(math.isfinite(float(each["value"][1])) for each in answer), (panel.title, answer)
    shown = [panel.title for panel in PANELS if panel.title not in ELSEWHERE]
    record_property(
        "conformance",
        f"registry dashboard: {len(shown)} of {len(PANELS)} panels show data of a real MLflow server; "
        f"{len(ELSEWHERE)} need {' and '.join(sorted(set(ELSEWHERE.values())))}",
    )


def test_panels_show_what_happened(seen: Seen) -> None:
    def values(title: str, label: str = "") -> dict[str, float]:
        return {each["metric"].get(label, ""): float(each["value"][1]) for each in seen.rows[title][0]}

    assert values("Servers that answer") == {"": 1.0}
    answered = values("By answer", "status")
    wrong = sum(rate for status, rate in answered.items() if status.startswith("5"))
    assert wrong > 0
    assert answered["200"] > answered["404"] > 0
    assert math.isclose(sum(answered.values()), values("Requests now")[""], rel_tol=0.05)
    assert math.isclose(values("Failed")[""], wrong / sum(answered.values()), rel_tol=0.05)
    # The uploads were no part of what is counted: FastAPI answers them before Flask is asked.
    assert set(values("Time to answer, by method", "method")) == {"GET", "POST"}
    assert 0 < values("19 of 20 are answered within")[""] < 60
    assert list(values("Spans kept", "protocol")) == ["otlp"]


def test_deliveries_are_counted_by_what_became_of_them(seen: Seen) -> None:
    counted = {
        (sample.labels["webhook"], sample.labels["outcome"]): sample.value
        for family in text_string_to_metric_families(seen.page)
        for sample in family.samples
        if sample.name == DELIVERIES
    }
    assert counted == {("takes", "delivered"): 1, ("fails", "failed"): 1, ("refuses", "failed"): 1}
    # What can pass is tried four times; one of the other's two was by hand, and is no delivery.
    assert seen.told == {"takes": 1, "fails": 4, "refuses": 2}
    assert "planted-token" not in seen.page


def test_what_the_server_exports_is_what_the_table_says(seen: Seen) -> None:
    table = exporters()["mlflow"].series
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(seen.page):
        for sample in family.samples:
            metric = table[sample.name]
            scraped = metric.labels - frozenset(
                ("container", "endpoint", "instance", "job", "namespace", "pod", "service")
            )
            assert set(sample.labels) == scraped, sample.name
            if sample.name.endswith("_bucket"):
                assert float(sample.labels["le"]) in {*metric.bounds, math.inf}, sample
            else:
                assert family.type in (metric.type, "histogram"), sample.name
            found.setdefault(family.name, set()).add(sample.name)
    exported = {name for names in found.values() for name in names}
    assert set(table) - exported == NOT_COUNTED_HERE


def test_alerts_fire_when_they_should(seen: Seen, record_property: Any) -> None:
    assert OURS & set(seen.failing) == {"RegistryErrors"}
    assert OURS - {"RegistryErrors"} <= set(seen.stopped)
    assert seen.failing["RegistryErrors"]["annotations"]["summary"].startswith("the registry answers ")
    lost = seen.failing["RegistryWebhooksFailing"]
    assert lost["labels"]["webhook"] in ("fails", "refuses")
    assert lost["annotations"]["summary"].endswith(f"that webhook {lost['labels']['webhook']} lost in 15 minutes: 1")
    down = seen.stopped["RegistryDown"]
    assert down["annotations"]["summary"] == "0 of the registry's servers answer Prometheus"
    assert down["labels"]["severity"] == "critical"
    record_property(
        "conformance",
        f"RegistryDown fired {seen.down_after:.1f} s after a real MLflow server was told to stop (held {HOLD}), "
        "RegistryErrors while its database was away, RegistryWebhooksFailing after a receiver's 500 and 404",
    )
