"""A batch of spans as an application's OpenTelemetry exporter sends it over HTTP, whichever library made it."""

from __future__ import annotations

import secrets
import time

import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


def batch(service: str, *spans: str) -> ExportTraceServiceRequest:
    """One trace: the first span is its root, the others are under it, each 50 ms long."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    named = resource.resource.attributes.add(key="service.name")
    named.value.string_value = service
    trace, root, began = secrets.token_bytes(16), secrets.token_bytes(8), time.time_ns()
    scope = resource.scope_spans.add()
    for place, name in enumerate(spans):
        span = scope.spans.add(name=name, trace_id=trace, span_id=root if place == 0 else secrets.token_bytes(8))
        span.parent_span_id = b"" if place == 0 else root
        span.start_time_unix_nano, span.end_time_unix_nano = began, began + 50_000_000
        asked = span.attributes.add(key="retrieval.documents")
        asked.value.int_value = 10 + place
    return request


def send(
    url: str, body: ExportTraceServiceRequest, auth: tuple[str, str] | None, experiment: str | None
) -> requests.Response:
    """Posts a batch to a registry at `url`, for the experiment with that id."""
    headers = {"Content-Type": "application/x-protobuf"}
    if experiment is not None:
        headers["x-mlflow-experiment-id"] = experiment
    return requests.post(f"{url}/v1/traces", data=body.SerializeToString(), headers=headers, auth=auth, timeout=60)
