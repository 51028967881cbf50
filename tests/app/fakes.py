"""A model and a registry that a test writes down: every request to them is kept, every answer is the test's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from app.service import create
from app.settings import Settings

ASK = {"messages": [{"role": "user", "content": "Where is my parcel?"}]}
TEXTS = {("support", "3"): "Answer for {{company}}.", ("support", "4"): "Be warm at {{company}}."}


@dataclass
class Fakes:
    """Stands in for the network. `model` may be replaced by what answers instead."""

    asked: list[httpx.Request] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=lambda: {"production": "3"})
    registry_status: int = 200
    missing_traces: int = 0
    model: Callable[[httpx.Request], httpx.Response] | None = None
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    _apps: list[FastAPI] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.host == "model":
            return self.model(request) if self.model else whole(request)
        if self.registry_status != 200:
            return httpx.Response(self.registry_status)
        if request.url.path.endswith("/assessments"):
            self.missing_traces -= 1
            return httpx.Response(404 if self.missing_traces >= 0 else 200, json={})
        name = request.url.params["name"]
        version = request.url.params.get("version") or self.aliases[request.url.params["alias"]]
        if (name, version) not in TEXTS:
            return httpx.Response(404)
        tags = [{"key": "mlflow.prompt.text", "value": TEXTS[name, version]}]
        return httpx.Response(200, json={"model_version": {"name": name, "version": version, "tags": tags}})

    def client(self, settings: Settings) -> httpx.AsyncClient:
        """A client of the service that stands in this fakes."""
        app = create(settings, sends=self.spans, transport=httpx.MockTransport(self))
        self._apps.append(app)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")

    def traces(self) -> Sequence[ReadableSpan]:
        """The spans that were sent, after what waited has been sent too."""
        for app in self._apps:
            app.state.tracing.flush()
        return self.spans.get_finished_spans()

    def to_model(self) -> list[dict[str, Any]]:
        """The bodies that the model was sent."""
        return [json.loads(each.content) for each in self.asked if each.url.host == "model"]


def whole(_: httpx.Request) -> httpx.Response:
    """An answer in one document."""
    usage = {"prompt_tokens": 12, "completion_tokens": 3}
    return httpx.Response(200, json={"choices": [{"message": {"content": "Hello there"}}], "usage": usage})


def settings(**changes: Any) -> Settings:
    """Settings of a service with one prompt, with some of them changed."""
    given = {
        "model_url": "http://model/chat/v1",
        "model": "small",
        "registry_url": "http://registry",
        "prompt": "prompts:/support/3",
        "prompt_variables": {"company": "Example"},
        "trace_experiment_id": "7",
    }
    return Settings(**{**given, **changes})


def flags(folder: Path, weights: dict[str, int], salt: str = "one") -> Path:
    """A flagd configuration with one experiment, `greeting`, over two prompt versions."""
    split = [[name, weight] for name, weight in weights.items()]
    flag = {
        "state": "ENABLED",
        "variants": {"control": "prompts:/support/3", "warm": "prompts:/support/4"},
        "defaultVariant": "control",
        "targeting": {"fractional": [{"cat": [salt, {"var": "targetingKey"}]}, *split]},
        "metadata": {"version": salt},
    }
    file = folder / "flags.json"
    file.write_text(json.dumps({"flags": {"greeting": flag}}), encoding="utf-8")
    return file


def run(fakes: Fakes, said: Settings, do: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    """What `do` gives with a client of a service that stands in a fakes."""

    async def inside() -> Any:
        async with fakes.client(said) as client:
            return await do(client)

    return asyncio.run(inside())


def ask(fakes: Fakes, said: Settings, body: Any = ASK, user: str = "ann") -> httpx.Response:
    """One answer of such a service."""
    post = lambda client: client.post("/v1/chat/completions", json=body, headers={"x-user-id": user})  # noqa: E731
    answer: httpx.Response = run(fakes, said, post)
    return answer
