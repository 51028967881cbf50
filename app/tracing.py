"""One span for each answer, sent to MLflow over OTLP: who asked, which variant and prompt, how long, how many tokens.

Names of attributes: OpenTelemetry's conventions for generative AI and for feature flags (in development, read 2026-11),
and MLflow's own two for what a trace's page shows (mlflow 3.17, `mlflow/tracing/constant.py`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, Status, StatusCode

from app.assignment import Assignment
from app.prompts import Prompt
from app.settings import Settings

DELAY_MS = 500
"""How long (ms) a finished span waits for others before they are sent together."""


def authorization(settings: Settings) -> dict[str, str]:
    """The header with which the service signs in to the registry; empty where it asks nobody."""
    if not settings.registry_user:
        return {}
    pair = f"{settings.registry_user}:{settings.registry_password}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def exporter(settings: Settings) -> SpanExporter | None:
    """What sends spans to MLflow; None when no experiment takes them."""
    if not settings.trace_experiment_id:
        return None
    headers = {"x-mlflow-experiment-id": settings.trace_experiment_id, **authorization(settings)}
    return OTLPSpanExporter(endpoint=f"{settings.registry_url}/v1/traces", headers=headers, timeout=10)


class Tracing:
    """Starts and ends the spans of answers. Without an exporter spans have ids and go nowhere."""

    def __init__(self, settings: Settings, sends: SpanExporter | None) -> None:
        self._texts = settings.record_texts
        resource = Resource.create({"service.name": "chat", "service.version": settings.version})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        if sends is not None:
            self._provider.add_span_processor(BatchSpanProcessor(sends, schedule_delay_millis=DELAY_MS))
        self._tracer = self._provider.get_tracer("app")

    def start(
        self, user: str, model: str, prompt: Prompt, assigned: Assignment | None, messages: Sequence[Mapping[str, Any]]
    ) -> Span:
        """The span of one answer, with the user's exposure to an experiment as an event."""
        span = self._tracer.start_span("chat")
        span.set_attribute("gen_ai.operation.name", "chat")
        span.set_attribute("gen_ai.request.model", model)
        span.set_attribute("user.id", user)
        span.set_attribute("app.prompt.name", prompt.name)
        span.set_attribute("app.prompt.version", prompt.version)
        if assigned is not None:
            exposure = {
                "feature_flag.key": assigned.key,
                "feature_flag.result.variant": assigned.variant,
                "feature_flag.context.id": user,
                "feature_flag.version": assigned.version,
            }
            span.set_attributes(exposure)
            span.add_event("feature_flag.evaluation", exposure)
        if self._texts:
            span.set_attribute("mlflow.spanInputs", json.dumps({"messages": list(messages)}))
        return span

    def end(self, span: Span, answer: str, tokens_in: int, tokens_out: int, failed: str = "") -> None:
        """Ends a span; `failed` says why there is no whole answer."""
        span.set_attribute("gen_ai.usage.input_tokens", tokens_in)
        span.set_attribute("gen_ai.usage.output_tokens", tokens_out)
        if self._texts and answer:
            span.set_attribute("mlflow.spanOutputs", json.dumps({"answer": answer}))
        if failed:
            span.set_status(Status(StatusCode.ERROR, failed))
        span.end()

    def flush(self) -> None:
        """Sends what waits."""
        self._provider.force_flush(5_000)

    def close(self) -> None:
        """Sends what waits and stops."""
        self._provider.shutdown()


def trace_id(span: Span) -> str:
    """The id under which MLflow keeps a span's trace."""
    return f"tr-{span.get_span_context().trace_id:032x}"
