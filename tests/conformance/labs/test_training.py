"""Training on a tiny model: a cut changes nothing, files are what they say, and a wrong forward pass is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from core.problem import Refused
from labs.registry import forward, train, weights
from labs.registry.recipes import Recipe

pytestmark = pytest.mark.conformance
jax.config.update("jax_platforms", "cpu")

SHAPE = weights.Shape(layers=2, heads=2, kv_heads=1, width=8, theta=100_000.0, epsilon=1e-5)
RECIPE = Recipe(name="tiny", rank=2, steps=20, rate=0.05, batch=2)
EXAMPLES = [([1, 2, 3], [7, 9]), ([2, 1], [8, 9]), ([4, 2, 5, 6], [7, 9])]


@pytest.fixture
def base() -> tuple[Any, Any, Any]:
    chance = np.random.default_rng(0)

    def matrix(out: int, into: int) -> Any:
        return chance.normal(size=(SHAPE.layers, out, into)).astype(np.float32) / math.sqrt(into)

    layers = {"attn_q": matrix(8, 8), "attn_k": matrix(4, 8), "attn_v": matrix(4, 8), "attn_output": matrix(8, 8)}
    layers |= {"ffn_gate": matrix(16, 8), "ffn_up": matrix(16, 8), "ffn_down": matrix(8, 16)}
    layers |= {name: np.ones((SHAPE.layers, 8), np.float32) for name in weights.NORMS}
    embedding = chance.normal(size=(10, 8)).astype(np.float32)
    return forward.arrays(
        weights.Base(shape=SHAPE, layers=layers, embedding=embedding, last_norm=np.ones(8, np.float32))
    )


def run(base: Any, kept: Path, tell: Any = lambda _: None, recipe: Recipe = RECIPE) -> train.Progress:
    return train.trained(base, SHAPE, EXAMPLES, recipe, 0, kept, tell)


class Cut(Exception):
    """The process is killed."""


def test_a_training_that_was_cut_ends_as_if_it_had_not_been(base: Any, tmp_path: Path) -> None:
    def cut(progress: train.Progress) -> None:
        if progress.step == train.KEPT_EVERY:
            raise Cut

    whole = run(base, tmp_path / "whole.npz")
    with pytest.raises(Cut):
        run(base, tmp_path / "cut.npz", cut)
    kept = train.load(tmp_path / "cut.npz")
    assert kept is not None and kept.step == train.KEPT_EVERY and kept.cpu_seconds > 0
    gone_on = run(base, tmp_path / "cut.npz")
    assert gone_on.losses == whole.losses and gone_on.step == RECIPE.steps
    assert gone_on.times_ms[: kept.step] == kept.times_ms and gone_on.cpu_seconds > kept.cpu_seconds
    for name, matrix in whole.adapter.items():
        assert np.array_equal(matrix, gone_on.adapter[name])
    assert whole.losses[-1] < whole.losses[0] / 2


def test_a_training_that_is_whole_is_not_gone_on_with(base: Any, tmp_path: Path) -> None:
    first = run(base, tmp_path / "kept.npz")
    told: list[Any] = []
    assert run(base, tmp_path / "kept.npz", told.append).losses == first.losses and told == []


def test_an_adapter_that_was_not_trained_changes_nothing(base: Any) -> None:
    fresh = forward.fresh(SHAPE, 2, jax.random.key(0))
    tokens, at = np.array([[1, 2, 3]]), np.array([[0, 2]])
    plain = forward.logits(base, SHAPE, jax.tree.map(np.zeros_like, fresh), 8.0, tokens, at)
    assert np.array_equal(forward.logits(base, SHAPE, fresh, 8.0, tokens, at), plain)


def test_what_comes_after_a_place_does_not_change_its_logits(base: Any) -> None:
    fresh = forward.fresh(SHAPE, 2, jax.random.key(0))
    short = forward.logits(base, SHAPE, fresh, 1.0, np.array([[1, 2, 3]]), np.array([[2]]))
    long = forward.logits(base, SHAPE, fresh, 1.0, np.array([[1, 2, 3, 9, 9]]), np.array([[2]]))
    assert np.allclose(short, long, atol=1e-5)


def test_a_batch_follows_from_seed_and_step_and_counts_each_answer_token_once() -> None:
    tokens, places, wanted, counts = train.batch_of(EXAMPLES, RECIPE, 0, 1)
    assert np.array_equal(tokens, train.batch_of(EXAMPLES, RECIPE, 0, 1)[0])
    assert any(not np.array_equal(tokens, train.batch_of(EXAMPLES, RECIPE, 0, step)[0]) for step in range(2, 9))
    assert counts.sum() == 2 * RECIPE.batch
    for row in range(RECIPE.batch):
        assert [tokens[row, place + 1] for place in places[row]] == list(wanted[row])


def test_the_rate_rises_over_the_first_steps_and_ends_at_a_tenth() -> None:
    rates = [train.rate_at(RECIPE, step) for step in range(1, RECIPE.steps + 1)]
    assert rates[0] < rates[train.WARM_UP - 1] == max(rates)
    assert rates[-1] == pytest.approx(RECIPE.rate * train.LAST_RATE)


def test_an_adapters_file_has_the_names_and_shapes_that_llama_cpp_reads(tmp_path: Path) -> None:
    from gguf import GGUFReader

    adapter = forward.fresh(SHAPE, 2, jax.random.key(0))
    weights.write_adapter(tmp_path / "adapter.gguf", adapter, 16)
    found = GGUFReader(tmp_path / "adapter.gguf")
    assert found.fields["general.type"].contents() == "adapter"
    assert found.fields["adapter.lora.alpha"].contents() == 16
    tensors = {tensor.name: tensor.data for tensor in found.tensors}
    assert len(tensors) == SHAPE.layers * 4
    assert np.array_equal(tensors["blk.1.attn_q.weight.lora_a"], adapter["attn_q.a"][1])
    assert tensors["blk.0.attn_v.weight.lora_b"].shape == (4, 2)
    assert list(tmp_path.iterdir()) == [tmp_path / "adapter.gguf"]


@pytest.mark.parametrize("found", [forward.BOUND + 1e-6, math.inf, math.nan])
def test_a_forward_pass_that_is_not_llama_cpps_is_not_trained(found: float) -> None:
    with pytest.raises(Refused, match="is not llama"):
        forward.check(found)
    forward.check(forward.BOUND)


@pytest.mark.parametrize("wrong", [None, "theta", "nothing"])
def test_the_difference_is_small_for_the_same_model_and_not_for_another(base: Any, wrong: str | None) -> None:
    from dataclasses import replace

    class Same:
        """What llama.cpp would say of this model."""

        def likeliest(self, tokens: list[int], count: int) -> dict[int, float]:
            nothing = forward.fresh(SHAPE, 1, jax.random.key(0))
            said = jax.nn.log_softmax(
                forward.logits(base, SHAPE, nothing, 0.0, np.array([tokens]), np.array([[len(tokens) - 1]]))
            )
            best = np.argsort(said[0, 0])[-count:]
            return {} if wrong == "nothing" else {int(each): float(said[0, 0, each]) for each in best}

    shape = replace(SHAPE, theta=2.0) if wrong == "theta" else SHAPE
    found = forward.difference(Same(), base, shape, [[1, 2, 3], [4, 5, 6, 7, 8]])  # type: ignore[arg-type]
    assert (found < 1e-4) is (wrong is None)
