"""No body passes that is too long, whether it says so or not, and nobody takes a part for the whole."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.registry.in_cluster.registry_limits import UPLOADS, BodyLimit, TooLong

REQUEST, UPLOAD = 10, 100


class App:
    """Reads a whole body and answers 200; `first` answers before it reads, `handles` answers 500 for what it cannot read."""

    def __init__(self, *, first: bool = False, handles: bool = False) -> None:
        self.first, self.handles = first, handles
        self.read: bytes | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        body, more = b"", True
        try:
            while more:
                message = await receive()
                body, more = body + message["body"], message["more_body"]
        except TooLong:
            if not self.handles:
                raise
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        self.read = body
        if not self.first:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs it in a loop of its own. `asyncio.run` would leave the thread without the one that Pulumi takes."""
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(coroutine)
    finally:
        loop.close()


def asked(
    app: Any, pieces: Iterable[bytes], *, length: int | None = None, method: str = "POST", path: str = "/api/x"
) -> tuple[list[int], int]:
    """The statuses that were answered, and how many pieces of the body were read."""
    sent: list[Any] = []
    queue = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    queue.append({"type": "http.request", "body": b"", "more_body": False})
    whole = len(queue)

    async def receive() -> Any:
        return queue.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if length is None else [(b"content-length", str(length).encode())]
    scope = {"type": "http", "method": method, "path": path, "headers": headers}
    run(BodyLimit(app, request_bytes=REQUEST, upload_bytes=UPLOAD)(scope, receive, send))
    return [each["status"] for each in sent if "status" in each], whole - len(queue)


def test_a_length_over_the_limit_is_refused_before_anything_is_read() -> None:
    app = App()
    assert asked(app, [b"x" * 11], length=11) == ([413], 0)
    assert app.read is None


def test_a_length_at_the_limit_is_read() -> None:
    app = App()
    assert asked(app, [b"x" * 10], length=10)[0] == [200]
    assert app.read == b"x" * 10


@pytest.mark.parametrize("handles", [False, True])
def test_a_body_that_passes_the_limit_is_cut_off_there_and_answered_once(handles: bool) -> None:
    app = App(handles=handles)
    assert asked(app, [b"x" * 6] * 9) == ([413], 2)
    assert app.read is None


def test_a_body_that_passes_the_limit_after_the_answer_began_is_cut_off_with_an_error() -> None:
    app = App(first=True)
    with pytest.raises(TooLong):
        asked(app, [b"x" * 6] * 9)
    assert app.read is None


@pytest.mark.parametrize("path", UPLOADS)
def test_only_a_file_that_is_put_may_be_longer(path: str) -> None:
    assert asked(App(), [b"x" * UPLOAD], length=UPLOAD, method="PUT", path=path + "1/a")[0] == [200]
    assert asked(App(), [], length=UPLOAD + 1, method="PUT", path=path + "1/a")[0] == [413]
    assert asked(App(), [], length=UPLOAD, method="POST", path=path + "1/a")[0] == [413]
    assert asked(App(), [], length=UPLOAD, method="PUT", path="/x" + path)[0] == [413]


def test_an_error_of_the_server_itself_stays_one() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        asked(broken, [])


def test_what_is_no_request_goes_through() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    run(BodyLimit(app, request_bytes=1, upload_bytes=1)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]


@given(st.lists(st.binary(max_size=8), max_size=6), st.booleans())
def test_a_body_arrives_whole_or_not_at_all(pieces: list[bytes], said: bool) -> None:
    app, body = App(), b"".join(pieces)
    statuses, _ = asked(app, pieces, length=len(body) if said else None)
    assert (statuses, app.read) == (([200], body) if len(body) <= REQUEST else ([413], None))
