"""The parts of a node that live: the supervisor, published ports and the owner's socket, each without a node."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.problem import ExitCode, Problem, Refused
from sandbox import lock
from sandbox.node import control, publish
from sandbox.node.control import Control
from sandbox.node.layout import Layout
from sandbox.node.publish import Publisher

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a node is a thing of Linux")

SUPERVISED = """
import json, sys, time
from pathlib import Path
from sandbox.node.isolation import inside
inside._AGAIN_AFTER = 0.01
supervisor = inside.Supervisor(Path(sys.argv[1]), lambda stage, text: print(json.dumps([stage, text]), flush=True))
try:
    {act}
except inside.GaveUpError as why:
    print(json.dumps(["failed", str(why)]))
"""


def supervised(folder: Path, act: str) -> list[list[str]]:
    """What a supervisor tells while it does something, in a process of its own: it collects every child."""
    command = [sys.executable, "-c", SUPERVISED.format(act=act), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_program_that_ends_is_started_again_until_it_ends_too_often(tmp_path: Path) -> None:
    *again, last = supervised(
        tmp_path, 'supervisor.start("one", ["sh", "-c", "echo ran; exit 3"]); supervisor.forever()'
    )
    assert again == [["again", "one ended with 3; starting it again"]] * 5
    assert last == ["failed", "one ended with 3, the 6th time within a minute"]
    assert (tmp_path / "one.log").read_text() == "ran\n" * 6


def test_a_program_that_is_killed_is_said_to_be(tmp_path: Path) -> None:
    told = supervised(tmp_path, 'supervisor.start("one", ["sh", "-c", "kill -9 $$"]); supervisor.forever()')
    assert told[0] == ["again", "one was killed by signal 9; starting it again"]


def test_a_command_that_fails_says_its_last_words(tmp_path: Path) -> None:
    (last,) = supervised(tmp_path, 'supervisor.run("import", ["sh", "-c", "echo no such image >&2; exit 1"])')
    assert last == ["failed", "`sh -c echo no such image >&2; exit 1` failed: no such image"]


def test_a_command_that_succeeds_says_nothing(tmp_path: Path) -> None:
    assert supervised(tmp_path, 'supervisor.run("import", ["true"])') == []


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert supervised(tmp_path, 'supervisor.start("one", ["no-such-program"])') == [
        ["failed", "no `no-such-program` on this machine"]
    ]


KEEPING = """
import sys
from sandbox.node.isolation import keeper
keeper.command = lambda plan, groups: ["cat"]
sys.exit(keeper.main([sys.argv[1]]))
"""


def test_when_the_node_ends_the_keeper_deletes_keys_and_data_and_holds_the_folder_until_then(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    (layout.data / "etcd").mkdir(parents=True)
    layout.kubeconfig.write_text("key")
    plan = {"groups": [], "data": str(layout.data), "kubeconfig": str(layout.kubeconfig)}
    layout.plan.write_text(json.dumps(plan))
    with lock.take(tmp_path / "lock", "cluster") as held:
        command = [sys.executable, "-c", KEEPING, str(layout.plan)]
        keeper = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[held.fileno()])
    assert keeper.stdin is not None
    with pytest.raises(Refused, match="another command is using the cluster"):
        lock.take(tmp_path / "lock", "cluster")
    assert layout.kubeconfig.exists()
    keeper.stdin.close()
    assert keeper.wait(60) == 0
    assert not layout.data.exists() and not layout.kubeconfig.exists()
    lock.take(tmp_path / "lock", "cluster").close()


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher into the network that the test itself is in, which takes no right."""
    monkeypatch.setattr(publish, "_enter_network", lambda pid: None)
    found = Publisher(os.getpid())
    yield found
    found.close()


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that gives back in capitals what it is sent, once nothing more comes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    asked, _ = listener.accept()
                except OSError:
                    return
                with asked, asked.makefile("rb") as stream:
                    asked.sendall(stream.read().upper())

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def asked(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection, connection.makefile("rb") as stream:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return stream.read()


@pytest.mark.parametrize("size", [0, 1, 1 << 20])
def test_what_is_sent_to_a_published_port_comes_back_whole_though_the_sender_is_done_first(
    publisher: Publisher, echo: int, size: int
) -> None:
    port = publisher.publish("127.0.0.1", echo)
    assert asked(port, b"a" * size) == b"A" * size


def test_a_port_is_that_of_the_loopback_alone_and_one_that_is_taken_is_refused(publisher: Publisher, echo: int) -> None:
    port = publisher.publish("127.0.0.1", echo)
    listening = [
        line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"
    ]
    assert [each for each in listening if each.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]
    with pytest.raises(OSError, match="in use"):
        publisher.publish("127.0.0.1", echo, port=port)


def test_a_connection_to_where_nobody_listens_is_closed(publisher: Publisher) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    assert asked(publisher.publish("127.0.0.1", free), b"") == b""


def test_closing_ends_open_connections_too(monkeypatch: pytest.MonkeyPatch, echo: int) -> None:
    monkeypatch.setattr(publish, "_enter_network", lambda pid: None)
    publisher = Publisher(os.getpid())
    port = publisher.publish("127.0.0.1", echo)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        publisher.close()
        assert connection.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=60)


