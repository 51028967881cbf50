"""A registry that is killed in the middle of an `up`: the state is true, and the next `up` finishes the work."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlflow_provider.api import Server
from mlflow_provider.kinds.catalogue import KINDS
from sandbox.stack import mlflow_server as registry
from tests.conformance.registry.door import Door
from tests.conformance.registry.playground import Playground, said
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
ITEMS = 20
MIDDLE = 60
"""The request at which the server dies; the whole `up` makes more than twice as many."""


@dataclass
class Mortal:
    """A registry that can be killed and started again on the same data."""

    folder: Path

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Starts it, again with the data that it had."""
        self.running = registry.start(self.folder, ROOT / ".sandbox" / "cache", {}, users=True)

    def kill(self) -> None:
        """Ends it as a power cut does."""
        self.running.process.kill()
        self.running.process.wait()

    @property
    def server(self) -> Server:
        """The server as its admin sees it."""
        return Server(self.running.url, registry.ADMIN, self.running.password)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Mortal]:
    made = Mortal(tmp_path / "mlflow")
    yield made
    made.running.close()


def declared(play: Playground) -> dict[str, Any]:
    """Some items of each kind that is made in another way."""
    names = range(ITEMS)
    hook = {"events": ["model_version.created"], "secret": "config:hook"}
    return {
        "experiments": {f"experiment-{n}": {"tags": {"team": "ml"}} for n in names},
        "models": {f"model-{n}": {"description": f"The {n}th"} for n in names},
        "prompts": {
            f"prompt-{n}": {"file": play.prompt(f"{n}.md", f"Answer {n}."), "aliases": {"live": {}}} for n in names
        },
        "webhooks": {f"hook-{n}": {"url": f"https://example.org/{n}", **hook} for n in names},
        "users": {"someone": {"password": "config:pass", "grants": {"models": {f"model-{n}": "edit" for n in names}}}},
    }


def there(server: Server) -> dict[str, int]:
    """How many items of each kind a server holds."""
    counts = {kind.name: len(list(kind.every(server))) for kind in KINDS.values()}
    return {name: count for name, count in counts.items() if count}


WHOLE = {"Experiment": ITEMS, "RegisteredModel": ITEMS, "Prompt": ITEMS, "PromptAlias": ITEMS, "Webhook": ITEMS}
WHOLE |= {"User": 1, "Permission": ITEMS}


def once(number: int, act: Callable[[], None]) -> Callable[[int], None]:
    """Does `act` at request `number` and at no other."""
    first = threading.Lock()

    def see(seen: int) -> None:
        if seen >= number and first.acquire(blocking=False):
            act()

    return see


@pytest.mark.parametrize("moment", ["at", "reply"], ids=["before it has a request", "before its answer arrives"])
def test_a_registry_killed_in_the_middle_leaves_a_true_state_and_a_second_up_finishes(
    mortal: Mortal, playground: Callable[..., Playground], moment: str
) -> None:
    door = Door(mortal.running.url)
    with closing(door):
        play = playground(**{**mortal.running.variables(), "MODELYARD_REGISTRY_URL": door.url})
        play.content, play.config = {"timeoutSec": 2, **declared(play)}, {"hook": "signs-it", "pass": "long-enough-1"}
        setattr(door, moment, once(MIDDLE, mortal.kill))
        failed = play.up(ok=False)
        assert "the registry does not answer" in said(failed) and "the same `up` goes on" in said(failed)
        assert "Traceback" not in said(failed)

        mortal.start()
        door.to = mortal.running.url
        exported = json.loads(play.export())["deployment"]
        made = [resource for resource in exported["resources"] if resource["type"].startswith("modelyard:registry:")]
        assert not exported.get("pending_operations")
        assert 0 < len(made) < sum(WHOLE.values())
        assert [each["urn"] for each in made if KINDS[each["type"]].read(mortal.server, each["id"]) is None] == []

        play.up()
        assert there(mortal.server) == WHOLE
        assert {each.outputs["version"] for each in KINDS["modelyard:registry:Prompt"].every(mortal.server)} == {1}
        asked = door.requests
        assert play.preview().events.touched == 0
        assert door.requests == asked


def test_a_registry_that_is_back_in_time_lets_the_same_up_finish(
    mortal: Mortal, playground: Callable[..., Playground]
) -> None:
    door = Door(mortal.running.url)

    def restart() -> None:
        mortal.start()
        door.to = mortal.running.url

    def die() -> None:
        mortal.kill()
        threading.Timer(2.0, restart).start()

    with closing(door):
        play = playground(**{**mortal.running.variables(), "MODELYARD_REGISTRY_URL": door.url})
        play.content, play.config = {"timeoutSec": 120, **declared(play)}, {"hook": "signs-it", "pass": "long-enough-1"}
        door.reply = once(MIDDLE, die)
        play.up()
        assert there(mortal.server) == WHOLE
        assert play.preview().events.touched == 0
