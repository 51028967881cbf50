"""Refuses what no price and no arithmetic can mend in a GPU pool; each refusal names the field and the fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from core.problem import Problem
from pricing.capacity.announced import unknown
from pricing.capacity.gpus import GpuType, gpu_type, is_fraction, nearest, shape
from pricing.capacity.pool import Capacity, PoolAsk, Where

MOST_GPUS = 100_000
MOST_NODES = 10_000
MOST_USD = Decimal(1_000_000_000)


def static_problems(ask: PoolAsk) -> tuple[Problem, ...]:
    """Everything that is wrong with the pool before any price is read, all at once."""
    types = [known for name in ask.instance_types if (known := gpu_type(name)) is not None and known.whole_gpu]
    return (
        *_type_problems(ask),
        *_range_problems(ask),
        *_capacity_problems(ask),
        *_hardware_problems(ask, types),
    )


def _type_problems(ask: PoolAsk) -> Iterator[Problem]:
    if not ask.instance_types:
        yield Problem(
            summary="a GPU pool needs at least one instance type",
            where=Where.TYPES,
            fix="name one or more, for example [g6e.xlarge, g6e.2xlarge]",
        )
    for index, name in enumerate(ask.instance_types):
        where = f"{Where.TYPES}[{index}]"
        if name in ask.instance_types[:index]:
            yield Problem(summary="this type is named twice", where=where, found=name, fix="remove one of the two")
        elif is_fraction(name):
            yield Problem(
                summary=f"{name} has a share of a GPU and no whole one, so no pod that asks for a GPU lands on it",
                where=where,
                found=name,
                fix=f"take a type with a whole GPU, for example {_whole_sibling(name)}",
            )
        elif gpu_type(name) is None and shape(name) is not None:
            yield Problem(
                summary=f"{name} has no GPU",
                where=where,
                found=name,
                fix="take a GPU type here; types without GPUs belong into the general pool",
            )
        elif gpu_type(name) is None:
            similar = nearest(name)
            yield Problem(
                summary=f"{name} is not a GPU type that Modelyard has facts about",
                where=where,
                found=name,
                fix=f"did you mean {' or '.join(similar)}?"
                if similar
                else "take a type of `pricing/book/data/gpus.json`",
            )


def _whole_sibling(name: str) -> str:
    known, size = gpu_type(name), name.partition(".")[2]
    for family in ("gr6", "g6") if name.startswith("gr") else ("g6",):
        sibling = gpu_type(f"{family}.{size}")
        if sibling is not None and known is not None and sibling.label_name == known.label_name:
            return sibling.name
    return "g6.xlarge"


def _range_problems(ask: PoolAsk) -> Iterator[Problem]:
    for where, value, most in (
        (Where.GPUS, ask.gpus, MOST_GPUS),
        (Where.NODES, ask.nodes, MOST_NODES),
        (Where.FALLBACK, ask.on_demand_fallback_gpus, MOST_GPUS),
        (Where.RESERVED_NODES, ask.reserved_nodes, MOST_NODES),
    ):
        if value is not None and not 1 <= value <= most:
            yield Problem(
                summary=f"{where} is out of range",
                where=where,
                found=str(value),
                allowed=f"a whole number from 1 to {most}",
                fix="leave it out if it should not limit, remove the pool if it should not run",
            )
    usd = ask.monthly_usd
    if usd is not None and not (usd.is_finite() and 0 < usd <= MOST_USD):
        yield Problem(
            summary="the dollar limit is out of range",
            where=Where.USD,
            found=str(usd),
            allowed=f"more than 0, at most {MOST_USD}",
            fix="give the most USD that the pool may cost in a month, or leave the dollar limit out",
        )


def _capacity_problems(ask: PoolAsk) -> Iterator[Problem]:
    reserved = ask.capacity is Capacity.RESERVED
    if reserved and ask.reserved_nodes is None:
        yield Problem(
            summary="a reserved pool must say how many nodes are reserved",
            where=Where.RESERVED_NODES,
            fix="add `nodes:` with the number of instances of the reservation",
        )
    if not reserved and ask.reserved_nodes is not None:
        yield Problem(
            summary=f"`nodes` is for reserved pools; this one is {ask.capacity}",
            where=Where.RESERVED_NODES,
            found=str(ask.reserved_nodes),
            fix="use limits.nodes to bound the pool, or set capacity: reserved",
        )
    if not reserved and ask.capacity_block:
        yield Problem(
            summary=f"a capacity block needs capacity: reserved; this pool is {ask.capacity}",
            where=Where.CAPACITY,
            found=ask.capacity,
            fix="set capacity: reserved",
        )
    if not reserved and ask.gpus is None and ask.nodes is None and ask.monthly_usd is None:
        yield Problem(
            summary="nothing limits this pool",
            where=Where.LIMITS,
            allowed="at least one of gpus, nodes and monthlyUsd",
            fix="add for example `limits: { gpus: 8 }`",
        )
    if ask.capacity is Capacity.SPOT_FIRST and ask.on_demand_fallback_gpus is None:
        yield Problem(
            summary="a spotFirst pool must say how many GPUs may fall back to on-demand",
            where=Where.FALLBACK,
            fix="add `onDemandFallback: { gpus: N }`, or set capacity: spot",
        )
    if ask.capacity is not Capacity.SPOT_FIRST and ask.on_demand_fallback_gpus is not None:
        yield Problem(
            summary=f"only a spotFirst pool has an on-demand fall-back; this one is {ask.capacity}",
            where=Where.FALLBACK,
            found=str(ask.on_demand_fallback_gpus),
            fix="set capacity: spotFirst, or remove onDemandFallback",
        )
    if ask.capacity is Capacity.SPOT and len(ask.instance_types) == 1 and len(ask.zones) == 1:
        yield Problem(
            summary="one spot type in one zone is a single spot pool at AWS: when it is empty, no node starts",
            where=Where.TYPES,
            found=f"{ask.instance_types[0]} in {ask.zones[0]}",
            fix="name a second type or a second zone, or set capacity: spotFirst",
        )


def _hardware_problems(ask: PoolAsk, types: Sequence[GpuType]) -> Iterator[Problem]:
    without_efa = [known.name for known in types if not known.efa_interfaces]
    if ask.efa and without_efa:
        yield Problem(
            summary=f"EFA is asked for, and {', '.join(without_efa)} {_has(without_efa)} none",
            where=Where.EFA,
            found="true",
            fix=f"remove {', '.join(without_efa)} from {Where.TYPES}, or set efa: false",
        )
    yield from _unannounced(ask, types)
    memories = sorted({known.gpu_memory_mib for known in types})
    if ask.uniform_gpu_memory and len(memories) > 1:
        found = ", ".join(f"{known.name} {known.gpu_memory_mib} MiB" for known in types)
        yield Problem(
            summary="the types have GPUs of different memory, and a model is sized for one",
            where=Where.TYPES,
            found=found,
            fix=f"keep types of one GPU memory, or set {Where.MEMORY}: true if every model fits the smallest",
        )


def _unannounced(ask: PoolAsk, types: Sequence[GpuType]) -> Iterator[Problem]:
    # Types without EFA are told together, above.
    problems = [unknown(replace(ask.node(known.name), efa=False)) for known in types]
    yield from dict.fromkeys(problem for problem in problems if problem is not None)


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