def test_a_network_that_is_gone_is_an_error_and_no_publisher() -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    with pytest.raises(OSError, match=str(ended.pid)):
        Publisher(ended.pid)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose path is longer than a socket's may be."""
    path = tmp_path / ("long" * 30)
    path.mkdir()
    return path


def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
    if question["do"] == "refuse":
        raise Refused(Problem(summary="no", where="here", fix="ask for something else"), ExitCode.UNAVAILABLE)
    if question["do"] == "fail":
        raise RuntimeError("it broke")
    return {"heard": question["do"]}


def test_an_owner_answers_however_long_its_folders_path_is(folder: Path) -> None:
    owner = Control(folder / "control", answer)
    try:
        assert control.ask(folder / "control", {"do": "this"}) == {"heard": "this"}
        assert (folder / "control").stat().st_mode & 0o777 == 0o600
    finally:
        owner.close()
    assert control.ask(folder / "control", {"do": "this"}) is None, "nobody is there any more"


def test_what_an_owner_refuses_is_refused_to_whoever_asked(folder: Path) -> None:
    owner = Control(folder / "control", answer)
    try:
        with pytest.raises(Refused) as refused:
            control.ask(folder / "control", {"do": "refuse"})
        assert refused.value.problems == (Problem(summary="no", where="here", fix="ask for something else"),)
        assert refused.value.code == ExitCode.UNAVAILABLE
        with pytest.raises(Refused, match="RuntimeError: it broke"):
            control.ask(folder / "control", {"do": "fail"})
        assert control.ask(folder / "control", {"do": "next"}) == {"heard": "next"}, "it goes on answering"
    finally:
        owner.close()


def test_where_no_owner_ever_was_nobody_answers(tmp_path: Path) -> None:
    assert control.ask(tmp_path / "never" / "control", {"do": "this"}) is None
    (tmp_path / "control").write_text("left by one that was killed")
    assert control.ask(tmp_path / "control", {"do": "this"}) is None


def test_an_owner_that_is_busy_answers_others_and_one_that_says_nothing_is_an_error(folder: Path) -> None:
    busy = threading.Event()

    def answer(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question["do"] == "long":
            busy.wait(30)
        return {}

    owner = Control(folder / "control", answer)
    try:
        with pytest.raises(Refused, match="does not answer within") as refused:
            control.ask(folder / "control", {"do": "long"}, within=0.1)
        assert refused.value.code is ExitCode.UNAVAILABLE
        assert control.ask(folder / "control", {"do": "short"}, within=30) == {}
    finally:
        busy.set()
        owner.close()
