"""A GPU pool: one EC2NodeClass and the NodePools that buy for it, bounded by GPUs, nodes and dollars."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s
from pydantic import Field, model_validator

from components.kinds.aws import InstanceType, ReservationId, ZoneLetter
from components.kinds.words import Team
from components.nodes import node_class
from components.nodes.disruption import PRESETS, Purpose, WindowSpec
from components.nodes.nodepools import arithmetic, gpu_labels, node_pool, pool_name
from components.nodes.sharing import SharingSpec, bottlerocket_settings
from components.spec import Invalid, Spec
from core.problem import Problem
from pricing.capacity.announced import AmiFamily, Plugin, Sharing, knows, plugin
from pricing.capacity.gpus import gpu_type, node_pods
from pricing.capacity.pool import Capacity, PoolAsk, PoolBound, Share


class LimitsSpec(Spec):
    """The limits of a pool. All of them apply; the strictest one decides."""

    gpus: int | None = Field(default=None, ge=1)
    """Whole GPUs at once."""
    nodes: int | None = Field(default=None, ge=1)
    """Nodes at once."""
    monthly_usd: Decimal | None = Field(default=None, gt=0, max_digits=12, decimal_places=2)
    """Cost (USD a month of 730 h), compiled to GPUs at the on-demand price of the dearest type per GPU."""


class FallbackSpec(Spec):
    """The part of a spotFirst pool that may run on demand when spot is gone."""

    gpus: int = Field(ge=1)
    """Whole GPUs at once, taken out of the pool's limits."""


class ReservationKind(enum.StrEnum):
    """An on-demand capacity reservation is billed by the hour; a capacity block is paid in advance and ends."""

    CAPACITY_RESERVATION = "capacityReservation"
    CAPACITY_BLOCK = "capacityBlock"


class GpuPoolSpec(Spec):
    """GPU nodes of one kind, for one purpose."""

    purpose: Purpose
    """What runs here; it decides when nodes may be taken away."""
    capacity: Capacity = Capacity.SPOT_FIRST
    """How nodes are bought."""
    instance_types: list[InstanceType] = Field(min_length=1)
    """EC2 types, each with whole GPUs."""
    limits: LimitsSpec = Field(default_factory=LimitsSpec)
    """What bounds the pool."""
    on_demand_fallback: FallbackSpec | None = None
    """With spotFirst: how much of it may run on demand."""
    nodes: int | None = Field(default=None, ge=1)
    """With reserved: how many nodes the reservation holds."""
    reservation: ReservationId | None = None
    """With reserved: the id of the capacity reservation or block."""
    reservation_kind: ReservationKind = ReservationKind.CAPACITY_RESERVATION
    """With reserved: how it is billed."""
    zones: list[ZoneLetter] = Field(default_factory=list)
    """Letters of the zones to buy in; those of the network when empty."""
    ami_family: AmiFamily = AmiFamily.AL2023
    """Operating system of the nodes, with NVIDIA's driver."""
    disk_gb: int = Field(default=200, ge=50, le=16000)
    """Disk for images and pods of each node (GiB, gp3, encrypted)."""
    efa: bool = False
    """Elastic Fabric Adapter between nodes, in one placement group."""
    sharing: SharingSpec = Field(default_factory=SharingSpec)
    """Whether several pods share a GPU."""
    mixed_gpu_memory: bool = False
    """Whether the pool may mix types with GPUs of different memory."""
    window: WindowSpec = Field(default_factory=WindowSpec)
    """When nodes may be replaced or consolidated."""
    owner: Team | None = None
    """Team that pays for the pool; the stack's owner when it is not said. It is the nodes' tag `Owner`."""

    @model_validator(mode="after")
    def _agrees(self) -> GpuPoolSpec:
        reserved = self.capacity is Capacity.RESERVED
        if reserved and self.reservation is None:
            raise Invalid(
                "a reserved pool that names no reservation", where="reservation", fix="add reservation: cr-..."
            )
        if not reserved and self.reservation is not None:
            raise Invalid(
                "a reservation that the pool does not use",
                where="reservation",
                found=self.reservation,
                fix="say capacity: reserved, or take it out",
            )
        if not knows(self.ami_family, self.sharing.mode):
            raise Invalid(
                "MIG is set up by the node's own settings, which AL2023 does not have",
                where="sharing.mode",
                found=self.sharing.mode.value,
                fix="say amiFamily: Bottlerocket, or share by timeSlicing",
            )
        return self

    def needs_aws(self) -> Iterator[Problem]:
        """A pool is nodes that Karpenter buys."""
        yield Problem(
            summary="gpuPools need Karpenter on AWS",
            fix="remove the pool: your own cluster brings its nodes and their device plugin (pasted in docs/local.md)",
        )

    def ask(self, network_zones: list[str]) -> PoolAsk:
        """The pool as the pure planner of limits and cost takes it."""
        preset = PRESETS[self.purpose]
        return PoolAsk(
            capacity=self.capacity,
            instance_types=tuple(self.instance_types),
            zones=tuple(self.zones or network_zones),
            gpus=self.limits.gpus,
            nodes=self.limits.nodes,
            monthly_usd=self.limits.monthly_usd,
            on_demand_fallback_gpus=self.on_demand_fallback.gpus if self.on_demand_fallback else None,
            reserved_nodes=self.nodes,
            capacity_block=self.reservation_kind is ReservationKind.CAPACITY_BLOCK,
            efa=self.efa,
            ami_family=self.ami_family,
            sharing=self.sharing.mode,
            replicas=self.sharing.replicas,
            mig_profile=self.sharing.profile,
            uniform_gpu_memory=not self.mixed_gpu_memory,
            overlap_nodes=preset.at_once,
        )

    @property
    def local_disks(self) -> bool:
        """Whether every type of the pool brings NVMe disks."""
        types = [gpu_type(name) for name in self.instance_types]
        return all(known is not None and known.nvme_gb > 0 for known in types)


