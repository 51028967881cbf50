"""The registry's server of the sandbox answers the user who started it, whatever else can dial its port."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from engine.peer import Callers, Owner
from sandbox.stack.mlflow_server import _for_this_user


def answered(scope: dict[str, Any], *, user: int) -> list[Any]:
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send("the app")

    async def send(message: Any) -> None:
        sent.append(message)

    guarded = _for_this_user(app, Callers(1, find=lambda *_: Owner(user=user)))
    asyncio.run(guarded(scope, None, send))
    return sent


@pytest.fixture
def me() -> int:
    return os.geteuid()


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_this_user_is_answered(kind: str, me: int) -> None:
    assert answered({"type": kind, "client": ("127.0.0.1", 40000)}, user=me) == ["the app"]


def test_another_user_is_refused(me: int) -> None:
    sent = answered({"type": "http", "client": ("127.0.0.1", 40000)}, user=me + 1)
    assert [each.get("status") for each in sent] == [403, None]
    assert answered({"type": "websocket", "client": ("127.0.0.1", 40000)}, user=me + 1)[0]["type"] == "websocket.close"


@pytest.mark.parametrize("client", [None, ("10.0.0.7", 40000)])
def test_a_caller_that_cannot_be_looked_up_is_refused(client: Any, me: int) -> None:
    assert answered({"type": "http", "client": client}, user=me)[0]["status"] == 403


def test_the_start_of_the_app_asks_nobody(me: int) -> None:
    assert answered({"type": "lifespan"}, user=me + 1) == ["the app"]
