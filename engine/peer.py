"""Whether a call comes from the engine: who holds the other end of a connection on 127.0.0.1.

A port of this machine can be dialled by every user of it. The engine's protocol has no password, so a server of ours asks the
system whose socket it is that calls, before it answers. Another user's process is refused, and a plugin refuses everybody but
the processes that it was started by.

On Linux the kernel says it (sock_diag), and /proc where that is closed. On macOS `lsof` does, which shows a user nothing but
that user's own sockets. Where neither is there, nobody is answered. What this cannot see: a process of the same user that the
engine's own process hands its socket to, and root, who may do everything anyway.
Sources: linux/inet_diag.h, its layout tried on 6.18; Linux kernel documentation, proc_net_tcp; lsof(8) on -F.
Read 2026-12-01.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]

REFUSED = "this process answers only the engine that started it"
_PROC = Path("/proc")
_KNOWN_SEC = 0.5
"""How long an answer of /proc holds. A closed connection's pair of ports cannot be another's for a second on Linux."""
_KNOWN_BY_LSOF_SEC = 10.0
"""The same for lsof, which takes a tenth of a second; macOS keeps a pair of ports for 30 s."""
_TRIES = 5
"""The table is read in pieces while it changes, so a connection may be missing once."""
_SOCK_DIAG, _BY_FAMILY, _ESTABLISHED = 4, 20, 1
_PEER = re.compile(r"ipv4:127\.0\.0\.1:([0-9]{1,5})")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Who holds a socket: a user, and those of its processes that could be asked for."""

    user: int
    processes: frozenset[int] = frozenset()


Find = Callable[[int, int, Collection[int]], Owner | None]
"""Finds who connects from a port to a port of 127.0.0.1, looking for processes among those given; None when nobody is found."""


def ancestors(proc: Path = _PROC) -> frozenset[int]:
    """This process and those that it was started by, up to the first."""
    found, pid = {os.getpid()}, os.getppid()
    while pid > 1 and pid not in found:
        found.add(pid)
        pid = _parent(pid, proc)
    return frozenset(found)


def _parent(pid: int, proc: Path) -> int:
    """The parent of a process; 0 when nobody says."""
    try:
        if proc.joinpath("self").exists():
            # The second field is the program's name, which may hold blanks and brackets.
            return int(proc.joinpath(str(pid), "stat").read_bytes().rpartition(b")")[2].split()[1])
        import subprocess

        asked = ["/bin/ps", "-o", "ppid=", "-p", str(pid)]
        return int(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=10).stdout)
    except Exception:  # whatever it is: nobody says
        return 0


def on_linux(client: int, server: int, among: Collection[int], proc: Path = _PROC) -> Owner | None:
    """The owner as the kernel says it in a twentieth of a millisecond; by /proc, which takes longer, where it does not."""
    try:
        found = _by_kernel(client, server)
    except (OSError, ValueError):
        return in_proc(client, server, among, proc)
    return _owner(*found, among, proc) if found else None


def _by_kernel(client: int, server: int) -> tuple[int, int] | None:
    """User and inode of the socket with this pair of ports; None without one. Raises OSError where this cannot be asked."""
    import socket
    import struct

    here = b"\x7f\0\0\1" + bytes(12)
    pair = struct.pack("!HH", client, server) + here + here + struct.pack("=III", 0, 0xFFFFFFFF, 0xFFFFFFFF)
    asked = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, 1 << _ESTABLISHED) + pair
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(1)
        kernel.send(struct.pack("=IHHII", 16 + len(asked), _BY_FAMILY, 1, 1, 0) + asked)
        said = kernel.recv(8192)
    if len(said) < 20 or struct.unpack_from("=H", said, 4)[0] != _BY_FAMILY:
        error = -struct.unpack_from("=i", said, 16)[0] if len(said) >= 20 else errno.EIO
        if error == errno.ENOENT:
            return None
        raise OSError(error, "the kernel does not say whose socket it is")
    if len(said) < 88:
        raise ValueError("the kernel's answer is short")
    state, ports = said[17], struct.unpack_from("!HH", said, 20)
    user, inode = struct.unpack_from("=II", said, 80)
    return (user, inode) if state == _ESTABLISHED and ports == (client, server) else None


def _owner(user: int, inode: int, among: Collection[int], proc: Path) -> Owner:
    holders = {pid for pid in among if _holds(proc / str(pid) / "fd", f"socket:[{inode}]")}
    return Owner(user=user, processes=frozenset(holders))


