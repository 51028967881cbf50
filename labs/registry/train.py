"""Trains a LoRA adapter with JAX on the CPU, from where an earlier try was cut."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from labs.registry import forward
from labs.registry.recipes import Recipe
from labs.registry.weights import Shape

WARM_UP, LAST_RATE = 5, 0.1
"""Steps until the rate is whole, and the share of it that is left at the end."""
FIRST, SECOND, TINY = 0.9, 0.99, 1e-8
"""Adam's constants (arXiv 1412.6980)."""
KEPT_EVERY = 10

Example = tuple[Sequence[int], Sequence[int]]
"""The tokens of a prompt, and those of its answer."""


@dataclass
class Progress:
    """A training as far as it has come: step, losses and when (milliseconds) each was known, adapter and Adam's moments.

    `cpu_seconds` is the processor time of all its threads, compiling included.
    """

    step: int
    losses: list[float]
    times_ms: list[int]
    cpu_seconds: float
    state: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]

    @property
    def adapter(self) -> dict[str, Any]:
        return self.state[0]


def batch_of(examples: Sequence[Example], recipe: Recipe, seed: int, step: int) -> tuple[Any, Any, Any, Any]:
    """The examples of one step: tokens, places before each answer token, those tokens, and which of them count.

    It follows from seed and step alone, so that a training that was cut goes on as if it had not been.
    """
    longest = max(len(head) + len(tail) for head, tail in examples)
    answers = max(len(tail) for _, tail in examples)
    size = min(recipe.batch, len(examples))
    tokens = np.zeros((size, longest), np.int32)
    places, wanted = np.zeros((2, size, answers), np.int32)
    counts = np.zeros((size, answers), np.float32)
    for row, chosen in enumerate(np.random.default_rng([seed, step]).choice(len(examples), size, replace=False)):
        head, tail = examples[chosen]
        tokens[row, : len(head) + len(tail)] = [*head, *tail]
        places[row, : len(tail)] = np.arange(len(tail)) + len(head) - 1
        wanted[row, : len(tail)] = tail
        counts[row, : len(tail)] = 1
    return tokens, places, wanted, counts


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate of a step, counted from 1: up over the first few, then down in a line."""
    return recipe.rate * min(1.0, step / WARM_UP) * max(LAST_RATE, 1 - step / recipe.steps)


def trained(
    base: tuple[Any, Any, Any],
    shape: Shape,
    examples: Sequence[Example],
    recipe: Recipe,
    seed: int,
    kept: Path,
    tell: Callable[[Progress], None],
) -> Progress:
    """Trains to the recipe's last step. Every KEPT_EVERY steps the progress is written to `kept`, then told."""
    progress = load(kept) or _start(shape, recipe, seed)
    spent = time.process_time() - progress.cpu_seconds
    while progress.step < recipe.steps:
        step = progress.step + 1
        given = batch_of(examples, recipe, seed, step)
        rate = rate_at(recipe, step)
        adapter, first, second, loss = _moved(progress.state, base, shape, recipe.scale, float(step), rate, given)
        progress = Progress(
            step,
            [*progress.losses, float(loss)],
            [*progress.times_ms, time.time_ns() // 1_000_000],
            time.process_time() - spent,
            (adapter, first, second),
        )
        if step % KEPT_EVERY == 0 or step == recipe.steps:
            save(kept, progress)
            tell(progress)
    return progress


def _start(shape: Shape, recipe: Recipe, seed: int) -> Progress:
    adapter = forward.fresh(shape, recipe.rank, jax.random.key(seed))
    still = jax.tree.map(jnp.zeros_like, adapter)
    return Progress(0, [], [], 0.0, (adapter, still, still))


def _loss(adapter: Any, base: Any, shape: Shape, scale: Any, given: Any) -> Any:
    """The mean loss of the answers' tokens."""
    tokens, places, wanted, counts = given
    said = jax.nn.log_softmax(forward.logits(base, shape, adapter, scale, tokens, places))
    right = jnp.take_along_axis(said, wanted[..., None], -1)[..., 0]
    return -jnp.sum(right * counts) / jnp.sum(counts)


@functools.partial(jax.jit, static_argnames="shape")
def _moved(state: Any, base: Any, shape: Shape, scale: Any, step: Any, rate: Any, given: Any) -> Any:
    """One step of Adam. Compiled once for each rank and size of batch."""
    adapter, first, second = state
    value, slope = jax.value_and_grad(_loss)(adapter, base, shape, scale, given)
    first = jax.tree.map(lambda old, new: FIRST * old + (1 - FIRST) * new, first, slope)
    second = jax.tree.map(lambda old, new: SECOND * old + (1 - SECOND) * new * new, second, slope)

    def moved(weight: Any, mean: Any, square: Any) -> Any:
        return weight - rate * (mean / (1 - FIRST**step)) / (jnp.sqrt(square / (1 - SECOND**step)) + TINY)

    return jax.tree.map(moved, adapter, first, second), first, second, value


def save(file: Path, progress: Progress) -> None:
    """Writes the progress whole or not at all."""
    draft = file.with_suffix(".new.npz")
    parts = {f"{place}|{name}": each for place, tree in enumerate(progress.state) for name, each in tree.items()}
    plain = {"step": progress.step, "losses": progress.losses, "times": progress.times_ms, "cpu": progress.cpu_seconds}
    np.savez(draft, **plain, **parts)  # type: ignore[arg-type]
    draft.replace(file)


def load(file: Path) -> Progress | None:
    """The progress in a file; None when there is none."""
    if not file.exists():
        return None
    with np.load(file) as found:
        trees: tuple[dict[str, Any], dict[str, Any], dict[str, Any]] = ({}, {}, {})
        for name in found.files:
            place, bar, key = name.partition("|")
            if bar:
                trees[int(place)][key] = jnp.asarray(found[name])
        losses, times = [float(loss) for loss in found["losses"]], [int(time) for time in found["times"]]
        return Progress(int(found["step"]), losses, times, float(found["cpu"]), trees)
