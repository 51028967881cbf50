"""Which types of resource cost, and how each is read from its inputs; what cannot be read is unpriced, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pricing.items.cost import CostItem
from pricing.items.graph import Node
from pricing.items.neighbours import Neighbours
from pricing.items.tokens import (
    GPU_POOL,
    INGRESS,
    LAUNCH_TEMPLATE,
    LIFECYCLE,
    NODE_CLASS,
    NODE_POOL,
    PLATFORM,
    SCALER,
    STORAGE_CLASS,
)
from pricing.meters import charts, keys, meters
from pricing.meters.compute import eks, machines
from pricing.meters.compute.nodepools import node_pool
from pricing.meters.meters import Meter
from pricing.meters.network import balancers, gateways, network
from pricing.meters.storage import database, disks, logs, workloads

Price = Callable[[Neighbours, Meter, Node], Iterator[CostItem]]


def _platform(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    return meters.own_cluster(meter) if node.read("region") is None else meters.data_transfer(meter)


def _queue(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    return meters.queue(meter, fifo=node.read("fifoQueue") not in (None, False))


def _node_pool(around: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    owner = around.owner(node, GPU_POOL)
    kind = owner.read("spec", "reservationKind") if owner else None
    block = kind == "capacityBlock" if isinstance(kind, str) else None
    return node_pool(meter, node, around.node_class, block=block)


PRICED: Mapping[str, Price] = {
    PLATFORM: _platform,
    NODE_POOL: _node_pool,
    "aws:autoscaling/group:Group": lambda around, meter, node: machines.scaling_group(
        meter, node, around.template(node)
    ),
    "aws:budgets/budgetAction:BudgetAction": lambda _, meter, __: meters.budget_action(meter),
    logs.LOG_GROUP: lambda _, meter, node: logs.read_log_group(meter, node),
    "aws:ebs/volume:Volume": lambda _, meter, node: disks.read_volume(meter, node),
    "aws:ec2/capacityReservation:CapacityReservation": lambda _, meter, node: machines.capacity_reservation(
        meter, node
    ),
    "aws:ec2/flowLog:FlowLog": logs.read_flow_log,
    "aws:ec2/eip:Eip": lambda _, meter, __: meters.public_address(meter),
    "aws:ec2/instance:Instance": lambda around, meter, node: machines.instance(meter, node, around.template(node)),
    "aws:ec2/natGateway:NatGateway": lambda _, meter, node: network.nat_gateway(meter, node),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": lambda around, meter, node: machines.instance(
        meter, node, around.template(node)
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda _, meter, node: network.endpoint(meter, node),
    "aws:eks/cluster:Cluster": eks.cluster,
    "aws:eks/nodeGroup:NodeGroup": lambda around, meter, node: machines.node_group(meter, node, around.template(node)),
    "aws:kms/key:Key": lambda _, meter, node: keys.read_key(meter, node),
    "aws:lb/loadBalancer:LoadBalancer": network.load_balancer,
    "aws:rds/instance:Instance": database.read_database,
    "aws:s3/bucket:Bucket": lambda _, meter, __: meters.bucket(meter),
    "aws:secretsmanager/secret:Secret": lambda _, meter, node: keys.read_secret(meter, node),
    "aws:sqs/queue:Queue": _queue,
    "aws:ssm/parameter:Parameter": lambda _, meter, node: keys.read_parameter(meter, node),
    gateways.ROLLOUT: gateways.rollout,
    gateways.ENVOY_PROXY: gateways.envoy_proxy,
    gateways.GATEWAY: gateways.gateway,
    "kubernetes:core/v1:PersistentVolumeClaim": workloads.claim,
    "kubernetes:core/v1:Service": lambda _, meter, node: balancers.service(meter, node),
    "kubernetes:helm.sh/v3:Release": charts.release,
    **dict.fromkeys(workloads.POD_SPECS, workloads.workload),
}
"""Type token -> how it is priced. A function may raise `Unpriced`; no lines mean that this one costs nothing."""

ON_WHOSE_CLUSTER = frozenset({INGRESS, *(key for key in PRICED if key.startswith("kubernetes:"))}) - {NODE_POOL}
"""What costs only where the cluster stands in AWS: volumes and load balancers. Karpenter's nodes are machines of AWS."""

NEIGHBOURS = frozenset({gateways.GATEWAY_CLASS, LAUNCH_TEMPLATE, NODE_CLASS, STORAGE_CLASS, SCALER, LIFECYCLE})
"""What is free by itself and decides what others cost."""

DECISIVE = NEIGHBOURS | {logs.LOG_GROUP, gateways.ENVOY_PROXY, "aws:ec2/eip:Eip"}
"""What is looked up when others are priced; the last three can only make another cheaper, or priced at all."""

CLASSIFIED = frozenset({*PRICED, *NEIGHBOURS}) - {PLATFORM}
"""What decides a price by its inputs, so that each of them has to be classified; the platform's own are its plan."""