def in_proc(client: int, server: int, among: Collection[int], proc: Path = _PROC) -> Owner | None:
    """The owner by Linux' own table. `among` are processes whose open files are looked through."""
    here = _address(b"\x7f\0\0\1")
    mapped = "0" * 16 + _address(b"\0\0\xff\xff") + here
    for table, address in (("tcp", here), ("tcp6", mapped)):
        ends, established = [f"{address}:{client:04X}", f"{address}:{server:04X}"], "01"
        try:
            lines = (proc / "net" / table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for parts in (line.split() for line in lines if ends[0] in line):
            if len(parts) > 9 and parts[1:4] == [*ends, established]:
                return _owner(int(parts[7]), int(parts[9]), among, proc)
    return None


def _address(four: bytes) -> str:
    """Four bytes of an address as the table has them: in the machine's own order."""
    return f"{int.from_bytes(four, sys.byteorder):08X}"


def _holds(folder: Path, wanted: str) -> bool:
    try:
        return any(_link(entry.path) == wanted for entry in os.scandir(folder))
    except OSError:
        return False


def _link(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""


def by_lsof(client: int, server: int, among: Collection[int]) -> Owner | None:
    """The owner as `lsof` tells it, for systems without /proc."""
    import shutil
    import subprocess

    program = shutil.which("lsof", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        return None
    asked = [program, "-nlP", f"-iTCP@127.0.0.1:{client}", "-sTCP:ESTABLISHED", "-FpuPn"]
    try:
        said = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    return read_lsof(said, client, server, among)


def read_lsof(said: str, client: int, server: int, among: Collection[int]) -> Owner | None:
    """The owner in what `lsof -FpuPn` says: a line for each field, its letter first."""
    if not all(line[1:].isdecimal() for line in said.splitlines() if line[:1] in ("p", "u")):
        return None
    pid = user = -1
    users, pids = set[int](), set[int]()
    for letter, text in ((line[:1], line[1:]) for line in said.splitlines()):
        if letter == "p":
            pid = int(text)
        elif letter == "u":
            user = int(text)
        elif letter == "n" and text == f"127.0.0.1:{client}->127.0.0.1:{server}":
            users.add(user)
            pids.add(pid)
    return Owner(user=users.pop(), processes=frozenset(pids & set(among))) if len(users) == 1 else None


@dataclass
class Callers:
    """Who may call the server on `port`: this user and, with `only`, none but these processes.

    Safe to use from several threads. An answer is kept for less time than the system keeps a closed connection's ports.
    """

    port: int = 0
    only: frozenset[int] | None = None
    find: Find = on_linux if _PROC.joinpath("net", "tcp").exists() else by_lsof
    clock: Callable[[], float] = time.monotonic
    _known: dict[int, float] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allow(self, client: int) -> bool:
        """Whether whoever connects from that port may call. What cannot be found out is refused."""
        holds = _KNOWN_BY_LSOF_SEC if self.find is by_lsof else _KNOWN_SEC
        with self._lock:
            now = self.clock()
            self._known = {port: since for port, since in self._known.items() if now - since < holds}
            if client in self._known:
                return True
            # A refusal is not kept: it is no engine that waits for it.
            if allowed := self._asked(client):
                self._known[client] = now
            return allowed

    def _asked(self, client: int) -> bool:
        for again in range(_TRIES):
            owner = self.find(client, self.port, self.only or ())
            if owner is not None:
                return owner.user == os.geteuid() and (self.only is None or bool(owner.processes))
            time.sleep(0.01 * again)
        return False

    def allows(self, peer: str) -> bool:
        """The same for a peer as gRPC names it (`ipv4:127.0.0.1:40000`)."""
        match = _PEER.fullmatch(peer)
        return match is not None and self.allow(int(match[1]))


class Guard(grpc.ServerInterceptor):  # type: ignore[misc]
    """Refuses each call of a server before its method begins, unless `callers` allow who calls."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers

    def intercept_service(self, continuation: Callable[[Any], Any], handler_call_details: Any) -> Any:
        """The method with the question put before it, for each of the four forms that a method can have."""
        handler = continuation(handler_call_details)
        if handler is None:
            return None
        for form in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
            if (method := getattr(handler, form)) is not None:
                # The public way to make a handler takes one of the four, with both of its codecs.
                made = getattr(grpc, f"{form}_rpc_method_handler")
                return made(self._asking(method), handler.request_deserializer, handler.response_serializer)
        return handler

    def _asking(self, method: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def asked(request: Any, context: Any) -> Any:
            if not self._callers.allows(context.peer()):
                context.abort(grpc.StatusCode.PERMISSION_DENIED, REFUSED)
            return method(request, context)

        return asked
