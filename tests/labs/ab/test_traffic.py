"""Simulated users talk to the real app: what they say of an answer comes from its text, whichever arm it is of."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from labs.ab import traffic
from labs.ab.users import Ask, asks, helpful
from tests.app.fakes import Fakes, flags
from tests.app.fakes import settings as app_settings

TEXTS = ("You can track it.", "The parcel", "We will look into it.", "Somebody travels.")


def streamed(request: httpx.Request) -> httpx.Response:
    """A model whose answer depends on what it is asked, system prompt included."""
    body = json.loads(request.content)
    text = TEXTS[body["seed"] % len(TEXTS)]
    parts = [{"choices": [{"delta": {"content": text}}]}, {"usage": {"prompt_tokens": 5, "completion_tokens": 4}}]
    lines = [f"data: {json.dumps(part)}\n\n" for part in parts]
    return httpx.Response(200, text="".join(lines) + "data: [DONE]\n\n", headers={"content-type": "text/event-stream"})


def said(folder: Path, weights: dict[str, int], asked: list[Ask]) -> tuple[list[str], list[bool]]:
    """The arms and the verdicts that the app hears of, in the order of the asks."""
    fakes = Fakes(model=streamed)
    file = flags(folder, weights)
    client = fakes.client(app_settings(prompt="", experiment="greeting", flags_file=file))
    done = asyncio.run(traffic.run("http://app", asked, lambda _: None, client._transport))
    sent = [json.loads(each.content)["assessment"] for each in fakes.asked if each.url.path.endswith("/assessments")]
    assert [each.failed for each in done] == [""] * len(asked)
    by_user = {each["source"]["source_id"]: each["feedback"]["value"] for each in sent}
    arms = {each.user: each.variant for each in done}
    return [arms[ask.user] for ask in asked], [by_user[ask.user] for ask in asked]


@given(seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_the_same_text_in_the_other_arm_gets_the_same_verdict(tmp_path_factory: object, seed: int) -> None:
    folder = tmp_path_factory.mktemp("flags")  # type: ignore[attr-defined]
    asked = list(asks(6, 6, seed))
    here, verdicts = said(folder, {"control": 100, "warm": 0}, asked)
    there, again = said(folder, {"control": 0, "warm": 100}, asked)
    assert (set(here), set(there)) == ({"control"}, {"warm"})
    assert verdicts == again == [helpful(TEXTS[ask.seed % len(TEXTS)]) for ask in asked]


def test_an_answer_that_does_not_come_is_counted_and_nobody_says_that_it_helped(tmp_path: Path) -> None:
    fakes = Fakes(model=lambda _: httpx.Response(500))
    client = fakes.client(app_settings())
    heard: list[int] = []
    [done] = asyncio.run(traffic.run("http://app", [Ask("ann", "Where?", 1)], heard.append, client._transport))
    assert done.failed == "status 502"
    assert heard == [1]
    assert not [each for each in fakes.asked if each.url.path.endswith("/assessments")]
