"""A door before a registry: counts the requests that go through, and can be told what to do at one of them."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

REQUEST = re.compile(rb"(?:GET|POST|PUT|PATCH|DELETE) /\S* HTTP/1\.1\r\n")


@dataclass
class Door:
    """Hands bytes on to the server at `to`. Each request has a number: `at` is called with it before the server has the
    request, `reply` when the answer is there and the client does not have it.
    """

    to: str
    at: Callable[[int], None] = lambda _: None
    reply: Callable[[int], None] = lambda _: None
    requests: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def url(self) -> str:
        """The address of the door."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def close(self) -> None:
        """Stops listening."""
        self._socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        address, asked = urlsplit(self.to), [0]
        at = (str(address.hostname), int(address.port or 80))
        with contextlib.suppress(OSError), client, socket.create_connection(at) as server:
            threading.Thread(
                target=_hand_on, args=(server, client, lambda _: self.reply(asked[-1])), daemon=True
            ).start()
            _hand_on(client, server, lambda data: self._asked(data, asked))

    def _asked(self, data: bytes, asked: list[int]) -> None:
        # A request's first line is sent in one piece, at the start of what is written.
        for _ in REQUEST.finditer(data):
            with self._lock:
                self.requests += 1
                asked.append(self.requests)
            self.at(asked[-1])


def _hand_on(source: socket.socket, target: socket.socket, see: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            see(data)
            target.sendall(data)
    for end in (source, target):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
