"""The program of the image that stands in for llama.cpp's server: that very server, and a door before it that counts.

It takes the options and the environment of `llama-server` that a release sets. The door answers on the port that is asked for,
passes everything on to llama.cpp, streams included, and adds `http_requests_total` by status to `/metrics`, as vLLM has it:
llama.cpp counts tokens and no statuses. `MODEL_SERVER_FAULT_RATE` makes it a bad version: that share of the requests for
an answer gets a 500. Every answer says in `X-Served-By` which pod gave it. Nothing but the standard library and llama.cpp's
wheel is in the image.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import http.server
import importlib
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_BEHIND = 8081
_CHUNK = 1 << 16
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}
_DRAINS_WITHIN = 25.0


class Counts:
    """How many requests were answered, by method, path and status; and how many are being answered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._done: collections.Counter[tuple[str, str, str]] = collections.Counter()
        self.active = 0

    @contextlib.contextmanager
    def one(self) -> Any:
        """A request that is being answered."""
        with self._lock:
            self.active += 1
        try:
            yield
        finally:
            with self._lock:
                self.active -= 1

    def done(self, method: str, path: str, status: int) -> None:
        """A request was answered."""
        with self._lock:
            self._done[method, path, f"{status // 100}xx"] += 1

    def text(self) -> str:
        """The counts in Prometheus' text format."""
        with self._lock:
            rows = sorted(self._done.items())
        lines = ["# HELP http_requests_total Requests answered, by status.", "# TYPE http_requests_total counter"]
        lines += [f'http_requests_total{{handler="{p}",method="{m}",status="{s}"}} {n}' for (m, p, s), n in rows]
        return "\n".join(lines) + "\n"


class Door(http.server.BaseHTTPRequestHandler):
    """Passes a request on and its answer back."""

    protocol_version = "HTTP/1.1"
    counts = Counts()
    fault_rate = 0.0
    _begun = False

    def do_GET(self) -> None:
        """Answers a question about the server."""
        self._pass(b"")

    def do_POST(self) -> None:
        """Answers a request for an answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if random.random() < self.fault_rate:  # noqa: S311 - a fault, no secret
            self._whole(500, b'{"error": {"message": "a fault of this stand-in", "type": "server_error", "code": 500}}')
            self._count(500)
            return
        self._pass(body)

    def _pass(self, body: bytes) -> None:
        self._begun = False
        with self.counts.one():
            behind = http.client.HTTPConnection("127.0.0.1", _BEHIND)
            try:
                kept = {key: value for key, value in self.headers.items() if key.lower() not in _HOP}
                behind.request(self.command, self.path, body or None, kept)
                answer = behind.getresponse()
                self._answer(answer)
                self._count(answer.status)
            except OSError as error:
                self._gone(error)
            finally:
                behind.close()

    def _gone(self, error: OSError) -> None:
        """llama.cpp or whoever asked is gone; whoever has not been answered yet is told."""
        self.close_connection = True
        self._count(502)
        if not self._begun:
            self._whole(502, json.dumps({"error": {"message": f"llama.cpp: {error}", "code": 502}}).encode())

    def _answer(self, answer: http.client.HTTPResponse) -> None:
        if self.path == "/metrics" or answer.getheader("Content-Length") is not None:
            more = self.counts.text().encode() if self.path == "/metrics" else b""
            self._whole(answer.status, answer.read() + more, answer.getheader("Content-Type", "application/json"))
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.getheader("Content-Type", "application/json"))
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while data := answer.read1(_CHUNK):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _whole(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _count(self, status: int) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/v1/"):
            self.counts.done(self.command, path, status)

    def end_headers(self) -> None:
        """Ends the headers, with the pod's name among them."""
        self._begun = True
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("X-Served-By", os.environ.get("HOSTNAME", ""))
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing of a request: probes would fill the log."""


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """The options of `llama-server` that are known here; each has the environment variable that it has there."""
    env = os.environ.get
    parser = argparse.ArgumentParser(description="llama.cpp's server")
    parser.add_argument("-m", "--model", default=env("LLAMA_ARG_MODEL"))
    parser.add_argument("-a", "--alias", default=env("LLAMA_ARG_ALIAS", ""))
    parser.add_argument("--host", default=env("LLAMA_ARG_HOST", "0.0.0.0"))  # noqa: S104 - a pod
    parser.add_argument("--port", type=int, default=env("LLAMA_ARG_PORT", "8080"))
    parser.add_argument("-c", "--ctx-size", type=int, default=env("LLAMA_ARG_CTX_SIZE", "4096"))
    parser.add_argument("-np", "--parallel", type=int, default=env("LLAMA_ARG_N_PARALLEL", "2"))
    # More threads than free cores spin against each other: one answers sooner than two on a busy machine.
    parser.add_argument("-t", "--threads", type=int, default=env("LLAMA_ARG_THREADS", "1"))
    parser.add_argument(
        "--lora", action="append", default=[each for each in env("LLAMA_ARG_LORA", "").split(",") if each]
    )
    parser.add_argument("--metrics", action="store_true", help="always on here")
    return parser.parse_args(arguments)


def _llama(told: argparse.Namespace) -> Any:
    # It is in the image and nowhere else.
    xllamacpp: Any = importlib.import_module("xllamacpp")
    params = xllamacpp.CommonParams()
    params.model.path = told.model
    params.model_alias = {told.alias or Path(told.model).stem}
    params.hostnames, params.port = ["127.0.0.1"], _BEHIND
    # The context is that of all together: llama.cpp divides it among those that are answered at once.
    params.n_ctx, params.n_parallel = told.ctx_size, told.parallel
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = told.threads
    params.endpoint_metrics, params.warmup, params.cache_ram_mib = True, True, 0
    if told.lora:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(path, 1.0) for path in told.lora]
    return xllamacpp.Server(params)


def main(arguments: Sequence[str]) -> None:
    """Serves until it is told to end; what is being answered then is answered first."""
    told = options(arguments)
    Door.fault_rate = float(os.environ.get("MODEL_SERVER_FAULT_RATE", "0"))
    behind = _llama(told)
    door = http.server.ThreadingHTTPServer((told.host, told.port), Door)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=door.shutdown).start())
    said = f"; FAULT: {Door.fault_rate:.0%} of the requests fail" if Door.fault_rate else ""
    sys.stdout.write(f"llama.cpp serves {told.model} on port {told.port}, {told.threads} thread(s){said}\n")
    sys.stdout.flush()
    door.serve_forever(poll_interval=0.05)
    ends = time.monotonic() + _DRAINS_WITHIN
    while Door.counts.active and time.monotonic() < ends:
        time.sleep(0.02)
    sys.stdout.flush()
    del behind
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
