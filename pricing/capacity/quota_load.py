"""What nodes count against an account's vCPU quotas, from compiled limits alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pricing.capacity.aws_facts import Quota, quota_of
from pricing.capacity.gpus import gpu_type, shape
from pricing.capacity.pool import Buying, PoolAsk, Share


@dataclass(frozen=True, kw_only=True)
class Load:
    """What one part of a stack may run against one quota; `spare` comes on top while nodes are replaced.

    `quota` is None when no source says which quota counts for `types`.
    """

    part: str
    quota: Quota | None
    types: tuple[str, ...]
    vcpus: int
    spare: int


def pool_loads(part: str, ask: PoolAsk, share: Share) -> Iterator[Load]:
    """One load for each quota that the types of a NodePool count against: all of them may run under any one."""
    if ask.capacity_block:
        return
    by_quota: dict[Quota | None, list[str]] = {}
    for name in ask.instance_types:
        by_quota.setdefault(quota_of(name, spot=share.buying is Buying.SPOT), []).append(name)
    overlap = 0 if share.buying is Buying.RESERVED else ask.overlap_nodes
    for quota, names in by_quota.items():
        sizes = {name: known for name in names if (known := gpu_type(name)) and known.gpus <= share.gpus}
        if not sizes:
            continue
        most = max(_nodes(share, known.gpus) * known.vcpus for known in sizes.values())
        spare = overlap * max(known.vcpus for known in sizes.values())
        yield Load(part=f"{part} ({share.buying})", quota=quota, types=tuple(sizes), vcpus=most, spare=spare)


def vcpus(instance_type: str) -> int:
    """The vCPUs of an instance type; 0 when it is not known."""
    known = shape(instance_type)
    return known.vcpus if known else 0


def _nodes(share: Share, gpus: int) -> int:
    fitting = share.gpus // gpus
    return fitting if share.nodes is None else min(fitting, share.nodes)
