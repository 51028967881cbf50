"""The service: a chat page, OpenAI's chat completions with a system prompt of the registry, and feedback on answers."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from opentelemetry.sdk.trace.export import SpanExporter
from opentelemetry.trace import Span
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from app.answer import Reading
from app.assignment import Assigner, Assignment, AssignmentError
from app.counting import Counting
from app.errors import INVALID, PASSED_ON, error, install, refused
from app.forms import Ask, Feedback
from app.metrics import Metrics
from app.prompts import Prompt, PromptError, Prompts
from app.settings import Settings
from app.tracing import Tracing, authorization, exporter, trace_id

PAGE = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
USER = re.compile(r"[A-Za-z0-9_.@-]{1,128}")
MOST_BYTES = 1_048_576
"""The largest body (bytes) that is read: far more than a model's context."""
NO_VARIANT = "none"
"""The label of answers outside any experiment."""
_JOIN_TRIES, _JOIN_SECONDS = 4, 0.5
"""Feedback may overtake its own trace on the way to MLflow: how often it is sent again, and how far apart (s)."""


class Service:
    """What the routes share: the clients, the prompts, the experiment, metrics and traces."""

    def __init__(self, settings: Settings, sends: SpanExporter | None, transport: httpx.AsyncBaseTransport | None):
        self.settings = settings
        self.metrics, self.tracing = Metrics(settings.version), Tracing(settings, sends)
        wait = httpx.Timeout(10.0, read=settings.first_byte_seconds)
        self.model = httpx.AsyncClient(base_url=settings.model_url, timeout=wait, transport=transport)
        self.registry = httpx.AsyncClient(
            base_url=settings.registry_url, headers=authorization(settings), timeout=10.0, transport=transport
        )
        self.prompts = Prompts(self.registry, settings.prompt_variables)
        self.assigner = Assigner(settings.flags_file, settings.experiment) if settings.flags_file else None

    def assigned(self, user: str) -> Assignment | None:
        """The user's variant; None where there is no experiment."""
        return self.assigner.of(user) if self.assigner else None

    async def prompt(self, assigned: Assignment | None) -> Prompt:
        """The system prompt of a variant, or the one prompt that there is."""
        return await self.prompts.get(assigned.prompt if assigned else self.settings.prompt)

    async def ready(self) -> str:
        """Why the service cannot answer; empty when it can."""
        addresses = self.assigner.prompts.values() if self.assigner else [self.settings.prompt]
        try:
            for address in addresses:
                await self.prompts.get(address)
        except PromptError as error:
            return str(error)
        return ""

    async def close(self) -> None:
        """Closes clients, sends the last traces."""
        await self.model.aclose()
        await self.registry.aclose()
        await asyncio.to_thread(self.tracing.close)


def create(
    settings: Settings, *, sends: SpanExporter | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """The application. Raises AssignmentError when the experiment's flags cannot be read.

    `sends` takes the place of MLflow for traces, `transport` that of the network.
    """
    service = Service(settings, sends or exporter(settings), transport)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await service.close()

    app = FastAPI(title="Chat", version=settings.version, lifespan=life, openapi_url=None)
    app.state.tracing = service.tracing

    app.add_middleware(Counting, metrics=service.metrics, version=settings.version)
    install(app)

    @app.get("/", response_class=HTMLResponse)
    async def page() -> str:
        return PAGE

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"version": settings.version}

    @app.get("/readyz")
    async def ready() -> Response:
        why = await service.ready()
        return JSONResponse({"ready": not why, "why": why}, 503 if why else 200)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    @app.post("/v1/chat/completions", max_body_size=MOST_BYTES)
    async def complete(request: Request, ask: Ask, x_user_id: Annotated[str, Header()] = "anonymous") -> Response:
        return await _complete(service, request, ask, x_user_id)

    @app.post("/v1/feedback", max_body_size=MOST_BYTES)
    async def feedback(said: Feedback, x_user_id: Annotated[str, Header()] = "anonymous") -> Response:
        return await _feedback(service, said, x_user_id)

    return app


