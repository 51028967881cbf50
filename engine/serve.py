"""A gRPC server that the engine finds, and a process that serves the engine until it is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent import futures

import grpc  # type: ignore[import-untyped]

from engine.peer import Callers, Guard, ancestors

LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes; what the engine itself allows, for a request about the whole stack holds every resource."""


def start(
    add: Callable[[grpc.Server], None], *, workers: int, only: frozenset[int] | None = None
) -> tuple[grpc.Server, int]:
    """A server on a free port of 127.0.0.1, and that port. `add` adds the servicer; stop the server to end it.

    It answers this user's processes alone and, with `only`, none but those with these ids.
    """
    callers = Callers(only=only)
    options = [("grpc.max_receive_message_length", LARGEST_MESSAGE), ("grpc.max_send_message_length", LARGEST_MESSAGE)]
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=workers), options=options, interceptors=[Guard(callers)]
    )
    add(server)
    port = callers.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def serve(add: Callable[[grpc.Server], None], *, workers: int, grace_seconds: float = 0) -> None:
    """Serves the engine that started this process, and nobody else; the port is the one line on standard output.

    Returns at SIGINT or SIGTERM, and within a second of the engine's end, however it ended. Calls under way have
    `grace_seconds` to end in.
    """
    engine, ended = os.getppid(), threading.Event()
    # The engine gives each plugin a process group of its own, so a Ctrl-C at a terminal does not come here: it ends a
    # plugin by SIGINT and kills it 5 s later.
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    server, port = start(add, workers=workers, only=ancestors())
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while os.getppid() == engine and not ended.wait(0.5):
        pass
    server.stop(grace_seconds).wait(grace_seconds)
