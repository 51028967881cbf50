"""Nodes as parts: the system group, the general pool and the GPU pools, and what is watched of all nodes."""

from __future__ import annotations

from collections.abc import Iterator

from components.nodes import bill, dashboard, machines
from components.nodes.alerts import gpu, nodes, pools
from components.part import Meters, Part, aws_of, in_aws
from components.stack import Stack
from pricing.capacity.announced import Plugin, plugin
from pricing.items.cost import CostItem


def _system_nodes_bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    aws = aws_of(stack)
    existing = aws.network.existing
    subnets = len(existing.private_subnet_ids if existing else aws.network.zones)
    yield from bill.system_nodes(meters, aws.cluster.system_nodes, subnets)


def _general_bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    aws = aws_of(stack)
    yield from bill.general_pool(meters, aws.general_pool, aws.general)


def _gpu_bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    zones = aws_of(stack).network.zones
    for pool, spec in stack.settings.gpu_pools.items():
        yield from bill.gpu_pool(meters, pool, spec, stack.pools[pool], zones)


def _gpu_components(stack: Stack) -> Iterator[str]:
    specs = stack.settings.gpu_pools
    yield from (f"GpuPool::gpu-pool-{pool}" for pool in specs)
    if any(plugin(spec.ami_family) is Plugin.CHART for spec in specs.values()):
        yield "DevicePlugin::device-plugin"
    if any(spec.efa for spec in specs.values()):
        yield "EfaPlugin::efa-plugin"


SYSTEM_NODES = Part(
    name="system-nodes",
    about="the fixed group of nodes that Karpenter, CoreDNS and the add-ons run on",
    when="in AWS, unless `cluster.existing` brings them",
    there=lambda stack: stack.aws is not None and stack.aws.makes_system_nodes,
    components=lambda _stack: ("SystemNodes::system-nodes",),
    bill=_system_nodes_bill,
    machines=machines.system_nodes,
)
GENERAL_POOL = Part(
    name="general-pool",
    about="nodes without GPUs, for everything that needs none",
    when="in AWS",
    there=in_aws,
    components=lambda _stack: ("GeneralPool::general-pool",),
    bill=_general_bill,
    machines=machines.general_pool,
)
GPU_POOLS = Part(
    name="gpu-pools",
    about="GPU nodes by pool: spot, on demand or reserved; their device plugin, and EFA's",
    when="in AWS, one for each entry of `gpuPools`",
    there=in_aws,
    components=_gpu_components,
    bill=_gpu_bill,
    machines=machines.gpu_pools,
)
NODES = Part(
    name="nodes",
    about="what is watched of nodes, pools and GPUs, whoever runs them",
    when="always",
    components=lambda _stack: (),
    alerts=(gpu.GROUP, nodes.GROUP, pools.GROUP),
    dashboards=(dashboard.BOARD,),
)
