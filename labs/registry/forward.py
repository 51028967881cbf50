"""The forward pass of a Llama model in JAX, with an adapter, and the proof that llama.cpp computes the same.

Root mean square norm, grouped-query attention and SwiGLU as in Llama 2 (arXiv 2307.09288), rotary positions (arXiv 2104.09864),
adapters as in LoRA (arXiv 2106.09685).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from core.problem import ExitCode, Problem, Refused
from labs.registry.llama import Llama
from labs.registry.weights import ADAPTED, Base, Shape

BOUND = 0.15
"""How far log-probabilities may be from llama.cpp's on average, which computes with 8-bit activations: 0.07 over eight prompts;
0.32 with the positions of another model (theta 10,000)."""
_LOOKED_AT = 5


def fresh(shape: Shape, rank: int, key: Any) -> dict[str, Any]:
    """An adapter that changes nothing yet: its second matrices are zero."""
    wide = {"attn_q": shape.width, "attn_v": shape.kv_heads * shape.head_width}
    made: dict[str, Any] = {}
    for name, each in zip(ADAPTED, jax.random.split(key, len(ADAPTED)), strict=True):
        made[f"{name}.a"] = jax.random.normal(each, (shape.layers, rank, shape.width)) / jnp.sqrt(shape.width)
        made[f"{name}.b"] = jnp.zeros((shape.layers, wide[name], rank))
    return made


def logits(
    base: tuple[Any, Any, Any], shape: Shape, adapter: Mapping[str, Any], scale: float, tokens: Any, positions: Any
) -> Any:
    """Logits (batch, n, vocabulary) at `positions` (batch, n) of `tokens` (batch, time).

    `base` is (layers, embedding, last norm), an argument so that a compiler does not fold it into its code.
    """
    layers, embedding, last = base
    batch, time = tokens.shape
    groups = shape.heads // shape.kv_heads
    mask = jnp.where(jnp.tril(jnp.ones((time, time), bool)), 0.0, -1e9)

    def adapted(x: Any, weight: Any, own: Any, name: str) -> Any:
        return x @ weight[name].T + scale * ((x @ own[f"{name}.a"].T) @ own[f"{name}.b"].T)

    def layer(x: Any, each: Any) -> Any:
        weight, own = each
        h = _norm(x, weight["attn_norm"], shape.epsilon)
        q = adapted(h, weight, own, "attn_q").reshape(batch, time, shape.heads, shape.head_width)
        k = (h @ weight["attn_k"].T).reshape(batch, time, shape.kv_heads, shape.head_width)
        v = adapted(h, weight, own, "attn_v").reshape(batch, time, shape.kv_heads, shape.head_width)
        q = _turned(q, shape.theta).reshape(batch, time, shape.kv_heads, groups, shape.head_width)
        scores = jnp.einsum("btkgd,bskd->bkgts", q, _turned(k, shape.theta)) / jnp.sqrt(shape.head_width)
        mixed = jnp.einsum("bkgts,bskd->btkgd", jax.nn.softmax(scores + mask, -1), v)
        x = x + mixed.reshape(batch, time, shape.width) @ weight["attn_output"].T
        h = _norm(x, weight["ffn_norm"], shape.epsilon)
        return x + (jax.nn.silu(h @ weight["ffn_gate"].T) * (h @ weight["ffn_up"].T)) @ weight["ffn_down"].T, None

    x, _ = jax.lax.scan(layer, embedding[tokens], (layers, adapter))
    x = jnp.take_along_axis(x, positions[..., None], 1)
    return _norm(x, last, shape.epsilon) @ embedding.T


def _norm(x: Any, weight: Any, epsilon: float) -> Any:
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + epsilon) * weight


def _turned(x: Any, theta: float) -> Any:
    """Rotary positions of neighbours (2i, 2i + 1), for which a GGUF file's q and k are permuted."""
    batch, time, heads, width = x.shape
    angle = jnp.arange(time)[:, None] * theta ** (-jnp.arange(0, width, 2) / width)[None]
    cosine, sine = jnp.cos(angle)[None, :, None], jnp.sin(angle)[None, :, None]
    even, odd = x[..., 0::2], x[..., 1::2]
    return jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1).reshape(batch, time, heads, width)


def arrays(base: Base) -> tuple[Any, Any, Any]:
    """A model's weights as `logits` takes them."""
    layers, embedding, last = jax.tree.map(jnp.asarray, (dict(base.layers), base.embedding, base.last_norm))
    return layers, embedding, last


def difference(llama: Llama, base: tuple[Any, Any, Any], shape: Shape, texts: Sequence[Sequence[int]]) -> float:
    """The mean difference between the two programs' log-probabilities of the likeliest tokens after each text."""
    nothing = jax.tree.map(jnp.zeros_like, fresh(shape, 1, jax.random.key(0)))
    longest = max(map(len, texts))
    tokens = jnp.asarray([[*text, *[0] * (longest - len(text))] for text in texts])
    last = jnp.asarray([[len(text) - 1] for text in texts])
    ours = jax.jit(lambda *given: jax.nn.log_softmax(logits(given[0], shape, *given[1:])[:, 0]))(
        base, nothing, 0.0, tokens, last
    )
    gaps = [
        abs(float(own[token]) - said)
        for own, text in zip(ours, texts, strict=True)
        for token, said in llama.likeliest(text, _LOOKED_AT).items()
    ]
    return sum(gaps) / len(gaps) if gaps else math.inf


def check(found: float) -> None:
    """Refuses to train when the two programs do not compute the same model: what is learned would not be what is served."""
    if not found <= BOUND:  # which what is not a number is not either
        raise Refused(
            Problem(
                summary="the forward pass that would be trained is not llama.cpp's",
                found=f"log-probabilities differ by {found:.3f} on average",
                allowed=f"at most {BOUND}",
                fix="compare rotary positions, norms and heads in labs/registry/forward.py with the model's metadata",
            ),
            ExitCode.FAILED,
        )
