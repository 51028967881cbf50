"""How operations of one process reach their engines, and what stands for the reason when one cannot be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.automation import CommandResult
from pulumi.automation.errors import create_command_error
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from pulumi.runtime.settings import Settings

from ops.engine import process
from ops.engine.automation import Engine, _explain
from ops.engine.events import Diagnostic, EngineEvents
from ops.engine.process import own_connections


class Listening(engine_pb2_grpc.EngineServicer):
    def Log(self, request: object, context: object) -> empty_pb2.Empty:  # noqa: N802
        return empty_pb2.Empty()


@contextmanager
def engine(port: int) -> Iterator[None]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(Listening(), server)
    assert server.add_insecure_port(f"127.0.0.1:{port}") == port
    server.start()
    yield
    server.stop(0).wait()


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def say_something(settings: Settings) -> None:
    assert settings.engine is not None
    settings.engine.Log(engine_pb2.LogRequest())


def test_an_engine_on_the_port_of_one_that_has_ended_is_reached_at_once() -> None:
    own_connections()
    port = free_port()
    of_the_first = Settings("modelyard", "dev", engine=f"127.0.0.1:{port}")
    with engine(port):
        say_something(of_the_first)
    with pytest.raises(grpc.RpcError):
        say_something(of_the_first)
    with engine(port):
        say_something(Settings("modelyard", "dev", engine=f"127.0.0.1:{port}"))


def test_every_operation_of_modelyard_opens_a_connection_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: list[tuple[str, int]] = []
    monkeypatch.setattr(process, "_GRPC_CHANNEL_OPTIONS", options)
    monkeypatch.setattr(Engine, "_stack", lambda *_: SimpleNamespace(preview=lambda **_: None))
    command = process.EngineCommand(tmp_path / "pulumi", "v3.259.0", {}, lambda _: None)
    made = Engine(command=command, workdir=tmp_path, stack="dev", env={}, program=lambda: None)
    assert made.preview().ok and made.preview().ok
    assert options == [process._OWN]


@pytest.mark.parametrize(
    ("heard", "said"), [([], "error: disk full"), ([Diagnostic(message="no capacity")], "no capacity")]
)
def test_the_engines_own_words_are_the_reason_when_no_event_gave_one(heard: list[Diagnostic], said: str) -> None:
    events = EngineEvents(planning=True, errors=heard)
    _explain(create_command_error(CommandResult(stdout="", stderr="error: disk full", code=255)), events)
    assert [error.message for error in events.errors] == [said]
