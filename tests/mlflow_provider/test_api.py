"""What the provider does with a server that fails, and what it says; with no engine and no MLflow."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator

import pytest

from engine.marks import UNKNOWN
from engine.values import marked
from mlflow_provider import api
from mlflow_provider.api import Rejected, Server, Stopped, Unavailable, persist
from mlflow_provider.credentials import NoSecret, Secrets, digest
from mlflow_provider.kinds.catalogue import KINDS
from mlflow_provider.wire import SecretGiven, differences, plain, struct


@pytest.fixture
def answering() -> Iterator[Callable[[list[tuple[int, str]]], Server]]:
    """Makes a server that gives these answers one after the other, the last one for ever."""
    running: list[http.server.ThreadingHTTPServer] = []

    def make(answers: list[tuple[int, str]]) -> Server:
        left = list(answers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        running.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Server(f"http://127.0.0.1:{server.server_port}")

    yield make
    for server in running:
        server.shutdown()


def asked(server: Server, within_sec: float) -> dict[str, object]:
    return persist(lambda: server.get("2.0/mlflow/x"), within_sec=within_sec, stop=threading.Event())


def test_a_server_that_fails_for_a_while_is_asked_again(
    answering: Callable[[list[tuple[int, str]]], Server],
) -> None:
    assert asked(answering([(503, ""), (500, "oops"), (200, '{"a": 1}')]), 30) == {"a": 1}


def test_a_server_that_does_not_stop_failing_is_given_up_with_how_often_it_was_tried(
    answering: Callable[[list[tuple[int, str]]], Server],
) -> None:
    with pytest.raises(Unavailable, match=r"answers 502 .*; gave up after \d+ tries in \d+ s"):
        asked(answering([(502, "")]), 0.3)


def test_a_refusal_is_not_tried_again(answering: Callable[[list[tuple[int, str]]], Server]) -> None:
    server = answering([(400, '{"error_code": "INVALID_PARAMETER_VALUE", "message": "no\\nstack"}'), (200, "{}")])
    with pytest.raises(Rejected, match=r"^no \(INVALID_PARAMETER_VALUE\)$"):
        asked(server, 30)


def test_what_is_no_mlflow_server_is_said_to_be_none(answering: Callable[[list[tuple[int, str]]], Server]) -> None:
    with pytest.raises(Rejected, match="no MLflow server"):
        asked(answering([(200, "<html>")]), 30)


def test_nothing_listens_and_the_engine_may_stop_the_waiting() -> None:
    nobody, stop = Server("http://127.0.0.1:9"), threading.Event()
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        persist(lambda: nobody.get("2.0/mlflow/x"), within_sec=60, stop=stop)


def test_a_secret_comes_from_where_its_name_says_and_no_error_repeats_one() -> None:
    secrets = Secrets(config={"hook": "one"}, environ={"MODELYARD_HOOK": "two"})
    assert (secrets.value("config:hook"), secrets.value("env:MODELYARD_HOOK")) == ("one", "two")
    assert secrets.near("awssm:prod/hook#key") is None
    with pytest.raises(NoSecret, match=r"pulumi config set --secret other"):
        secrets.value("config:other")
    with pytest.raises(NoSecret) as told:
        secrets.value("hunter2-in-clear")
    assert "hunter2" not in str(told.value)


def test_a_digest_depends_on_the_secret_the_key_and_what_it_is_about() -> None:
    same = digest("secret", key="k", about="urn")
    assert same == digest("secret", key="k", about="urn")
    others = (
        digest("secre", key="k", about="urn"),
        digest("secret", key="l", about="urn"),
        digest("secret", key="k", about="u"),
    )
    assert same not in others


def test_a_property_that_holds_a_secret_itself_is_refused() -> None:
    with pytest.raises(SecretGiven) as told:
        plain(struct({"password": marked("hunter2")}))
    assert "hunter2" not in str(told.value)


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": {"x.y": 1}}, {"a": {"x.y": 2}}, ['a["x.y"]']),
        ({"a": [1, 2]}, {"a": [1]}, ["a[1]"]),
        ({"a": UNKNOWN}, {"a": UNKNOWN}, ["a"]),
        ({}, {"b": 1}, ["b"]),
    ],
)
def test_paths_at_which_two_values_differ(old: dict[str, object], new: dict[str, object], paths: list[str]) -> None:
    assert list(differences(old, new)) == paths


def test_a_prompt_has_a_text_or_messages_and_no_more_than_mlflow_keeps() -> None:
    faults = KINDS["modelyard:registry:Prompt"].faults
    assert list(faults({"text": "x" * 100_000})) == []
    assert len(list(faults({"text": "x" * 100_001}))) == 1
    assert len(list(faults({}))) == len(list(faults({"text": "a", "messages": [{}]}))) == 1


def test_a_listing_without_end_is_given_up(answering: Callable[[list[tuple[int, str]]], Server]) -> None:
    server = answering([(200, '{"items": [{}], "next_page_token": "again"}')] * 3)
    with pytest.raises(Rejected, match="without end"):
        list(server.pages("2.0/x", "items"))


def test_an_answer_has_a_largest_size(
    answering: Callable[[list[tuple[int, str]]], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_BYTES", 20)
    assert answering([(200, '{"a": "xxxxxxxxxxx"}')]).get("2.0/x") == {"a": "xxxxxxxxxxx"}
    with pytest.raises(Rejected, match="larger"):
        answering([(200, '{"a": "xxxxxxxxxxxx"}')]).get("2.0/x")


@pytest.mark.parametrize("said", ["[" * 200_000, '{"a": 1e999}', '{"a": ' + "9" * 5000 + "}", '{"a": NaN}'])
def test_an_answer_that_no_registry_gives_is_refused(
    said: str, answering: Callable[[list[tuple[int, str]]], Server]
) -> None:
    with pytest.raises(Rejected, match="no MLflow server"):
        answering([(200, said)]).get("2.0/x")
