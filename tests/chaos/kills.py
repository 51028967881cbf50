"""Which kills a seed stands for: the same seed and number of kills give the same plan, so that one kill can be repeated."""

from __future__ import annotations

import enum
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass

EDGES = ("before", "after-write", "after-reply")
_RANDOM_SHARE = 4


class Victim(enum.Enum):
    """What is killed."""

    ENGINE = "engine"
    PROGRAM = "program"
    HOST = "host"
    GROUP = "group"


class Work(enum.Enum):
    """What is under way: an `up` of nothing, an `up` of a changed stack file, a `destroy`."""

    UP = "up"
    CHANGE = "change"
    DESTROY = "destroy"

    @property
    def call(self) -> str:
        """The provider call whose edges are hit."""
        return {"up": "create", "change": "update", "destroy": "delete"}[self.value]


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill: at an edge of the first call on `type`, or at `moment` (a share of the whole time) when `edge` is empty."""

    number: int
    work: Work
    victim: Victim
    edge: str = ""
    type: str = ""
    moment: float = 0.0

    @property
    def where(self) -> str:
        """The place for a person."""
        return f"{self.edge} {self.work.call} {self.type}" if self.edge else f"at {self.moment:.0%} of its time"


def plan(seed: int, count: int, created: Sequence[str], updated: Sequence[str]) -> list[Kill]:
    """`count` kills: three quarters at edges (each victim, edge and work first), the others at random moments.

    `created` and `updated` are the types that the stack creates, and that the changed stack file updates.
    """
    dice = random.Random(seed)  # noqa: S311
    known = {Work.UP: sorted(created), Work.DESTROY: sorted(created), Work.CHANGE: sorted(updated)}
    first = list(itertools.product((Work.UP, Work.DESTROY), Victim, EDGES))
    later = list(itertools.product((Work.CHANGE,), Victim, EDGES)) if updated else list(first)
    dice.shuffle(first)
    dice.shuffle(later)
    at_random = max(1, count // _RANDOM_SHARE)
    edges = list(itertools.islice(itertools.cycle([*first, *later]), count - at_random))
    kills = [
        Kill(number=number, work=work, victim=victim, edge=edge, type=dice.choice(known[work]))
        for number, (work, victim, edge) in enumerate(edges, 1)
    ]
    works = [work for work in Work if known[work]]
    kills += [
        Kill(
            number=len(kills) + number,
            work=dice.choice(works),
            victim=dice.choice(list(Victim)),
            moment=round(dice.uniform(0.05, 0.95), 3),
        )
        for number in range(1, at_random + 1)
    ]
    return kills
