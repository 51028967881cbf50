"""A webhook's receiver for one test: it answers what it is told to, and remembers how often it was asked."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(ThreadingHTTPServer):
    """Answers every POST with `answer`."""

    def __init__(self, answer: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked = 0

    @property
    def url(self) -> str:
        """Where it listens, with something in the address that is nobody's business."""
        return f"http://127.0.0.1:{self.server_port}/hook?token=planted-token"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        self.send_response(self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def receiving(answer: int) -> Iterator[Receiver]:
    """A receiver that listens until the end of the block."""
    with Receiver(answer) as receiver:
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        yield receiver
        receiver.shutdown()
