"""What stands in for kubelets and containers: KWOK stages that make a node ready and a pod running, at once.

A node announces what `pricing.capacity.announced` says of its pool and type: slices where GPUs are shared, EFA where the
plugin for it runs. Karpenter's KWOK provider alone reports no more capacity than the first pods asked for, and a NodePool's
limits would count too little. A pod of a job runs until it is deleted; a stopping pod takes `stop_seconds`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from components.nodes.nodepools import POOL_LABEL
from ops.simulate.cluster.machines import Machine
from ops.simulate.cluster.pools import Purchase
from pricing.meters.compute.nodepools import TYPE

_NOT_READY = {
    "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
    "operator": "NotIn",
    "values": ["True"],
}
_LIVING = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
_READY = """\
conditions:
- type: Ready
  status: "True"
  reason: KubeletReady
  message: simulated by KWOK
  lastHeartbeatTime: {{ Now | Quote }}
  lastTransitionTime: {{ Now | Quote }}
"""
_RUNNING = """\
phase: Running
startTime: {{ Now | Quote }}
conditions:
{{ range $type := list "Initialized" "ContainersReady" "Ready" }}
- {type: {{ $type }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ Now | Quote }}}}
{{ end }}
"""


def stages(asked: Sequence[Purchase], found: Sequence[Machine], *, stop_seconds: float = 0) -> str:
    """The configuration for `kwok --config`: a stage for each type of each pool, and two for pods."""
    by_name = {machine.name: machine for machine in found}
    pairs = {
        (purchase.pool, name): _announced(purchase, name)
        for purchase in asked
        for name in purchase.types
        if name in by_name
    }
    made = [_node(pool, by_name[name], pairs[pool, name]) for pool, name in sorted(pairs)]
    made.append(_stage("pod-runs", "Pod", [_LIVING, _NOT_READY], {"statusTemplate": _RUNNING}))
    stopping = [{"key": ".metadata.deletionTimestamp", "operator": "Exists"}]
    made.append(_stage("pod-stops", "Pod", stopping, {"delete": True, "finalizers": {"empty": True}}))
    made[-1]["spec"]["delay"] = {"durationMilliseconds": int(stop_seconds * 1000)}
    return yaml.safe_dump_all(made, sort_keys=False)


def _announced(purchase: Purchase, name: str) -> Mapping[str, int]:
    announced = purchase.announced.get(name)
    return announced.resources if announced else {}


def _node(pool: str, machine: Machine, announced: Mapping[str, int]) -> dict[str, Any]:
    taken_for = {key: value for key, value in machine.resources.items() if "/" in key}
    says = {key: str(announced.get(key, 0)) for key in taken_for.keys() | announced.keys()}
    status: dict[str, Any] = {"phase": "Running", "capacity": {**machine.resources, **says}}
    if says != taken_for:
        # The node takes over what Karpenter's file says; where it announces something else, that holds.
        status["allocatable"] = dict(sorted(says.items()))
    made = _stage(
        f"node-{pool}-{machine.name}", "Node", [_NOT_READY], {"statusTemplate": _READY + yaml.safe_dump(status)}
    )
    made["spec"]["selector"]["matchLabels"] = {POOL_LABEL: pool, TYPE: machine.name}
    return made


def _stage(name: str, kind: str, when: list[dict[str, Any]], then: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": when},
            "next": then,
        },
    }