@dataclass(frozen=True, kw_only=True)
class GpuPoolArgs:
    """What a pool is made from: its spec and compiled bound, the network's place, and what a node joins with."""

    spec: GpuPoolSpec
    bound: PoolBound
    pool: str
    name: str
    region: str
    network_zones: list[str]
    vpc_id: pulumi.Input[str]
    subnet_ids: list[pulumi.Output[str]]
    security_group_id: pulumi.Input[str]
    node_role: pulumi.Input[str]
    tags: Mapping[str, str]
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:GpuPool")
class GpuPool(pulumi.ComponentResource):
    """GPU nodes that come when pods ask for them, never beyond the pool's GPUs, nodes and dollars."""

    def __init__(self, name: str, args: GpuPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:GpuPool", name, {"pool": args.pool, "spec": args.spec.to_inputs()}, opts)
        self._args = args
        spec = args.spec
        efa_group, placement = self._fabric() if spec.efa else (None, None)
        made = k8s.apiextensions.CustomResource(
            args.pool,
            api_version=f"{node_class.GROUP}/{node_class.VERSION}",
            kind="EC2NodeClass",
            metadata={"name": args.pool, "labels": args.labels},
            spec=node_class.node_class(
                family=spec.ami_family,
                role=args.node_role,
                subnet_ids=args.subnet_ids,
                security_group_id=args.security_group_id,
                disk_gb=spec.disk_gb,
                tags={
                    **args.tags,
                    **({"Owner": spec.owner} if spec.owner else {}),
                    "Name": f"{args.name}-{args.pool}",
                    "modelyard.dev/pool": args.pool,
                },
                local_disks=spec.local_disks,
                reservation=spec.reservation,
                user_data=bottlerocket_settings(spec.sharing, spec.instance_types)
                if plugin(spec.ami_family) is Plugin.IMAGE
                else None,
                efa_group_id=efa_group.id if efa_group else None,
                placement_group=f"{args.name}-{args.pool}" if placement else None,
                max_pods=node_pods(spec.instance_types),
            ),
            opts=self._in_cluster([*args.needs, *([placement] if placement else [])]),
        )
        for share in args.bound.shares:
            self._node_pool(share, made)
        pulumi.log.info(arithmetic(args.pool, args.bound), resource=self)
        self.register_outputs({})

    def _in_cluster(self, needs: list[pulumi.Resource]) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, provider=self._args.provider, depends_on=needs)

    def _node_pool(self, share: Share, made: pulumi.Resource) -> None:
        args, spec = self._args, self._args.spec
        k8s.apiextensions.CustomResource(
            pool_name(args.pool, share.buying),
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": pool_name(args.pool, share.buying), "labels": args.labels},
            spec=node_pool(
                pool=args.pool,
                buying=share.buying,
                instance_types=spec.instance_types,
                zones=[f"{args.region}{zone}" for zone in spec.zones or args.network_zones],
                architectures=args.bound.architectures,
                limits=share.limits(),
                purpose=spec.purpose,
                window=spec.window,
                labels=gpu_labels(
                    has_plugin=plugin(spec.ami_family) is Plugin.CHART,
                    plugin_config=args.pool if spec.sharing.mode is Sharing.TIME_SLICING else "default",
                    efa=spec.efa,
                ),
                gpu=True,
            ),
            opts=self._in_cluster([made]),
        )

    def _fabric(self) -> tuple[aws.ec2.SecurityGroup, aws.ec2.PlacementGroup]:
        args, child = self._args, pulumi.ResourceOptions(parent=self)
        group = aws.ec2.SecurityGroup(
            f"{args.pool}-efa",
            vpc_id=args.vpc_id,
            description=f"EFA between the nodes of pool {args.pool}",
            tags={"Name": f"{args.name}-{args.pool}-efa"},
            opts=child,
        )
        aws.vpc.SecurityGroupIngressRule(
            f"{args.pool}-efa-in",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            description="From the pool's own nodes",
            opts=child,
        )
        aws.vpc.SecurityGroupEgressRule(
            f"{args.pool}-efa-out",
            security_group_id=group.id,
            referenced_security_group_id=group.id,
            ip_protocol="-1",
            description="To the pool's own nodes",
            opts=child,
        )
        placement = aws.ec2.PlacementGroup(
            f"{args.pool}-efa", name=f"{args.name}-{args.pool}", strategy="cluster", opts=child
        )
        return group, placement
