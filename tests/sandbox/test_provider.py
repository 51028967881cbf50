"""The gRPC face: what the engine says reaches the cloud in plain values, and what the cloud answers goes back whole."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from pulumi.runtime.proto import provider_pb2 as wire
from pulumi.runtime.proto import provider_pb2_grpc as stubs

from engine.marks import UNKNOWN
from engine.paths import at, differences, steps
from engine.values import has_unknown
from sandbox.faults import CloudError, Faults, Rule
from sandbox.items import CREATOR
from sandbox.provider import Change, Checked, Fault, serve
from sandbox.values import Secret, from_wire, to_wire
from tests.roots import ROOT

URN = "urn:pulumi:dev::proj::parent:Type$toy:index:Thing::name::with"
TOKEN = "toy:index:Thing"


class Toy:
    """A cloud that remembers what it was told."""

    package = "toy"
    label = "SIMULATED toy"
    version = "1.2.3"

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.things: dict[str, dict[str, Any]] = {}

    def configure(self, variables: dict[str, Any]) -> None:
        self.told.append(variables)

    def check(self, token: str, name: str, olds: dict[str, Any], news: dict[str, Any]) -> list[Fault] | Checked:
        self.told.append((token, name, news))
        if "bad" in news:
            return [Fault("bad", "is bad")]
        return Checked({**news, "made": "up"})

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        changed = tuple(differences(olds, news))
        return Change(changed, tuple(path for path in changed if path.startswith("fixed")), True)

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        if inputs.get("refuse"):
            raise CloudError("NoSuchLuck", "not today")
        self.told.append(CREATOR.get())
        self.things["1"] = inputs
        return ("" if preview else "1"), {**inputs, "arn": UNKNOWN if preview else "arn:1"}

    def read(self, token: str, id: str, inputs: Any, state: Any) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        return (id, self.things[id], self.things[id]) if id in self.things else None

    def update(self, token: str, id: str, olds: Any, news: dict[str, Any], *, preview: bool) -> dict[str, Any]:
        return news

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None:
        del self.things[id]

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:
        return {"echo": args}


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def calls(toy: Toy, tmp_path: Path) -> Iterator[Any]:
    file = tmp_path / "faults.json"
    file.write_text(json.dumps([{"kind": "no-capacity", "call": "delete"}]))
    server, port = serve(toy, Faults.load(file, tmp_path / "memory"))
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield stubs.ResourceProviderStub(channel)
    server.stop(0)


def test_a_check_passes_names_and_values_and_returns_inputs_or_faults(toy: Toy, calls: Any) -> None:
    happy = calls.Check(wire.CheckRequest(urn=URN, news=to_wire({"a": 1, "b": UNKNOWN})))
    assert toy.told == [(TOKEN, "name::with", {"a": 1, "b": UNKNOWN})]
    assert from_wire(happy.inputs) == {"a": 1, "b": UNKNOWN, "made": "up"}
    refused = calls.Check(wire.CheckRequest(urn=URN, news=to_wire({"bad": 1})))
    assert [(found.property, found.reason) for found in refused.failures] == [("bad", "is bad")]


def test_secrets_arrive_as_values_that_hide_and_go_back_as_secrets(calls: Any, toy: Toy) -> None:
    news = to_wire({"plain": "p", "whole": Secret("s"), "deep": {"list": [Secret("t"), 1]}})
    made = calls.Create(wire.CreateRequest(urn=URN, properties=news))
    assert toy.things["1"]["whole"] == "s"
    assert "s" not in repr(toy.things["1"]["whole"]).replace("[secret]", "")
    assert made.properties.fields["whole"] == news.fields["whole"]
    assert made.properties.fields["deep"] == news.fields["deep"]
    assert made.properties.fields["plain"].string_value == "p"
    everything = calls.Read(wire.ReadRequest(id="1", urn=URN, inputs=news, properties=made.properties))
    assert everything.inputs == news


def test_a_number_or_object_that_is_secret_as_a_whole_stays_so(calls: Any) -> None:
    news = to_wire({"port": 5432, "object": {"a": True}}, {"port", "object"})
    made = calls.Create(wire.CreateRequest(urn=URN, properties=news))
    assert {key: made.properties.fields[key] for key in ("port", "object")} == dict(news.fields)


def test_a_difference_names_every_path_its_kind_and_what_replaces(calls: Any) -> None:
    olds, news = {"fixed": 1, "gone": 1, "list": [1, 2]}, {"fixed": 2, "new": 1, "list": [1, 3]}
    found = calls.Diff(wire.DiffRequest(id="1", urn=URN, old_inputs=to_wire(olds), news=to_wire(news)))
    kinds = {path: wire.PropertyDiff.Kind.Name(entry.kind) for path, entry in found.detailedDiff.items()}
    assert kinds == {"fixed": "UPDATE_REPLACE", "gone": "DELETE", "list[1]": "UPDATE", "new": "ADD"}
    assert list(found.replaces) == ["fixed"]
    assert found.deleteBeforeReplace
    same = calls.Diff(wire.DiffRequest(id="1", urn=URN, old_inputs=to_wire(olds), news=to_wire(olds)))
    assert same.changes == wire.DiffResponse.DIFF_NONE


def test_a_create_runs_for_its_urn_and_a_preview_has_no_id(calls: Any, toy: Toy) -> None:
    assert calls.Create(wire.CreateRequest(urn=URN, preview=True)).id == ""
    assert calls.Create(wire.CreateRequest(urn=URN)).id == "1"
    assert toy.told[-1] == URN


def test_a_clouds_refusal_is_told_in_its_own_words_as_a_simulation(calls: Any) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        calls.Create(wire.CreateRequest(urn=URN, properties=to_wire({"refuse": True})))
    assert caught.value.details() == f"SIMULATED toy, create {TOKEN}: NoSuchLuck: not today"


def test_what_is_gone_reads_as_nothing_and_faults_meet_the_named_call(calls: Any, toy: Toy) -> None:
    assert calls.Read(wire.ReadRequest(id="9", urn=URN)).id == ""
    toy.things["1"] = {}
    with pytest.raises(grpc.RpcError, match="InsufficientInstanceCapacity"):
        calls.Delete(wire.DeleteRequest(id="1", urn=URN))
    calls.Delete(wire.DeleteRequest(id="1", urn=URN))
    assert toy.things == {}


def test_a_crash_after_the_reply_lets_the_engine_have_it_first(toy: Toy) -> None:
    left = threading.Event()
    faults = Faults(rules=(Rule(kind="crash", edge="after-reply"),), leave=lambda _: left.set())
    server, port = serve(toy, faults)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert stubs.ResourceProviderStub(channel).Create(wire.CreateRequest(urn=URN)).id == "1"
        assert left.wait(60)
    server.stop(0)


def test_components_and_methods_are_refused_clearly(calls: Any) -> None:
    for call, request in ((calls.Construct, wire.ConstructRequest(type="t")), (calls.Call, wire.CallRequest(tok="t"))):
        with pytest.raises(grpc.RpcError, match="SIMULATED toy: t is not served"):
            call(request)


def test_paths_survive_dots_and_quotes_in_keys() -> None:
    value = {"tags": {'a.b["c': 1, "plain": [{"x": 2}]}}
    paths = list(differences(value, {"tags": {"plain": [{}]}}))
    assert [at(value, path) for path in paths] == [1, 2]
    assert steps(paths[1]) == ["tags", "plain", 0, "x"]
    assert list(differences({"a": 1}, {"a": True})) == ["a"]
    assert list(differences({"a": UNKNOWN}, {"a": UNKNOWN})) == ["a"]
    assert has_unknown({"a": [UNKNOWN]})
    assert not has_unknown({"a": ["b", 1]})


def test_the_host_prints_its_ports_and_ends_with_its_parent(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "sandbox.host",
        "--world",
        str(tmp_path / "w"),
        "--cache",
        str(tmp_path),
        "--only",
        "aws",
    ]
    host = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
    assert host.stdin is not None
    assert host.stdout is not None
    port = json.loads(host.stdout.readline())["aws"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stubs.ResourceProviderStub(channel).Configure(wire.ConfigureRequest(args=to_wire({"region": "us-east-1"})))
    host.stdin.close()
    assert host.wait(60) == 0
    host.stdout.close()
