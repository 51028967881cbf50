"""Answers that do not come, or break on the way: what the user hears, and what is counted."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from starlette.requests import ClientDisconnect

from app.answer import Reading
from app.counting import Counting
from app.metrics import Metrics
from app.service import MOST_BYTES
from tests.app.fakes import ASK, Fakes, ask, run, settings


@pytest.mark.parametrize("status", [400, 413, 422, 429])
def test_what_the_model_refuses_in_a_request_the_user_hears_with_its_code_and_without_its_words(status: int) -> None:
    said = {"error": {"message": "in: Answer for Example.", "type": "exceed_context_size_error", "code": status}}
    fakes = Fakes(model=lambda _: httpx.Response(status, json=said, headers={"retry-after": "7"}))

    async def do(client: httpx.AsyncClient) -> tuple[httpx.Response, str]:
        return await client.post("/v1/chat/completions", json=ASK), (await client.get("/metrics")).text

    answer, metrics = run(fakes, settings(), do)
    told = answer.json()["error"]
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert told["message"] == f"the model refuses this request: {status} exceed_context_size_error"
    assert told["type"] == ("rate_limit_error" if status == 429 else "invalid_request_error")
    assert f'app_requests_total{{code="{status}",route="/v1/chat/completions",version="0"}} 1.0' in metrics


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"error": 1}', b'{"error": {"type": "the prompt is"}}', b"[" * 9999]
)
def test_a_refusal_that_says_nothing_usable_is_passed_on_all_the_same(body: bytes) -> None:
    answer = ask(Fakes(model=lambda _: httpx.Response(400, content=body)), settings())
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "the model refuses this request: 400"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"messages": [{"role": "user", "content": "a"}], "x": NaN}', 400),
        ('{"messages": [{"role": "user", "content": "a"}], "x": "\\ud800"}', 400),
        ('{"messages": [{"role": "user", "content": "\\ud800"}]}', 422),
        ('{"messages": NaN}', 422),
        ('{"messages": [{"role": "\\ud800", "content": "a"}]}', 422),
        ("{", 422),
        ("[" * 100_000, 400),
    ],
)
def test_a_body_that_is_no_json_for_the_model_is_the_users_mistake(body: str, status: int) -> None:
    fakes = Fakes()
    headers = {"content-type": "application/json"}
    post = lambda client: client.post("/v1/chat/completions", content=body, headers=headers)  # noqa: E731
    answer: httpx.Response = run(fakes, settings(), post)
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type"}
    assert fakes.to_model() == []
    assert all(span.end_time and not span.status.is_ok for span in fakes.traces())
    assert bool(fakes.traces()) == ("x" in body)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/feedback"])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("more", [0, 1])
def test_a_body_over_the_limit_is_not_read(path: str, streamed: bool, more: int) -> None:
    padded = json.dumps({"messages": []}).encode().ljust(MOST_BYTES + more)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(padded), 100_000):
            yield padded[start : start + 100_000]

    async def do(client: httpx.AsyncClient) -> tuple[httpx.Response, str]:
        headers = {"content-type": "application/json"}
        answer = await client.post(path, content=pieces() if streamed else padded, headers=headers)
        return answer, (await client.get("/metrics")).text

    answer, metrics = run(Fakes(), settings(), do)
    assert answer.status_code == (413 if more else 422)
    assert f'app_requests_total{{code="{answer.status_code}",route="{path}",version="0"}} 1.0' in metrics


PART = b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n'


async def _cut() -> AsyncIterator[bytes]:
    yield PART
    raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


@pytest.mark.parametrize(
    ("content", "streamed"),
    [
        (_cut, True),
        (lambda: PART, True),
        (lambda: PART + b'data: {"error":{"message":"out of memory"}}\n\ndata: [DONE]\n\n', True),
        (lambda: b"<html>busy</html>", False),
        (lambda: b'{"choices":[]}', False),
        (lambda: b'{"choices":[null]}', False),
        (lambda: b'{"error":{"message":"no"}}', False),
        (lambda: b"", False),
    ],
)
def test_an_answer_that_breaks_is_counted_as_a_failure(content: Callable[[], Any], streamed: bool) -> None:
    fakes = Fakes(model=lambda _: httpx.Response(200, content=content()))

    async def do(client: httpx.AsyncClient) -> str:
        with contextlib.suppress(httpx.HTTPError):
            await client.post("/v1/chat/completions", json={**ASK, "stream": streamed})
        return (await client.get("/metrics")).text

    metrics = run(fakes, settings(record_texts=True), do)
    counted = [line for line in metrics.splitlines() if line.startswith("app_requests_total{")]
    assert counted == ['app_requests_total{code="502",route="/v1/chat/completions",version="0"} 1.0']
    assert "app_answer_duration_seconds_count" not in metrics
    [span] = fakes.traces()
    assert not span.status.is_ok


@pytest.mark.parametrize("hears", ["2.4", "2.0"], ids=["a send fails", "a message says it"])
def test_an_answer_counts_when_it_has_ended_and_one_that_its_reader_left_is_nobodys_failure(hears: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield PART
            await asyncio.sleep(0)

    fakes = Fakes(model=lambda _: httpx.Response(200, content=endless()))
    body = json.dumps({**ASK, "stream": True}).encode()

    async def do(client: httpx.AsyncClient) -> tuple[str, str]:
        app: Any = client._transport.app  # type: ignore[attr-defined]
        sent: list[Any] = []
        during: list[Any] = []
        asked: list[int] = []

        async def receive() -> dict[str, Any]:
            asked.append(1)
            if len(asked) > 1:
                while not during:
                    await asyncio.sleep(0)
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": body}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)
            if len(sent) == 3:
                during.append((await client.get("/metrics")).text)
                if hears == "2.4":
                    raise OSError("the reader is gone")

        headers = [(b"content-type", b"application/json")]
        scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": headers}
        more: dict[str, Any] = {"query_string": b"", "asgi": {"spec_version": hears}}
        with contextlib.suppress(ClientDisconnect):
            await app({**scope, **more}, receive, send)
        return during[0], (await client.get("/metrics")).text

    during, after = run(fakes, settings(), do)
    assert 'route="/v1/chat/completions"' not in during
    assert 'app_requests_total{code="499",route="/v1/chat/completions",version="0"} 1.0' in after
    assert 'code="502"' not in after and 'code="200",route="/v1/chat' not in after


@pytest.mark.parametrize(("begun", "code"), [(False, 500), (True, 502)])
def test_a_fault_of_the_services_own_is_a_failure_before_and_after_the_headers(begun: bool, code: int) -> None:
    async def faulty(scope: Any, receive: Any, send: Any) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("a fault")

    async def nothing(*_: Any) -> Any:
        return {}

    metrics = Metrics("7")
    with pytest.raises(RuntimeError):
        asyncio.run(Counting(faulty, metrics, "7")({"type": "http"}, nothing, nothing))
    counted = {"version": "7", "route": "none", "code": str(code)}
    assert metrics.registry.get_sample_value("app_requests_total", counted) == 1


def test_a_field_that_no_answer_could_repeat_is_refused_all_the_same() -> None:
    headers = {"content-type": "application/json"}
    said = {"answerId": f"tr-{'a' * 32}", "helpful": True, "\ud800": 1}
    body = json.dumps(said)
    post = lambda client: client.post("/v1/feedback", content=body, headers=headers)  # noqa: E731
    assert run(Fakes(), settings(), post).status_code == 422


@pytest.mark.parametrize(
    "part",
    [
        {"choices": [None, 1, {"delta": None}, {"delta": []}, {"delta": {"content": 7}}]},
        {"choices": {"a": 1}},
        {"choices": [], "usage": {"prompt_tokens": "x", "completion_tokens": None}},
        {"usage": [1]},
        [1],
    ],
)
def test_parts_of_a_stream_that_are_not_as_they_should_be_are_passed_over(part: Any) -> None:
    data = PART + f"data: {json.dumps(part)}\n\n".encode() + b"data: [DONE]"
    answer = ask(Fakes(model=lambda _: httpx.Response(200, content=data)), settings(), {**ASK, "stream": True})
    assert (answer.status_code, answer.content) == (200, data)
    reading = Reading(streamed=True)
    reading.read(data)
    reading.finish()
    assert (reading.text, reading.tokens_in, reading.tokens_out, reading.whole) == ("Hel", 0, 0, True)
