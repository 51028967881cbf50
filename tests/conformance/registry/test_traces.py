"""A real MLflow server takes a trace over OTLP, and MLflow's client reads back what an application sent."""

from __future__ import annotations

from collections.abc import Callable

import mlflow
import pytest
from mlflow.entities import SpanStatusCode, Trace

from sandbox.stack.mlflow_server import ADMIN, MlflowServer
from tests.conformance.registry.otlp import batch, send

pytestmark = pytest.mark.conformance
SPANS = ("answer", "retrieve", "generate")


@pytest.fixture
def client(running: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> mlflow.MlflowClient:
    for name, value in running.variables().items():
        monkeypatch.setenv(name, value)
    return mlflow.MlflowClient(running.url)


def found(client: mlflow.MlflowClient, experiment: str) -> list[Trace]:
    """Every trace of an experiment, with its spans."""
    return list(client.search_traces(locations=[experiment], include_spans=True))


def test_a_trace_sent_over_otlp_is_read_back_with_its_spans(
    running: MlflowServer, client: mlflow.MlflowClient, fresh: Callable[[str], str]
) -> None:
    experiment = client.create_experiment(fresh("traced"))
    assert found(client, experiment) == []
    sent = batch("assistant", *SPANS)
    assert send(running.url, sent, (ADMIN, running.password), experiment).status_code == 200
    (trace,) = found(client, experiment)
    first = sent.resource_spans[0].scope_spans[0].spans[0]
    assert trace.info.trace_id == f"tr-{first.trace_id.hex()}"
    spans = {span.name: span for span in trace.data.spans}
    assert set(spans) == set(SPANS)
    root = spans["answer"]
    assert root.parent_id is None
    assert {spans[name].parent_id for name in SPANS[1:]} == {root.span_id}
    assert (root.start_time_ns, root.end_time_ns) == (first.start_time_unix_nano, first.end_time_unix_nano)
    assert [spans[name].attributes["retrieval.documents"] for name in SPANS] == [10, 11, 12]
    assert root.status.status_code is SpanStatusCode.UNSET


def test_a_trace_of_nobody_and_one_for_no_experiment_are_refused(
    running: MlflowServer, client: mlflow.MlflowClient, fresh: Callable[[str], str]
) -> None:
    experiment = client.create_experiment(fresh("untraced"))
    sent, admin = batch("assistant", *SPANS), (ADMIN, running.password)
    assert send(running.url, sent, None, experiment).status_code == 401
    assert send(running.url, sent, (ADMIN, "wrong-password"), experiment).status_code == 401
    assert send(running.url, sent, admin, None).status_code == 422
    assert found(client, experiment) == []
    assert send(running.url, sent, admin, experiment).status_code == 200
    assert len(found(client, experiment)) == 1
