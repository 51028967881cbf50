"""The machines of node groups and pools, and what they count against an account's quotas at their worst mix of types."""

from __future__ import annotations

from collections.abc import Iterator

from components.nodes.disruption import PRESETS, Purpose
from components.part import Machines, aws_of
from components.stack import Stack
from pricing.capacity.aws_facts import quota_of
from pricing.capacity.quota_load import Load, pool_loads, vcpus


def system_nodes(stack: Stack) -> Iterator[Machines]:
    """An update of a managed node group starts up to two new nodes a zone before it ends old ones (EKS user guide)."""
    aws = aws_of(stack)
    key, spec, zones = "cluster.systemNodes", aws.cluster.system_nodes, tuple(aws.network.zones)
    types = tuple(spec.instance_types)
    largest = max(vcpus(name) for name in types)
    load = Load(
        part=key,
        quota=quota_of(types[0], spot=False),
        types=types,
        vcpus=spec.size * largest,
        spare=2 * len(zones) * largest,
    )
    yield Machines(key=key, types=types, zones=zones, loads=(load,))


def general_pool(stack: Stack) -> Iterator[Machines]:
    """The general pool at its limit, with the nodes that replace others at once."""
    aws = aws_of(stack)
    key, types = "generalPool", tuple(aws.general_pool.instance_types)
    spare = PRESETS[Purpose.SERVING].at_once * max(vcpus(name) for name in types)
    quota = quota_of(types[0], spot=False)
    load = Load(part=key, quota=quota, types=types, vcpus=aws.general.vcpus, spare=spare)
    yield Machines(key=key, types=types, zones=tuple(aws.network.zones), loads=(load,))


def gpu_pools(stack: Stack) -> Iterator[Machines]:
    """Each GPU pool with its NodePools at their limits; a capacity block counts against no quota."""
    zones = aws_of(stack).network.zones
    for name, spec in stack.settings.gpu_pools.items():
        key, ask = f"gpuPools.{name}", spec.ask(zones)
        loads = tuple(load for share in stack.pools[name].shares for load in pool_loads(key, ask, share))
        yield Machines(key=key, types=tuple(spec.instance_types), zones=tuple(spec.zones) or tuple(zones), loads=loads)
