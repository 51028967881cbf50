"""Speaks HTTP with one MLflow server: what failed for good and what may be tried again are two different errors.

It is plain REST on purpose: importing the `mlflow` client takes 2 s and 171 MB, and the engine starts this for every preview.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import requests

from core import plain_json

T = TypeVar("T")

CONNECT_SEC = 5.0
ANSWER_SEC = 60.0
FIRST_PAUSE_SEC = 0.25
LONGEST_PAUSE_SEC = 5.0
PAGE = 1000
SHOWN = 400
"""Longest answer (characters) that an error repeats."""
MOST_BYTES = 64 * 1024 * 1024
"""The largest answer that is read; a registry of ten thousand items is a tenth of it."""
MOST_PAGES = 1000
"""Pages of one listing."""
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_EXISTS = "RESOURCE_ALREADY_EXISTS"
_MISSING = frozenset({"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "ENDPOINT_NOT_FOUND"})


class Unavailable(Exception):
    """The server cannot answer now: down, slow, overloaded or failing. The call may be tried again."""


class Rejected(Exception):
    """The server has answered that it will not do this; `code` is its own word for why."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{message[:SHOWN]} ({code or status})")
        self.code, self.message, self.status = code, message, status

    def without(self, secrets: Iterable[str]) -> Rejected:
        """The same answer with every secret taken out that the server repeats in it."""
        message = self.message
        for secret in secrets:
            message = message.replace(secret, "[secret]") if secret else message
        return Rejected(self.code, message, self.status)

    @property
    def exists(self) -> bool:
        """Whether something of that name is there already."""
        return self.code == _EXISTS

    @property
    def missing(self) -> bool:
        """Whether what was asked for is not there."""
        return self.code in _MISSING or self.status == 404


class Stopped(Exception):
    """The engine has asked to stop."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a server has answered, read to its end."""

    status_code: int
    reason: str
    body: bytes = field(repr=False)


@dataclass
class Server:
    """One MLflow server as a user sees it. Safe to use from several threads: each has a connection of its own."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    answer_sec: float = ANSWER_SEC
    _local: threading.local = field(default_factory=threading.local, repr=False)

    def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        """Asks. Raises Unavailable or Rejected, as every call here does."""
        return self.call("GET", path, params=params)

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        """Does."""
        return self.call("POST", path, json=body)

    def patch(self, path: str, **body: Any) -> dict[str, Any]:
        """Changes."""
        return self.call("PATCH", path, json=body)

    def delete(self, path: str, **body: Any) -> dict[str, Any]:
        """Removes."""
        return self.call("DELETE", path, json=body)

    def pages(self, path: str, key: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Every item of a listing, page after page."""
        token, seen = "", set[str]()
        while len(seen) < MOST_PAGES:
            more = {"page_token": token} if token else {}
            answer = self.get(path, **params, **more)
            yield from answer.get(key, [])
            token = str(answer.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                break
            seen.add(token)
        raise Rejected("", "what answers there lists without end", 200)

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """One request; `path` starts with the API's version (`2.0/mlflow/...`)."""
        return _read(self._answer(method, f"api/{path}", **arguments))

    def text(self, file: str, **params: str) -> str:
        """A file that the server hands out beside its API."""
        answer = self._answer("GET", file, params=params)
        if answer.status_code >= 300:
            _read(answer)
        return answer.body.decode("utf-8", "replace")

    def _answer(self, method: str, path: str, **arguments: Any) -> Answer:
        try:
            answer = self._session().request(
                method,
                f"{self.url.rstrip('/')}/{path}",
                timeout=(CONNECT_SEC, self.answer_sec),
                # A password is for this host alone.
                allow_redirects=False,
                stream=True,
                **arguments,
            )
            with answer:
                body = self._body(answer)
        except requests.RequestException as error:
            raise Unavailable(f"{self.url}: {_short(error)}") from None
        if answer.status_code in _LATER:
            raise Unavailable(f"{self.url} answers {answer.status_code} {answer.reason}")
        return Answer(status_code=answer.status_code, reason=str(answer.reason), body=body)

    def _body(self, answer: requests.Response) -> bytes:
        """The answer, unless it is larger or slower than a registry's: each piece of it may take as long as a whole one."""
        body, ends = bytearray(), time.monotonic() + 2 * self.answer_sec
        for piece in answer.iter_content(65536):
            body += piece
            if len(body) > MOST_BYTES:
                raise Rejected("", f"the answer is larger than {MOST_BYTES} bytes", answer.status_code)
            if time.monotonic() > ends:
                raise Unavailable(f"{self.url}: the answer does not end")
        return bytes(body)

    def _session(self) -> requests.Session:
        session = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.trust_env = False
            if self.user:
                session.auth = (self.user, self.password)
            self._local.session = session
        return session


def _read(answer: Answer) -> dict[str, Any]:
    try:
        content = plain_json.loads(answer.body) if answer.body.strip() else {}
    except ValueError:
        content = None
    if answer.status_code >= 300:
        said: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
        code = str(said.get("error_code", ""))
        message = str(said.get("message", "")).split("\n")[0]
        if answer.status_code in (401, 403):
            message = message or "the registry does not take these credentials, or they may not do this"
        raise Rejected(code, message or f"{answer.status_code} {answer.reason}", answer.status_code)
    if not isinstance(content, dict):
        raise Rejected("", "what answers there is no MLflow server", answer.status_code)
    return content


def persist(
    act: Callable[[], T], *, within_sec: float, stop: threading.Event, clock: Callable[[], float] = time.monotonic
) -> T:
    """Does `act` until it succeeds, waiting longer each time, for about `within_sec`.

    Raises Unavailable, with how often it was tried, when the time is up, and Stopped when the engine asks to stop.
    """
    started, tries, pause = clock(), 0, FIRST_PAUSE_SEC
    while True:
        if stop.is_set():
            raise Stopped("stopped before the registry was asked")
        tries += 1
        try:
            return act()
        except Unavailable as error:
            left = within_sec - (clock() - started)
            if left <= 0:
                spent = f"{tries} tries in {clock() - started:.0f} s"
                raise Unavailable(f"{error}; gave up after {spent}") from None
            if stop.wait(min(pause * random.uniform(0.5, 1.0), left)):  # noqa: S311 (spreads retries, guards nothing)
                raise Stopped("stopped while the registry did not answer") from None
            pause = min(pause * 2, LONGEST_PAUSE_SEC)


def _short(error: requests.RequestException) -> str:
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
