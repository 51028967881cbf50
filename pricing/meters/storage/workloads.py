"""Volumes that come with pods: claims of a StatefulSet, and generic ephemeral volumes of any pod that the stack declares.

A pod's ephemeral volume is made and deleted with the pod (Kubernetes, "Ephemeral Volumes"). So it is paid as often as there
are pods: as many as the workload keeps, or as an autoscaler of the stack may make of it, and those that a rollout adds.
How many pods a DaemonSet or a Job makes is not in the stack, so their volumes have no price.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node, Value
from pricing.items.tokens import SCALER
from pricing.items.unpriced import Unpriced
from pricing.meters.meters import Meter
from pricing.meters.storage import disks
from pricing.meters.storage.claims import Declared, claimed
from pricing.meters.storage.disks import Counts

POD_SPECS: Mapping[str, tuple[str, ...]] = {
    "kubernetes:apps/v1:DaemonSet": ("spec", "template", "spec"),
    "kubernetes:apps/v1:Deployment": ("spec", "template", "spec"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template", "spec"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template", "spec"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "kubernetes:batch/v1:Job": ("spec", "template", "spec"),
    "kubernetes:core/v1:Pod": ("spec",),
}
"""Type token -> where its pods' spec stands."""
_COUNTED = ("Deployment", "ReplicaSet", "StatefulSet")
_ROUNDED_UP = "25%"
"""How many more pods a rolling update makes, when a Deployment does not say (Kubernetes, "Deployments", maxSurge)."""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """How many pods a workload keeps at least, as expected and at most; `rollout` are added while it changes."""

    least: int
    likely: int
    most: int
    rollout: int = 0


def claim(around: Declared, meter: Meter, node: Node) -> Iterator[CostItem]:
    """The volume of one PersistentVolumeClaim."""
    try:
        yield from disks.lines(meter, (claimed(around, node.inputs),), _always(1), "volume")
    except Unpriced as why:
        yield meter.unpriced("volume", str(why))


def workload(around: Declared, meter: Meter, node: Node) -> Iterator[CostItem]:
    """The volumes that a workload's pods bring; nothing when they bring none. Raises Unpriced."""
    spec = node.read(*POD_SPECS[node.type])
    if spec is UNKNOWN:
        raise Unpriced("the pods, and so their volumes, are not known")
    kept, passing = node.read("spec", "volumeClaimTemplates"), _ephemeral(node.read(*POD_SPECS[node.type], "volumes"))
    templates = _tuple(kept, "the claims of its replicas are not known")
    if not templates and not passing:
        return iter(())
    return _lines(around, meter, _pods(around, node), templates, passing)


def _lines(
    around: Declared, meter: Meter, pods: Pods, templates: tuple[Value, ...], passing: tuple[Value, ...]
) -> Iterator[CostItem]:
    while_kept: Counts = (Decimal(pods.least), Decimal(pods.likely), Decimal(pods.most))
    with_rollout: Counts = (*while_kept[:2], Decimal(pods.most + pods.rollout))
    asked = [(f"volume {place}", each, while_kept) for place, each in enumerate(templates)]
    asked += [(f"ephemeral volume {place}", _template(each), with_rollout) for place, each in enumerate(passing)]
    for what, claim_of, counts in asked:
        try:
            yield from disks.lines(meter, (claimed(around, claim_of, f"its {what}"),), counts, what)
        except Unpriced as why:
            yield meter.unpriced(what, str(why))


def _template(ephemeral: Value) -> Value:
    return ephemeral.get("volumeClaimTemplate") if isinstance(ephemeral, Mapping) else UNKNOWN


def _ephemeral(volumes: Value) -> tuple[Value, ...]:
    found = _tuple(volumes, "the volumes of its pods are not known")
    if any(not isinstance(each, Mapping) for each in found):
        raise Unpriced("a volume of its pods is not known")
    asked = [each.get("ephemeral") for each in found if isinstance(each, Mapping)]
    return tuple(each for each in asked if each is not None)


def _tuple(value: Value, why: str) -> tuple[Value, ...]:
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise Unpriced(why)
    return value


def _pods(around: Declared, node: Node) -> Pods:
    kind = node.type.rpartition(":")[2]
    if kind == "Pod":
        return Pods(least=1, likely=1, most=1)
    if kind not in _COUNTED:
        raise Unpriced(f"how many pods with volumes of their own a {kind} makes is not in the stack")
    replicas = _count(node.read("spec", "replicas"), 1)
    most = max([replicas, *_scaled(around, node, kind)])
    least = 0 if most > replicas else replicas
    return Pods(least=least, likely=replicas, most=most, rollout=_rollout(node, most) if kind == "Deployment" else 0)


def _rollout(node: Node, most: int) -> int:
    """How many pods a Deployment adds while it changes."""
    way = node.read("spec", "strategy", "type")
    if way is UNKNOWN:
        raise Unpriced("how it replaces its pods is not known")
    if way == "Recreate":
        return 0
    surge = node.read("spec", "strategy", "rollingUpdate", "maxSurge")
    surge = _ROUNDED_UP if surge is None else surge
    if isinstance(surge, str) and surge.endswith("%") and surge[:-1].isdecimal():
        return math.ceil(most * int(surge[:-1]) / 100)
    return _count(surge, 0)


def _scaled(around: Declared, node: Node, kind: str) -> Iterator[int]:
    """How far each autoscaler that may mean this workload scales it."""
    for scaler in around.of_type(SCALER):
        target, name = scaler.read("spec", "scaleTargetRef"), node.read("metadata", "name")
        named = target if isinstance(target, Mapping) else {"kind": UNKNOWN, "name": UNKNOWN}
        meant = isinstance(named.get("name"), str) and isinstance(name, str)
        if named.get("kind") in (kind, UNKNOWN) and (not meant or named.get("name") == name):
            yield _count(scaler.read("spec", "maxReplicas"), 1)


def _count(value: Value, absent: int) -> int:
    if value is None:
        return absent
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unpriced("how many replicas it has is not known")
    return value


def _always(count: int) -> Counts:
    number = Decimal(count)
    return number, number, number
