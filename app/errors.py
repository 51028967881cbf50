"""What the service says when it does not answer: always OpenAI's form, and never more of a request than its fields' names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

INVALID = "invalid_request_error"
PASSED_ON = {400: INVALID, 413: INVALID, 422: INVALID, 429: "rate_limit_error"}
"""Refusals of the model that the user has to hear of, and the type of each: the request is wrong, or too early."""
_REASON = re.compile(r"[A-Za-z_]{1,64}")


def error(status: int, message: str, kind: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """An error in OpenAI's form."""
    return JSONResponse({"error": {"message": message, "type": kind}}, status, headers)


def refused(status: int, body: bytes, headers: Mapping[str, str]) -> JSONResponse:
    """The model's refusal of a request with its code, if it has one. Its text stays here: it may repeat the system prompt."""
    message = f"the model refuses this request: {status} {reason(body)}".rstrip()
    after = {"retry-after": headers["retry-after"]} if "retry-after" in headers else None
    return error(status, message, PASSED_ON[status], after)


def reason(body: bytes) -> str:
    """The code or the type in an error of OpenAI's form; empty when there is none."""
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = said.get("error") if isinstance(said, dict) else None
    words = [found.get("code"), found.get("type")] if isinstance(found, dict) else []
    return next((word for word in words if isinstance(word, str) and _REASON.fullmatch(word)), "")


def install(app: FastAPI) -> None:
    """Gives every refusal of the framework the same form."""

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, why: RequestValidationError) -> JSONResponse:
        first = why.errors()[0]
        message = f"{'.'.join(map(str, first['loc'][1:]))}: {first['msg']}"
        return error(422, message[:500], INVALID)

    @app.exception_handler(HTTPException)
    async def other(_: Request, why: HTTPException) -> JSONResponse:
        return error(why.status_code, str(why.detail), INVALID, why.headers)
