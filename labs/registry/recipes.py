"""The ways in which the lab trains: each becomes one version of the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.problem import ExitCode, Problem, Refused

MODEL = "ticket-router"
SHORT = "short"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an adapter is trained: its rank, steps of `batch` tickets each, and the largest learning rate."""

    name: str
    rank: int
    steps: int
    rate: float
    alpha: float = 16
    batch: int = 8

    @property
    def scale(self) -> float:
        """What the adapter's product is multiplied by (LoRA, arXiv 2106.09685, section 4.1)."""
        return self.alpha / self.rank


RECIPES = (
    Recipe(name="quick", rank=4, steps=20, rate=5e-4),
    Recipe(name="steady", rank=8, steps=50, rate=1.5e-3),
    Recipe(name="long", rank=16, steps=80, rate=1.5e-3),
)
SHORT_RECIPES = (
    Recipe(name="quick", rank=8, steps=6, rate=5e-4, batch=4),
    Recipe(name="steady", rank=8, steps=20, rate=3e-3, batch=4),
)
SHORT_HELD_OUT = 8
"""Tickets that the short form judges by: two of each team."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What one call of the lab does. `held_out` is how many tickets are judged (0: all)."""

    recipes: tuple[Recipe, ...]
    seed: int
    short: bool

    @property
    def model(self) -> str:
        """The registered model: a short form never mixes with the full one."""
        return f"{MODEL}-{SHORT}" if self.short else MODEL

    @property
    def held_out(self) -> int:
        return SHORT_HELD_OUT if self.short else 0


def plan(names: Sequence[str], *, steps: int = 0, seed: int = 0, short: bool = False) -> Plan:
    """The recipes of those names (none: all), with `steps` in place of their own. Raises Refused for what cannot be trained."""
    there = {recipe.name: recipe for recipe in (SHORT_RECIPES if short else RECIPES)}
    unknown = [name for name in names if name not in there]
    if unknown:
        found, allowed = ", ".join(unknown), ", ".join(there)
        raise Refused(Problem(summary="there is no such version", found=found, allowed=allowed), ExitCode.USAGE)
    if steps < 0:
        raise Refused(Problem(summary="steps are counted from 1", found=str(steps)), ExitCode.USAGE)
    if seed < 0:
        raise Refused(Problem(summary="a seed is a whole number from 0 on", found=str(seed)), ExitCode.USAGE)
    chosen = [there[name] for name in dict.fromkeys(names or there)]
    return Plan(
        recipes=tuple(replace(recipe, steps=steps or recipe.steps) for recipe in chosen), seed=seed, short=short
    )


def key(recipe: Recipe, seed: int, *digests: str) -> str:
    """One name for everything that an adapter follows from: recipe, seed, data, base, and the code that trains."""
    here = Path(__file__).resolve().parent
    code = [
        (here / name).read_text(encoding="utf-8") for name in ("forward.py", "train.py", "weights.py", "tickets.py")
    ]
    said = json.dumps([asdict(recipe), seed, digests, code], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
