"""A limit on what one request may send, as ASGI middleware around the whole server: MLflow has none of its own.

A request that says that it is too long is answered 413 before anything of it is read. One that does not say is answered 413 when
it passes the limit, and whoever was reading it gets an error: nobody takes the part that had come for the whole.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

UPLOADS = ("/api/2.0/mlflow-artifacts/artifacts/", "/ajax-api/2.0/mlflow-artifacts/artifacts/")
"""Where files are put; MLflow writes them to a volume piece by piece, and holds every other request in memory."""


class TooLong(Exception):
    """What whoever reads a request gets instead of the piece that passes the limit."""


class BodyLimit:
    """Lets no body through to `app` that is longer than `upload_bytes` for a file, or `request_bytes` for anything else."""

    def __init__(self, app: App, *, request_bytes: int, upload_bytes: int) -> None:
        self._app = app
        self._request_bytes, self._upload_bytes = request_bytes, upload_bytes

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["method"] == "PUT" and scope["path"].startswith(UPLOADS)
        limit = self._upload_bytes if upload else self._request_bytes
        if int(dict(scope["headers"]).get(b"content-length", 0)) > limit:
            await _refuse(send, limit)
            return
        taken, answered, refused = 0, False, False

        async def counted() -> Message:
            nonlocal taken, refused
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                if not (answered or refused):
                    refused = True
                    await _refuse(send, limit)
                raise TooLong
            return message

        async def passed(message: Message) -> None:
            nonlocal answered
            # Whatever is said of a request that was cut off is said too late.
            if not refused:
                answered = True
                await send(message)

        try:
            await self._app(scope, counted, passed)
        except Exception:
            if not refused:
                raise


async def _refuse(send: Send, limit: int) -> None:
    said = {
        "error_code": "INVALID_PARAMETER_VALUE",
        "message": f"a request like this may have {limit} bytes at the most",
    }
    body = json.dumps(said).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
