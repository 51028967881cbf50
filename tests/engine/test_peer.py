"""A server of ours answers its own user's processes, and a plugin only those that it was started by."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc

from engine import peer
from engine.peer import Callers, Owner
from engine.serve import start

ON_LINUX = pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="only Linux has /proc")
CALL = """
import grpc, os, sys
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2_grpc
if len(sys.argv) > 2:
    os.setuid(int(sys.argv[2]))
stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}"))
try:
    print(stub.GetPluginInfo(empty_pb2.Empty(), timeout=30).version)
except grpc.RpcError as error:
    print(error.code().name)
"""


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request: object, context: object) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version="9")


def served(only: frozenset[int] | None = None) -> Iterator[int]:
    server, port = start(
        lambda server: provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(), server), workers=2, only=only
    )
    yield port
    server.stop(0).wait(10)


@pytest.fixture
def for_the_user() -> Iterator[int]:
    yield from served()


@pytest.fixture
def for_the_engine() -> Iterator[int]:
    yield from served(peer.ancestors())


def called(port: int, *user: str) -> str:
    command = [sys.executable, "-c", CALL, str(port), *user]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_process_that_started_a_plugin_is_answered(for_the_engine: int) -> None:
    stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{for_the_engine}"))
    assert [stub.GetPluginInfo(empty_pb2.Empty(), timeout=30).version for _ in range(3)] == ["9", "9", "9"]


@ON_LINUX
def test_another_process_of_the_same_user_is_not_answered_by_a_plugin(for_the_engine: int) -> None:
    assert called(for_the_engine) == "PERMISSION_DENIED"


def test_another_process_of_the_same_user_is_answered_by_a_server_of_the_user(for_the_user: int) -> None:
    assert called(for_the_user) == "9"


@ON_LINUX
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_is_answered_by_nobody(for_the_user: int) -> None:
    assert called(for_the_user, "65534") == "PERMISSION_DENIED"


@ON_LINUX
def test_the_owner_of_a_connection_is_found_from_both_kinds_of_socket() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::ffff:127.0.0.1")):
        with socket.socket(family) as caller:
            caller.connect((address, port))
            for find in (peer.in_proc, peer.on_linux):
                found = find(caller.getsockname()[1], port, {os.getpid()})
                assert found == Owner(user=os.geteuid(), processes=frozenset({os.getpid()}))
                assert find(caller.getsockname()[1], port + 1, ()) is None
    listener.close()


@ON_LINUX
@pytest.mark.parametrize("error", [OSError(1, "closed"), ValueError("short")])
def test_where_the_kernel_is_not_asked_proc_is(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise error

    monkeypatch.setattr(peer, "_by_kernel", closed)
    monkeypatch.setattr(peer, "in_proc", lambda *_: Owner(user=7))
    assert peer.on_linux(1, 2, ()) == Owner(user=7)


@pytest.mark.parametrize(
    ("owner", "only", "allowed"),
    [
        (Owner(user=os.geteuid()), None, True),
        (Owner(user=os.geteuid() + 1), None, False),
        (Owner(user=os.geteuid(), processes=frozenset({7})), frozenset({7}), True),
        (Owner(user=os.geteuid()), frozenset({7}), False),
        (Owner(user=os.geteuid()), frozenset(), False),
        (Owner(user=os.geteuid() + 1, processes=frozenset({7})), frozenset({7}), False),
        (None, None, False),
    ],
)
def test_whoever_is_not_known_to_be_the_engine_is_refused(
    owner: Owner | None, only: frozenset[int] | None, allowed: bool
) -> None:
    callers = Callers(port=1, only=only, find=lambda *_: owner)
    assert callers.allow(40000) is allowed


def test_an_answer_is_kept_for_less_time_than_a_pair_of_ports_stays_taken() -> None:
    now, owners = [0.0], [Owner(user=os.geteuid())]
    callers = Callers(port=1, find=lambda *_: owners[0], clock=lambda: now[0])
    assert callers.allow(40000)
    owners[0] = Owner(user=os.geteuid() + 1)
    now[0] = 0.49
    assert callers.allow(40000)
    now[0] = 0.5
    assert not callers.allow(40000)


def test_a_refusal_is_not_kept() -> None:
    owners = [Owner(user=os.geteuid() + 1)]
    callers = Callers(port=1, find=lambda *_: owners[0], clock=lambda: 0)
    assert not callers.allow(40000)
    owners[0] = Owner(user=os.geteuid())
    assert callers.allow(40000)


@pytest.mark.parametrize(
    "peer_name", ["ipv4:127.0.0.1:40000", "ipv4:10.0.0.7:40000", "unix:/tmp/it", "ipv6:[::1]:1", ""]
)
def test_only_a_caller_on_this_machine_is_looked_for(peer_name: str) -> None:
    asked = list[int]()

    def find(client: int, server: int, among: Collection[int]) -> Owner:
        asked.append(client)
        return Owner(user=os.geteuid())

    allowed = Callers(port=1, find=find).allows(peer_name)
    assert (allowed, asked) == ((True, [40000]) if peer_name == "ipv4:127.0.0.1:40000" else (False, []))


SAID = (
    "p41\nu501\nf7\nPTCP\nn127.0.0.1:40000->127.0.0.1:50000\np42\nu501\nf9\nPTCP\nn127.0.0.1:50000->127.0.0.1:40000\n"
)


def test_lsof_is_read_for_the_end_that_calls() -> None:
    assert peer.read_lsof(SAID, 40000, 50000, {41, 42}) == Owner(user=501, processes=frozenset({41}))
    assert peer.read_lsof(SAID, 40000, 50001, {41, 42}) is None
    assert peer.read_lsof("", 40000, 50000, {41}) is None
    assert peer.read_lsof(SAID.replace("u501", "usomebody"), 40000, 50000, {41}) is None


def test_a_process_has_those_above_it_up_to_the_first() -> None:
    found = peer.ancestors()
    assert {os.getpid(), os.getppid()} <= found and 1 not in found - {os.getpid(), os.getppid()}
