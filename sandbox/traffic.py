"""A steady stream of requests for answers, and who gave each answer: what a canary is watched by."""

from __future__ import annotations

import collections
import http.client
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

QUESTION: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 2,
    "temperature": 0,
}
"""A request that costs a small model little."""


@dataclass(frozen=True)
class Answer:
    """One request: when it was asked and answered (seconds of `time.monotonic`), its status, and the pod that answered.

    `status` is 0 when there was no answer; `pod` then says what happened.
    """

    asked: float
    answered: float
    status: int
    pod: str


Ask = Callable[[], tuple[int, str]]
"""Asks once: the status and the pod."""


def by_http(url: str, body: dict[str, Any] = QUESTION) -> Ask:
    """Asks `url` (`http://127.0.0.1:PORT/RELEASE/v1`) over one connection that stays open, as a service's client does."""
    parts, data = urlsplit(url), json.dumps(body)
    open_one: list[http.client.HTTPConnection] = []

    def ask() -> tuple[int, str]:
        if not open_one:
            open_one.append(http.client.HTTPConnection(parts.netloc, timeout=60))
        try:
            headers = {"Content-Type": "application/json"}
            open_one[0].request("POST", f"{parts.path}/chat/completions", data, headers)
            answer = open_one[0].getresponse()
            answer.read()
        except OSError:
            open_one.pop().close()
            raise
        return answer.status, answer.getheader("X-Served-By", "")

    return ask


@dataclass
class Stream:
    """What was answered so far; it is read while it grows."""

    answers: list[Answer] = field(default_factory=list)

    def since(self, began: float, until: float = math.inf) -> list[Answer]:
        """What was asked from `began` on and before `until`."""
        return [answer for answer in list(self.answers) if began <= answer.asked < until]

    def pods(self, began: float, until: float = math.inf) -> collections.Counter[str]:
        """How many of those each pod answered."""
        return collections.Counter(answer.pod for answer in self.since(began, until))

    def lost(self, began: float = -math.inf) -> list[Answer]:
        """What was asked from `began` on and not answered with 200."""
        return [answer for answer in self.since(began) if answer.status != 200]

    def count(self, number: int, *, within: float = 300.0) -> float:
        """Waits until `number` more requests are answered; gives when that began. TimeoutError when they are not."""
        began = time.monotonic()
        while len([answer for answer in self.since(began) if answer.answered]) < number:
            if time.monotonic() - began > within:
                raise TimeoutError(f"{len(self.since(began))} of {number} answers after {within:.0f} s")
            time.sleep(0.1)
        return began


@contextmanager
def stream(asks: Sequence[Ask], *, pause: float = 0.02) -> Iterator[Stream]:
    """Asks in one thread for each of `asks`, one request after another, until the block ends."""
    found, ended = Stream(), threading.Event()

    def run(ask: Ask) -> None:
        while not ended.wait(pause):
            asked = time.monotonic()
            try:
                status, pod = ask()
            except Exception as error:
                status, pod = 0, f"{type(error).__name__}: {error}"
            found.answers.append(Answer(asked, time.monotonic(), status, pod))

    threads = [threading.Thread(target=run, args=(ask,), name="traffic", daemon=True) for ask in asks]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        ended.set()
        for each in threads:
            each.join(60)


def likely(hits: int, number: int, share: float, *, chance: float = 1e-4) -> bool:
    """Whether `hits` of `number` are what a share allows: a count farther off comes by chance once in `1 / chance` times.

    Both tails of the binomial distribution, each with half the chance.
    """
    if share in (0.0, 1.0):
        return hits == round(share * number)
    weights = [
        math.exp(
            math.lgamma(number + 1)
            - math.lgamma(k + 1)
            - math.lgamma(number - k + 1)
            + k * math.log(share)
            + (number - k) * math.log1p(-share)
        )
        for k in range(number + 1)
    ]
    return min(sum(weights[: hits + 1]), sum(weights[hits:])) > chance / 2
