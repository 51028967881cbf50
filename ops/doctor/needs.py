"""What a stack may ask of an account at once, from its compiled limits alone: vCPUs by quota, zones, addresses, roles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.cluster.existing import Part
from components.network.component import Nat
from components.nodes.disruption import PRESETS, Purpose
from infra.stack.stack import Stack
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


def loads(stack: Stack) -> list[Load]:
    """The vCPUs of the system nodes, the general pool and each GPU pool's NodePools, each at its worst mix of types."""
    return [*_system(stack), *_general(stack), *_gpu(stack)]


def _system(stack: Stack) -> Iterator[Load]:
    """An update of a managed node group starts up to two new nodes a zone before it ends old ones (EKS user guide)."""
    spec = stack.on_aws.cluster.system_nodes
    existing = stack.on_aws.cluster.existing
    if existing is None or existing.system_nodes is Part.MANAGED:
        types = tuple(spec.instance_types)
        largest = max(_vcpus(name) for name in types)
        quota = quota_of(types[0], spot=False)
        more = 2 * len(stack.on_aws.network.zones)
        yield Load(
            part="cluster.systemNodes", quota=quota, types=types, vcpus=spec.size * largest, spare=more * largest
        )


def _general(stack: Stack) -> Iterator[Load]:
    types = tuple(stack.on_aws.general_pool.instance_types)
    spare = PRESETS[Purpose.SERVING].at_once * max(_vcpus(name) for name in types)
    quota = quota_of(types[0], spot=False)
    yield Load(part="generalPool", quota=quota, types=types, vcpus=stack.on_aws.general.vcpus, spare=spare)


def _gpu(stack: Stack) -> Iterator[Load]:
    for name, spec in stack.settings.gpu_pools.items():
        ask = spec.ask(stack.on_aws.network.zones)
        for share in stack.pools[name].shares:
            if not ask.capacity_block:
                yield from _share(f"gpuPools.{name}", ask, share)


def _share(part: str, ask: PoolAsk, share: Share) -> Iterator[Load]:
    """One load for each quota that the types of a NodePool count against: all of them may run under any one."""
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


def _nodes(share: Share, gpus: int) -> int:
    fitting = share.gpus // gpus
    return fitting if share.nodes is None else min(fitting, share.nodes)


def _vcpus(name: str) -> int:
    known = shape(name)
    return known.vcpus if known else 0


def types(stack: Stack) -> Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """For each part that runs nodes: its instance types, and the letters of the zones it wants them in."""
    parts = stack.on_aws
    zones = tuple(parts.network.zones)
    found = {"generalPool": (tuple(parts.general_pool.instance_types), zones)}
    existing = parts.cluster.existing
    if existing is None or existing.system_nodes is Part.MANAGED:
        found["cluster.systemNodes"] = (tuple(parts.cluster.system_nodes.instance_types), zones)
    for name, spec in stack.settings.gpu_pools.items():
        found[f"gpuPools.{name}"] = (tuple(spec.instance_types), tuple(spec.zones) or zones)
    return found


def nat_addresses(stack: Stack) -> int:
    """How many Elastic IPs the stack's NAT gateways take."""
    network = stack.on_aws.network
    if network.existing is not None:
        return 0
    return len(network.zones) if network.nat is Nat.PER_ZONE else 1


def buys_spot(stack: Stack) -> bool:
    """Whether any pool buys spot."""
    return any(share.buying is Buying.SPOT for bound in stack.pools.values() for share in bound.shares)
