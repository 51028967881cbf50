"""Ports of 127.0.0.1 that lead into the node's network, without an interface, a route or a rule on the machine.

A socket stays in the network namespace that it was made in. The listening one is made by the machine's side; the thread that
answers it enters the node's namespace first, so that what it connects to is there.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import socket
import threading

_NEW_NETWORK = 0x40000000
_CHUNK = 1 << 16


class Publisher:
    """Publishes ports of the node in which process `pid` is, until it is closed."""

    def __init__(self, pid: int) -> None:
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        entered: list[OSError | None] = []
        ready = threading.Event()

        def serve() -> None:
            entered.append(_enter_network(pid))
            ready.set()
            if entered == [None]:
                self._loop.run_forever()

        self._thread = threading.Thread(target=serve, name="publisher", daemon=True)
        self._thread.start()
        ready.wait()
        if entered[0] is not None:
            raise entered[0]

    def publish(self, address: str, target: int, *, port: int = 0) -> int:
        """Makes a port of 127.0.0.1 lead to `target` of an address in the node; without `port` a free one. Gives the port.

        Raises OSError when somebody listens on the port already.
        """
        listener = socket.create_server(("127.0.0.1", port), backlog=128)

        async def accept() -> None:
            async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                # Ended by `close`: whoever made the task would report it as an error.
                with contextlib.suppress(asyncio.CancelledError):
                    await _join(reader, writer, address, target)

            self._servers.append(await asyncio.start_server(one, sock=listener))

        asyncio.run_coroutine_threadsafe(accept(), self._loop).result(10)
        return int(listener.getsockname()[1])

    def close(self) -> None:
        """Closes every port and connection."""

        async def end() -> None:
            for server in self._servers:
                server.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def _enter_network(pid: int) -> OSError | None:
    """Puts this thread, and no other, into the network namespace of a process."""
    try:
        handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    except OSError as error:
        return error
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(handle, _NEW_NETWORK):
            return OSError(ctypes.get_errno(), "cannot enter the node's network namespace")
    finally:
        os.close(handle)
    return None


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, target: int) -> None:
    try:
        other_reader, other_writer = await asyncio.open_connection(address, target)
    except OSError:
        writer.close()
        return
    try:
        await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))
    finally:
        for stream in (writer, other_writer):
            stream.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
