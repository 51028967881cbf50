"""A release as its file says it: which version of which model, checked how, served by what, and rolled out in which steps."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from components.kinds.kubernetes import Cpu, ManifestDigest
from components.kinds.mlflow import ModelName
from components.kinds.words import Label, PoolName
from components.spec import Invalid, Spec
from core.problem import Problem

MOST_BYTES = 2**44
"""Largest weights (bytes) that a release may have, 16 TiB: the most that a node's disk takes."""
WHOLE = 100


class Runtime(enum.StrEnum):
    """What serves a model: vLLM on a GPU of a pool, or llama.cpp on processors."""

    VLLM = "vllm"
    LLAMACPP = "llamacpp"


class Strategy(enum.StrEnum):
    """How a new version takes over: a canary gets a growing share of the requests."""

    CANARY = "canary"


class WeightsSpec(Spec):
    """Which files are the model, and how large they are; `modelyard release pin` writes both."""

    digest: ManifestDigest
    """Root digest of the files' OpenSSF model-signing manifest; other files never start."""
    size_bytes: int = Field(ge=1, le=MOST_BYTES)
    """All files together (bytes)."""


class ArchitectureSpec(Spec):
    """What of a model's architecture decides how much memory it takes; `modelyard release pin` writes it."""

    name: Label = Field(max_length=100)
    """What the model's own files call it."""
    layers: int = Field(ge=1, le=1000)
    """Layers that keep keys and values."""
    kv_heads: int = Field(ge=1, le=1024)
    """Heads that keep keys and values in each layer."""
    head_dim: int = Field(ge=1, le=4096)
    """Numbers of a key, and of a value, in each head."""
    context_tokens: int = Field(ge=1, le=100_000_000)
    """Longest context (tokens) that the model was made for."""


class StepSpec(Spec):
    """One step of a canary."""

    weight: int = Field(ge=1, le=WHOLE)
    """Share of the requests (percent) that the new version gets."""
    pause_seconds: int | None = Field(default=None, ge=1, le=604_800)
    """How long the step lasts (seconds); without it, until somebody promotes."""


class RolloutSpec(Spec):
    """How a new version takes over from the old one."""

    strategy: Strategy = Strategy.CANARY
    """The way."""
    steps: list[StepSpec] = Field(min_length=1, max_length=20)
    """Shares of the requests, each larger than the one before; after the last the new version has all of them."""

    @model_validator(mode="after")
    def _rising(self) -> RolloutSpec:
        problems = [
            Problem(
                summary="the weight of a step is not higher than that of the step before",
                where=f"steps[{place + 1}].weight",
                found=str(after.weight),
                allowed=f"more than {before.weight}",
                fix="put the steps in order, or take one out",
            )
            for place, (before, after) in enumerate(zip(self.steps, self.steps[1:], strict=False))
            if after.weight <= before.weight
        ]
        if problems:
            raise Invalid.of(problems)
        return self


class ReleaseSpec(Spec):
    """One model version that answers at an address of its own."""

    model: ModelName
    """Registered model, one of `registry.models`."""
    version: int = Field(ge=1)
    """Its version: a number, because an alias moves."""
    weights: WeightsSpec
    """The version's files."""
    architecture: ArchitectureSpec
    """The model's own figures."""
    runtime: Runtime
    """What serves it."""
    pool: PoolName | None = None
    """With vllm: the GPU pool whose nodes serve it, one GPU for each replica."""
    cpu: Cpu | None = None
    """With llamacpp: processors that each replica is sure of, one thread for each begun one; 1 when it is not said."""
    replicas: int = Field(default=1, ge=1, le=100)
    """Replicas once a version has taken over; while it does, there can be twice as many."""
    context: int = Field(ge=1, le=100_000_000)
    """Longest context (tokens) of a request and its answer."""
    rollout: RolloutSpec
    """How a new version takes over."""

    @property
    def threads(self) -> int:
        """Threads of a llama.cpp server: one for each processor begun, for on a busy machine more than that only wait."""
        asked = self.cpu or "1"
        return -(-int(asked[:-1]) // 1000) if asked.endswith("m") else int(asked)

    @field_validator("version", mode="before")
    @classmethod
    def _immutable(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ARG003
        if isinstance(value, str):
            raise Invalid(
                "a release names a version's number: an alias can move under it",
                found=value[:80],
                allowed="a whole number, for example 7",
                fix="write the number that the alias names today: `modelyard models list` shows it",
            )
        return value

    @model_validator(mode="after")
    def _agrees(self) -> ReleaseSpec:
        if problems := list(self._disagreements()):
            raise Invalid.of(problems)
        return self

    def _disagreements(self) -> Iterator[Problem]:
        on_gpu = self.runtime is Runtime.VLLM
        if on_gpu and self.pool is None:
            yield Problem(
                summary="vllm runs on the GPUs of a pool", where="pool", found="nothing", fix="name a GPU pool"
            )
        if not on_gpu and self.pool is not None:
            yield Problem(
                summary="llamacpp runs on CPUs and takes no pool",
                where="pool",
                found=self.pool,
                fix="take it out, or say runtime: vllm",
            )
        if on_gpu and self.cpu is not None:
            yield Problem(
                summary="vllm gets the processors of its GPU's node", where="cpu", found=self.cpu, fix="take it out"
            )
        if self.context > self.architecture.context_tokens:
            yield Problem(
                summary="the context is longer than the model was made for",
                where="context",
                found=str(self.context),
                allowed=f"at most {self.architecture.context_tokens}",
                fix="lower it",
            )
