"""What can be known of releases before anything is made: whether their pool is there, whether they fit, whether names collide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from components.resources import pod_disk_mib
from components.serving import fit
from components.serving.spec import ReleaseSpec, Runtime
from core.problem import Problem
from pricing.capacity.pool import PoolBound

TAKEN = ("allow-dns", "default", "default-deny", "to-registry")
"""Names of objects that the serving namespace has already."""


def named_wrongly(names: Sequence[str]) -> Iterator[Problem]:
    """Names in `releases` that stand twice, or whose objects would be others'."""
    services = {f"{name}-{role}": name for name in names for role in ("stable", "canary")}
    for place, name in enumerate(names):
        where = f"releases[{place}]"
        if name in names[:place]:
            yield Problem(summary="this release is named twice", where=where, found=name, fix="take one of them out")
        elif name in TAKEN:
            yield Problem(
                summary="the serving namespace has objects of this name",
                where=where,
                found=name,
                allowed=f"another name than {', '.join(TAKEN)}",
            )
        elif name in services:
            yield Problem(
                summary=f"this is the name of a Service of release {services[name]}",
                where=where,
                found=name,
                allowed="a name that ends otherwise",
                fix="take another name",
            )


def pool_problems(spec: ReleaseSpec, pools: Mapping[str, PoolBound]) -> Iterator[Problem]:
    """What is wrong with a vLLM release's pool; `where` is relative to the release."""
    if spec.runtime is not Runtime.VLLM or spec.pool is None:
        return
    bound = pools.get(spec.pool)
    if bound is None:
        yield Problem(
            summary="the stack has no such GPU pool" if pools else "the stack has no GPU pool, and vllm runs on GPUs",
            where="pool",
            found=spec.pool,
            allowed=", ".join(sorted(pools)) or "nothing: gpuPools is empty",
            fix="name one of these" if pools else "add a pool under gpuPools, or say runtime: llamacpp",
        )
        return
    if not bound.memory_isolated:
        yield Problem(
            summary="this pool shares its GPUs, and vllm reserves its memory at the start",
            where="pool",
            found=spec.pool,
            allowed="a pool with sharing none or mig",
            fix="name another pool",
        )
    if not bound.gpu_memories_mib:
        yield Problem(summary="the memory of the pool's GPUs is not known", where="pool", found=spec.pool)
        return
    yield from _too_large(spec, min(bound.gpu_memories_mib))


def disk_problems(spec: ReleaseSpec, disk_gb: int, where: str) -> Iterator[Problem]:
    """A model whose files no node of its pool has room for is never placed; `where` is the setting of that disk."""
    needed, room = fit.held_mib(spec), pod_disk_mib(disk_gb)
    if needed > room:
        yield Problem(
            summary="the model's files and room to work do not fit on the disk of a node",
            where="weights.sizeBytes",
            found=f"{needed} MiB",
            allowed=f"{room} MiB, what pods have with {where}: {disk_gb}",
            fix=f"raise {where} to {(needed + 1024) * 10 // 9 // 1024 + 1}, or take a smaller version",
        )


def _too_large(spec: ReleaseSpec, memory_mib: int) -> Iterator[Problem]:
    room, needed = fit.gpu_room_mib(memory_mib), fit.needed_mib(spec)
    if needed <= room:
        return
    weights, longest = fit.weights_mib(spec), fit.longest_context(spec, memory_mib)
    yield Problem(
        summary="the model does not fit on the smallest GPU of its pool",
        where="context" if longest else "pool",
        found=f"{weights} MiB of weights + {needed - weights} MiB for a context of {spec.context} tokens = {needed} MiB",
        allowed=f"{room} MiB, {fit.GPU_SHARE_PERCENT} % of the {memory_mib} MiB that a GPU of pool {spec.pool} has",
        fix=f"lower context to {longest} or less, or name a pool of larger GPUs"
        if longest
        else "name a pool of larger GPUs, or take a version with fewer or smaller numbers",
    )


def crowded(releases: Mapping[str, ReleaseSpec], pools: Mapping[str, PoolBound]) -> Iterator[tuple[str, Problem]]:
    """Releases that a pool cannot hold together, each with what is wrong with it.

    A version that takes over runs beside the one before it, and both are whole at the end; one release does so at a time.
    """
    for pool, bound in pools.items():
        on_it = {name: each.replicas for name, each in releases.items() if each.pool == pool}
        room = bound.gpus * bound.slices_per_gpu
        most = sum(on_it.values()) + max(on_it.values(), default=0)
        if most > room:
            largest = max(on_it, key=lambda name: on_it[name])
            yield (
                largest,
                Problem(
                    summary="the pool has fewer GPUs than its releases take while one of them changes its version",
                    where="replicas",
                    found=f"{' + '.join(f'{name} {count}' for name, count in on_it.items())} + {on_it[largest]} more = {most}",
                    allowed=f"{room}, what pool {pool} can reach",
                    fix=f"lower replicas, or raise the limits of gpuPools.{pool}",
                ),
            )
