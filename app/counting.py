"""Counts each request when its answer has ended: an answer that breaks on the way is no success."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.metrics import Metrics

BROKEN, LEFT, NOTHING = 502, 499, 500
"""The codes of an answer that the model broke, of one that its reader did not wait for, and of none."""


class Counting:
    """Counts by route and code, and puts the app's version on every answer.

    A route that finds its answer broken after the headers are out sets `request.state.broken`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, version: str) -> None:
        self._app, self._metrics, self._version = app, metrics, version

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and counts it once, whichever way it ends."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        code, ended = 0, False

        async def passed(message: Message) -> None:
            nonlocal code, ended
            if message["type"] == "http.response.start":
                code = message["status"]
                MutableHeaders(scope=message)["x-app-version"] = self._version
            await send(message)
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)

        counted = LEFT
        try:
            await self._app(scope, receive, passed)
            counted = code if ended else LEFT
        except ClientDisconnect:
            raise
        except Exception:
            counted = BROKEN if code else NOTHING
            raise
        finally:
            self._metrics.request(_route(scope), BROKEN if state.get("broken") else counted)


def _route(scope: Scope) -> str:
    """The route's own path, so that a label's values are as many as there are routes."""
    return getattr(scope.get("route"), "path", "none")
