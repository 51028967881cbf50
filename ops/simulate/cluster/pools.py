"""What a stack's NodePools become for Karpenter's KWOK provider: the same objects, only `nodeClassRef` is another.

That one difference is what makes a simulation worth reading, so a test compares every other byte.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.nodes.nodepools import POOL_LABEL
from infra.declared import Declared
from infra.stack.stack import Stack
from pricing.capacity.announced import Announced, Sharing, announced
from pricing.capacity.pool import Buying
from pricing.items.tokens import NODE_CLASS, NODE_POOL
from pricing.meters.compute.nodepools import BUYING, TYPE

GROUP, VERSION, KIND = "karpenter.kwok.sh", "v1alpha1", "KWOKNodeClass"
ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """One NodePool of a stack: what it may buy, as its own requirements say it.

    `max_pods` bounds the pods of a node (None: its type alone does); `disk_gib` is the volume for images and pods, and with
    `local_disks` the type's NVMe takes its place. `announced` is by type what a node says it has, empty for types without
    GPUs; `sharing` how GPUs are shared. `capacity_block` says whether reserved nodes are paid in advance, `bound_by` names
    the setting that binds.
    """

    name: str
    pool: str
    buying: Buying
    types: tuple[str, ...]
    zones: tuple[str, ...]
    limits: Mapping[str, str]
    max_pods: int | None
    disk_gib: int
    local_disks: bool
    announced: Mapping[str, Announced]
    sharing: Sharing
    capacity_block: bool
    bound_by: str
    manifest: Mapping[str, Any]

    def kwok(self) -> dict[str, Any]:
        """The NodePool as the stack declares it, its `nodeClassRef` pointing at a KWOKNodeClass of the same name."""
        made = copy.deepcopy(dict(self.manifest))
        reference = made["spec"]["template"]["spec"]["nodeClassRef"]
        made["spec"]["template"]["spec"]["nodeClassRef"] = {"group": GROUP, "kind": KIND, "name": reference["name"]}
        return made

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that it gives its nodes."""
        found: Mapping[str, str] = self.manifest["spec"]["template"]["metadata"]["labels"]
        return found

    @property
    def node_class(self) -> dict[str, Any]:
        """The KWOKNodeClass that stands where the stack has its EC2NodeClass."""
        name = self.manifest["spec"]["template"]["spec"]["nodeClassRef"]["name"]
        return {"apiVersion": f"{GROUP}/{VERSION}", "kind": KIND, "metadata": {"name": name}, "spec": {}}


def purchases(stack: Stack, declared: Mapping[str, Declared]) -> tuple[Purchase, ...]:
    """Every NodePool that the stack declares, in the order in which Karpenter tries them: the highest weight first."""
    classes = {
        each.inputs["metadata"]["name"]: each.inputs["spec"] for each in declared.values() if each.token == NODE_CLASS
    }
    found = [_purchase(stack, each.inputs, classes) for each in declared.values() if each.token == NODE_POOL]
    return tuple(sorted(found, key=lambda purchase: (-purchase.manifest["spec"].get("weight", 0), purchase.name)))


def _purchase(stack: Stack, manifest: Mapping[str, Any], classes: Mapping[str, Any]) -> Purchase:
    template = manifest["spec"]["template"]
    pool = template["metadata"]["labels"][POOL_LABEL]
    node_class = classes[template["spec"]["nodeClassRef"]["name"]]
    spec = stack.settings.gpu_pools.get(pool)
    ask = spec.ask(stack.on_aws.network.zones) if spec else None
    return Purchase(
        name=manifest["metadata"]["name"],
        pool=pool,
        buying=Buying(_required(template["spec"]["requirements"], BUYING)[0]),
        types=_required(template["spec"]["requirements"], TYPE),
        zones=_required(template["spec"]["requirements"], ZONE),
        limits=manifest["spec"]["limits"],
        max_pods=node_class.get("kubelet", {}).get("maxPods"),
        disk_gib=max(_gib(node_class)),
        local_disks=node_class.get("instanceStorePolicy") == "RAID0",
        announced={name: announced(ask.node(name)) for name in spec.instance_types} if spec and ask else {},
        sharing=spec.sharing.mode if spec else Sharing.NONE,
        capacity_block=bool(ask and ask.capacity_block),
        bound_by=f"gpuPools.{pool}.{stack.pools[pool].binds}" if spec else "generalPool.limits",
        manifest=manifest,
    )


def _required(requirements: list[dict[str, Any]], key: str) -> tuple[str, ...]:
    return next(
        tuple(requirement["values"])
        for requirement in requirements
        if requirement["key"] == key and requirement["operator"] == "In"
    )


def _gib(node_class: Mapping[str, Any]) -> Iterator[int]:
    for disk in node_class["blockDeviceMappings"]:
        yield int(disk["ebs"]["volumeSize"].removesuffix("Gi"))
