"""Which types of resource cost, and how each is read from its inputs; what cannot be read is unpriced, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from pricing import charts, eks, machines, meters, network
from pricing.cost import CostItem
from pricing.graph import UNKNOWN, Node, Value
from pricing.meters import Meter
from pricing.neighbours import Neighbours
from pricing.nodepools import Unpriced, node_pool
from pricing.tokens import GPU_POOL, LAUNCH_TEMPLATE, NODE_CLASS, NODE_POOL, PLATFORM, STORAGE_CLASS

STANDARD_BYTES = 4096
"""Up to this length intelligent tiering keeps an SSM parameter standard, which is free."""
BALANCER = "service.beta.kubernetes.io/aws-load-balancer-"
"""What annotations of a Service begin with that tell AWS' cloud controller which load balancer to make."""


Price = Callable[[Neighbours, Meter, Node], Iterator[CostItem]]


def _platform(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    return meters.own_cluster(meter) if node.read("region") is None else meters.data_transfer(meter)


def _log_group(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    days = node.read("retentionInDays")
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise Unpriced("logs that are kept for ever, or nobody knows how long, have no price a month")
    if node.read("logGroupClass") not in (None, "STANDARD"):
        raise Unpriced("only the standard class of log groups is priced")
    return meters.log_group(meter, days)


def _queue(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    return meters.queue(meter, fifo=node.read("fifoQueue") not in (None, False))


def _parameter(_: Neighbours, __: Meter, node: Node) -> Iterator[CostItem]:
    tier, value = node.read("tier"), node.read("value")
    short = tier == "Intelligent-Tiering" and (value is UNKNOWN or len(str(value).encode()) <= STANDARD_BYTES)
    if tier in (None, "Standard") or short:
        return iter(())
    raise Unpriced("only standard parameters, up to 4 KB, are free")


def _database(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    size, storage, engine = (node.read(key) for key in ("instanceClass", "allocatedStorage", "engine"))
    multi_az, most = node.read("multiAz"), node.read("maxAllocatedStorage")
    if engine != "postgres" or not isinstance(size, str) or not isinstance(storage, int):
        raise Unpriced("only PostgreSQL databases whose class and storage are known can be priced")
    if node.read("storageType") != "gp3" or node.read("iops") is not None:
        raise Unpriced("only gp3 storage at its baseline can be priced")
    if multi_az is UNKNOWN or not isinstance(most, int | None):
        raise Unpriced("whether there is a standby, or how far the storage may grow, is not known")
    kept, managed = node.read("backupRetentionPeriod"), node.read("manageMasterUserPassword")
    if UNKNOWN in (kept, managed):
        raise Unpriced("whether there are backups, or a secret for the password, is not known")
    return meters.database(
        meter,
        size,
        multi_az=multi_az is True,
        storage=storage,
        most_storage=most or storage,
        backups=kept not in (None, 0),
        managed_password=managed is True,
    )


def _service(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    kind, annotations = node.read("spec", "type"), node.read("metadata", "annotations")
    if kind in (None, "ClusterIP", "NodePort", "ExternalName"):
        return iter(())
    said = annotations if isinstance(annotations, Mapping) else {}
    asked = {key: said.get(f"{BALANCER}{key}") for key in ("type", "internal")}
    of_eks = kind == "LoadBalancer" and node.read("spec", "loadBalancerClass") is None
    if of_eks and asked == {"type": "nlb", "internal": "true"}:
        return meters.load_balancer(meter, "nlb", 0)
    raise Unpriced(
        "a load balancer that a controller makes is not priced, unless annotations ask for an internal network load balancer: "
        "name it as an aws:lb/loadBalancer"
    )


def _claim(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    size = node.read("spec", "resources", "requests", "storage")
    if not isinstance(size, str) or not size.endswith("Gi") or not size[:-2].isdecimal():
        raise Unpriced("the size of the volume is not known in Gi")
    one = Decimal(1)
    return meters.disks(meter, int(size[:-2]), (one, one, one), what="volume")


def _stateful_set(_: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    templates, replicas = node.read("spec", "volumeClaimTemplates"), node.read("spec", "replicas")
    if templates in (None, ()):
        return iter(())
    if not isinstance(templates, tuple) or isinstance(replicas, bool) or not isinstance(replicas, int):
        raise Unpriced("the number or the volumes of its replicas are not known")
    return _claims(meter, templates, Decimal(replicas))


def _claims(meter: Meter, templates: tuple[Value, ...], replicas: Decimal) -> Iterator[CostItem]:
    for place, template in enumerate(templates):
        claim = Node(urn="", type="", name="", inputs=template if isinstance(template, Mapping) else {})
        size = claim.read("spec", "resources", "requests", "storage")
        if not isinstance(size, str) or not size.endswith("Gi") or not size[:-2].isdecimal():
            yield meter.unpriced(f"volume {place}", "the size of the volume is not known in Gi")
            continue
        yield from meters.disks(meter, int(size[:-2]), (replicas, replicas, replicas), what=f"volume {place}")


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
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:ebs/volume:Volume": lambda _, meter, node: machines.volume(meter, node),
    "aws:ec2/capacityReservation:CapacityReservation": lambda _, meter, node: machines.capacity_reservation(
        meter, node
    ),
    "aws:ec2/eip:Eip": lambda _, meter, __: meters.public_address(meter),
    "aws:ec2/instance:Instance": lambda around, meter, node: machines.instance(meter, node, around.template(node)),
    "aws:ec2/natGateway:NatGateway": lambda _, meter, node: network.nat_gateway(meter, node),
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest": lambda around, meter, node: machines.instance(
        meter, node, around.template(node)
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda _, meter, node: network.endpoint(meter, node),
    "aws:eks/cluster:Cluster": eks.cluster,
    "aws:eks/nodeGroup:NodeGroup": lambda around, meter, node: machines.node_group(meter, node, around.template(node)),
    "aws:kms/key:Key": lambda _, meter, __: meters.kms_key(meter),
    "aws:lb/loadBalancer:LoadBalancer": network.load_balancer,
    "aws:rds/instance:Instance": _database,
    "aws:s3/bucket:Bucket": lambda _, meter, __: meters.bucket(meter),
    "aws:secretsmanager/secret:Secret": lambda _, meter, __: meters.secret(meter),
    "aws:sqs/queue:Queue": _queue,
    "aws:ssm/parameter:Parameter": _parameter,
    "kubernetes:apps/v1:StatefulSet": _stateful_set,
    "kubernetes:core/v1:PersistentVolumeClaim": _claim,
    "kubernetes:core/v1:Service": _service,
    "kubernetes:helm.sh/v3:Release": lambda _, meter, node: charts.release(meter, node),
}
"""Type token -> how it is priced. A function may raise `Unpriced`; no lines mean that this one costs nothing."""

ON_WHOSE_CLUSTER = frozenset(key for key in PRICED if key.startswith("kubernetes:")) - {NODE_POOL}
"""What costs only where the cluster stands in AWS: volumes and load balancers. Karpenter's nodes are machines of AWS."""

NEIGHBOURS = frozenset({LAUNCH_TEMPLATE, NODE_CLASS, STORAGE_CLASS})
"""What is free by itself and decides what others cost: its inputs are classified like those of what has a price."""
