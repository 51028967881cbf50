"""The general pool: nodes without GPUs for everything but Karpenter, CoreDNS and the add-ons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.kinds.aws import InstanceType
from components.nodes import node_class
from components.nodes.disruption import PRESETS, Purpose, WindowSpec
from components.nodes.nodepools import node_pool
from components.spec import Spec
from pricing.book.book import PriceBook
from pricing.capacity.announced import AmiFamily
from pricing.capacity.pool import Buying
from pricing.meters.compute.general_pool import GeneralBound, general_bound

POOL = "general"


class GeneralLimitsSpec(Spec):
    """The limits of the general pool; the stricter one decides."""

    vcpus: int | None = Field(default=None, ge=1)
    """vCPUs at once."""
    monthly_usd: Decimal | None = Field(default=None, gt=0, max_digits=12, decimal_places=2)
    """Cost (USD a month of 730 h), compiled to vCPUs at the on-demand price of the dearest type per vCPU."""


class GeneralPoolSpec(Spec):
    """Nodes for the platform's own services and for workloads without GPUs."""

    instance_types: list[InstanceType] = Field(
        default_factory=lambda: ["m7g.large", "m7g.xlarge", "m7g.2xlarge"], min_length=1
    )
    """EC2 types without GPUs, on demand."""
    limits: GeneralLimitsSpec = Field(default_factory=lambda: GeneralLimitsSpec(vcpus=32))
    """What bounds the pool."""
    ami_family: AmiFamily = AmiFamily.BOTTLEROCKET
    """Operating system of the nodes."""
    disk_gb: int = Field(default=80, ge=20, le=16000)
    """Disk for images and pods of each node (GiB, gp3, encrypted)."""
    window: WindowSpec = Field(default_factory=WindowSpec)
    """When nodes may be replaced or consolidated."""

    def bound(self, book: PriceBook) -> GeneralBound:
        """The compiled limit. Raises Refused with paths relative to the pool."""
        overlap = PRESETS[Purpose.SERVING].at_once
        return general_bound(self.instance_types, self.limits.vcpus, self.limits.monthly_usd, overlap, book)


@dataclass(frozen=True, kw_only=True)
class GeneralPoolArgs:
    """What the pool is made from, as for a GPU pool."""

    spec: GeneralPoolSpec
    bound: GeneralBound
    name: str
    zones: list[str]
    subnet_ids: list[pulumi.Output[str]]
    security_group_id: pulumi.Input[str]
    node_role: pulumi.Input[str]
    tags: Mapping[str, str]
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:GeneralPool")
class GeneralPool(pulumi.ComponentResource):
    """Nodes without GPUs, on demand, never beyond the pool's vCPUs and dollars."""

    def __init__(self, name: str, args: GeneralPoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:GeneralPool", name, {"spec": args.spec.to_inputs()}, opts)
        made = k8s.apiextensions.CustomResource(
            POOL,
            api_version=f"{node_class.GROUP}/{node_class.VERSION}",
            kind="EC2NodeClass",
            metadata={"name": POOL, "labels": args.labels},
            spec=node_class.node_class(
                family=args.spec.ami_family,
                role=args.node_role,
                subnet_ids=args.subnet_ids,
                security_group_id=args.security_group_id,
                disk_gb=args.spec.disk_gb,
                tags={**args.tags, "Name": f"{args.name}-{POOL}", "modelyard.dev/pool": POOL},
            ),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.needs),
        )
        k8s.apiextensions.CustomResource(
            f"{POOL}-on-demand",
            api_version="karpenter.sh/v1",
            kind="NodePool",
            metadata={"name": POOL, "labels": args.labels},
            spec=node_pool(
                pool=POOL,
                buying=Buying.ON_DEMAND,
                instance_types=args.spec.instance_types,
                zones=args.zones,
                architectures=args.bound.architectures,
                limits={"cpu": str(args.bound.vcpus)},
                purpose=Purpose.SERVING,
                window=args.spec.window,
                labels={},
                gpu=False,
            ),
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=[made]),
        )
        pulumi.log.info("\n".join(["general pool:", *(f"  {line}" for line in args.bound.lines)]), resource=self)
        self.register_outputs({})
