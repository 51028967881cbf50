"""The door before llama.cpp: it passes on what is asked, counts by status, fails when told to, and says who answered."""

from __future__ import annotations

import http.client
import http.server
import json
import re
import threading
from collections.abc import Iterator

import pytest

from sandbox.images import model_server
from sandbox.images.model_server import Counts, Door, options

METRICS = "llamacpp:tokens 3\n"


class Behind(http.server.BaseHTTPRequestHandler):
    """What llama.cpp would answer: a stream, its metrics, or what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        status = 200 if self.path in ("/metrics", "/health") else 404
        self._whole(status, METRICS.encode() if self.path == "/metrics" else b"{}")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not json.loads(body).get("stream"):
            self._whole(200, body)
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in ("one", "two"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(word), word.encode()))
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.client.HTTPConnection]:
    """A connection to a door with nothing counted, before a server that is no llama.cpp."""
    monkeypatch.setattr(Door, "counts", Counts())
    monkeypatch.setenv("HOSTNAME", "chat-abc-1")
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), each) for each in (Behind, Door)]
    monkeypatch.setattr(model_server, "_BEHIND", servers[0].server_port)
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    connection = http.client.HTTPConnection("127.0.0.1", servers[1].server_port, timeout=10)
    yield connection
    connection.close()
    for server in servers:
        server.shutdown()
        server.server_close()


def post(door: http.client.HTTPConnection, **body: object) -> tuple[int, bytes, http.client.HTTPResponse]:
    door.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
    answer = door.getresponse()
    return answer.status, answer.read(), answer


def counted(door: http.client.HTTPConnection) -> dict[str, int]:
    door.request("GET", "/metrics")
    text = door.getresponse().read().decode()
    assert text.startswith(METRICS)
    return {status: int(count) for status, count in re.findall(r'http_requests_total{.*status="(\w+)"} (\d+)', text)}


def test_what_is_asked_is_passed_on_and_the_pod_that_answers_is_named(door: http.client.HTTPConnection) -> None:
    status, body, answer = post(door, question="why")
    assert (status, json.loads(body)) == (200, {"question": "why"})
    assert answer.getheader("X-Served-By") == "chat-abc-1"


def test_a_stream_comes_as_a_stream(door: http.client.HTTPConnection) -> None:
    status, body, answer = post(door, stream=True)
    assert (status, body) == (200, b"onetwo")
    assert answer.getheader("Transfer-Encoding") == "chunked" and answer.getheader("Content-Length") is None
    assert post(door)[0] == 200, "the connection is still good"


def test_answers_are_counted_by_status_and_probes_are_not(door: http.client.HTTPConnection) -> None:
    post(door)
    for path in ("/health", "/v1/none", "/v1/none"):
        door.request("GET", path)
        door.getresponse().read()
    assert counted(door) == {"2xx": 1, "4xx": 2}


@pytest.mark.parametrize(("rate", "statuses"), [(1.0, {500}), (0.0, {200})])
def test_a_bad_version_fails_the_share_that_it_is_told_to(
    door: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch, rate: float, statuses: set[int]
) -> None:
    monkeypatch.setattr(Door, "fault_rate", rate)
    assert {post(door)[0] for _ in range(20)} == statuses
    assert counted(door) == ({"5xx": 20} if rate else {"2xx": 20})


def test_a_server_that_is_gone_is_an_error_that_is_counted(
    door: http.client.HTTPConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = model_server._BEHIND
    monkeypatch.setattr(model_server, "_BEHIND", 9)
    status, body, _ = post(door)
    assert status == 502 and b"error" in body
    monkeypatch.setattr(model_server, "_BEHIND", real)
    assert counted(door) == {"5xx": 1}


def test_the_options_are_those_of_llama_server_and_one_thread_is_what_nobody_asked_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = [
        "--model=/m.gguf",
        "--alias=chat",
        "--host=0.0.0.0",
        "--port=8080",
        "--ctx-size=2048",
        "--parallel=2",
        "--metrics",
    ]
    namespace = options(asked)
    assert (namespace.model, namespace.alias, namespace.ctx_size, namespace.parallel, namespace.threads) == (
        "/m.gguf",
        "chat",
        2048,
        2,
        1,
    )
    monkeypatch.setenv("LLAMA_ARG_MODEL", "/other.gguf")
    monkeypatch.setenv("LLAMA_ARG_LORA", "/a.gguf,/b.gguf")
    assert options([]).model == "/other.gguf" and options([]).lora == ["/a.gguf", "/b.gguf"]