async def _complete(service: Service, request: Request, ask: Ask, user: str) -> Response:
    if not USER.fullmatch(user):
        return error(400, "X-User-Id has letters, digits and _.@- only, 128 at the most", INVALID)
    started = time.monotonic()
    try:
        assigned = service.assigned(user)
        prompt = await service.prompt(assigned)
    except (AssignmentError, PromptError) as why:
        return error(503, str(why), "not_ready")
    messages = [message.model_dump() for message in ask.messages]
    body = {
        **ask.model_dump(exclude={"messages"}),
        "model": service.settings.model,
        "messages": [{"role": "system", "content": prompt.text}, *messages],
        **({"stream_options": {"include_usage": True}} if ask.stream else {}),
    }
    span = service.tracing.start(user, service.settings.model, prompt, assigned, messages)
    variant = assigned.variant if assigned else NO_VARIANT
    headers = {"x-answer-id": trace_id(span), "x-variant": variant, "x-prompt": f"{prompt.name}/{prompt.version}"}
    try:
        sent = service.model.build_request("POST", "/chat/completions", json=body)
    except (ValueError, RecursionError):
        service.tracing.end(span, "", 0, 0, failed="not JSON")
        return error(400, "the request holds what JSON cannot: NaN, Infinity or half a surrogate pair", INVALID)
    try:
        upstream = await service.model.send(sent, stream=True)
    except httpx.HTTPError as why:
        service.tracing.end(span, "", 0, 0, failed=type(why).__name__)
        return error(502, f"the model cannot be reached: {type(why).__name__}", "upstream_error")
    if upstream.status_code != httpx.codes.OK:
        service.tracing.end(span, "", 0, 0, failed=f"status {upstream.status_code}")
        return await _refused(upstream)
    passing = _pass(service, request, upstream, span, variant, started, Reading(streamed=ask.stream))
    kind = upstream.headers.get("content-type", "application/json")
    return StreamingResponse(passing, headers=headers, media_type=kind)


async def _refused(upstream: httpx.Response) -> Response:
    """What the user hears when the model answers with another status than 200."""
    body = b""
    try:
        body = await upstream.aread()
    except httpx.HTTPError:
        # The status says enough.
        pass
    finally:
        await upstream.aclose()
    if upstream.status_code in PASSED_ON:
        return refused(upstream.status_code, body, upstream.headers)
    return error(502, f"the model answers {upstream.status_code}", "upstream_error")


async def _pass(
    service: Service,
    request: Request,
    upstream: httpx.Response,
    span: Span,
    variant: str,
    started: float,
    reading: Reading,
) -> AsyncIterator[bytes]:
    first, failed = True, "the reader went away"
    try:
        async for data in upstream.aiter_bytes():
            if first:
                service.metrics.first_byte(variant, time.monotonic() - started)
                first = False
            reading.read(data)
            yield data
        reading.finish()
        failed = "" if reading.whole else "the answer cannot be read"
        request.state.broken = bool(failed)
        if not failed:
            service.metrics.answered(variant, time.monotonic() - started, reading.tokens_in, reading.tokens_out)
    except httpx.HTTPError as why:
        failed, request.state.broken = type(why).__name__, True
        raise
    finally:
        service.tracing.end(span, reading.text, reading.tokens_in, reading.tokens_out, failed=failed)
        await upstream.aclose()


async def _feedback(service: Service, said: Feedback, user: str) -> Response:
    if not USER.fullmatch(user):
        return error(400, "X-User-Id has letters, digits and _.@- only, 128 at the most", INVALID)
    if service.settings.trace_experiment_id and (why := await _join(service, said, user)):
        return error(502, why, "upstream_error")
    try:
        assigned = service.assigned(user)
    except AssignmentError as why:
        return error(503, str(why), "not_ready")
    service.metrics.feedback(assigned.variant if assigned else NO_VARIANT, said.helpful)
    return JSONResponse({"answerId": said.answer_id, "helpful": said.helpful}, 201)


async def _join(service: Service, said: Feedback, user: str) -> str:
    """Puts a verdict on its answer's trace (MLflow's assessments); says why it could not, empty when it could."""
    assessment = {
        "assessment_name": "helpful",
        "trace_id": said.answer_id,
        "source": {"source_type": "HUMAN", "source_id": user},
        "feedback": {"value": said.helpful},
    }
    path = f"/api/3.0/mlflow/traces/{said.answer_id}/assessments"
    await asyncio.to_thread(service.tracing.flush)
    for _ in range(_JOIN_TRIES):
        try:
            answer = await service.registry.post(path, json={"assessment": assessment})
        except httpx.HTTPError as why:
            return f"the registry cannot be reached: {type(why).__name__}"
        if answer.status_code == httpx.codes.OK:
            return ""
        if answer.status_code != httpx.codes.NOT_FOUND:
            return f"the registry answers {answer.status_code}"
        await asyncio.sleep(_JOIN_SECONDS)
    return "the registry knows no such answer"
