"""Users at work: each asks the app, reads the streamed answer, and says whether it helped."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import httpx

from app.answer import Reading
from labs.ab.users import Ask, helpful

AT_ONCE = 2
"""How many ask at the same time: as many as there are replicas of the model."""
ANSWER_TOKENS, TEMPERATURE = 28, 0.7
WAIT_SECONDS = 120.0


@dataclass(frozen=True)
class Asked:
    """How one ask went: the seconds from question to last word, and what went wrong, or nothing."""

    user: str
    variant: str
    seconds: float
    tokens: int
    failed: str = ""


async def run(
    url: str, asks: Sequence[Ask], told: Callable[[int], None], transport: httpx.AsyncBaseTransport | None = None
) -> list[Asked]:
    """Puts every ask to the app at `url`, `AT_ONCE` at a time and in their order; `told` hears how many are done."""
    waiting, done = iter(asks), list[Asked]()

    async def one() -> None:
        for ask in waiting:
            done.append(await _ask(client, ask))
            told(len(done))

    async with httpx.AsyncClient(base_url=url, timeout=WAIT_SECONDS, trust_env=False, transport=transport) as client:
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return done


async def _ask(client: httpx.AsyncClient, ask: Ask) -> Asked:
    began, headers = time.monotonic(), {"x-user-id": ask.user}
    messages = [{"role": "user", "content": ask.question}]
    sampling = {"max_tokens": ANSWER_TOKENS, "temperature": TEMPERATURE, "seed": ask.seed}
    body = {"messages": messages, "stream": True, **sampling}
    reading, variant = Reading(streamed=True), ""
    try:
        async with client.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
            variant = answer.headers.get("x-variant", "")
            if answer.status_code != httpx.codes.OK:
                return Asked(ask.user, variant, time.monotonic() - began, 0, f"status {answer.status_code}")
            async for data in answer.aiter_bytes():
                reading.read(data)
        seconds = time.monotonic() - began
        said = {"answerId": answer.headers["x-answer-id"], "helpful": helpful(reading.text)}
        kept = await client.post("/v1/feedback", json=said, headers=headers)
        failed = "" if kept.status_code == httpx.codes.CREATED else f"feedback: status {kept.status_code}"
        return Asked(ask.user, variant, seconds, reading.tokens_out, failed)
    except httpx.HTTPError as why:
        return Asked(ask.user, variant, time.monotonic() - began, 0, type(why).__name__)
