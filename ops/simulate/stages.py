"""What stands in for kubelets and containers: KWOK stages that make a node ready and a pod running, at once.

A node announces what its type has, of GPUs as many slices as its pool's sharing says, which is what NVIDIA's device plugin
would make of it. Karpenter's KWOK provider alone reports no more capacity than the first pods asked for, and a NodePool's
limits would count too little. A pod of a job runs until it is deleted; a stopping pod takes `stop_seconds`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from components.pools import POOL_LABEL
from ops.simulate.machines import Machine
from ops.simulate.pools import Purchase
from pricing.nodepools import GPUS, TYPE

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
    by_name = {each.name: each for each in found}
    pairs = {(each.pool, name): each.slices for each in asked for name in each.types if name in by_name}
    made = [_node(pool, by_name[name], slices) for (pool, name), slices in sorted(pairs.items())]
    made.append(_stage("pod-runs", "Pod", [_LIVING, _NOT_READY], {"statusTemplate": _RUNNING}))
    stopping = [{"key": ".metadata.deletionTimestamp", "operator": "Exists"}]
    made.append(_stage("pod-stops", "Pod", stopping, {"delete": True, "finalizers": {"empty": True}}))
    made[-1]["spec"]["delay"] = {"durationMilliseconds": int(stop_seconds * 1000)}
    return yaml.safe_dump_all(made, sort_keys=False)


def _node(pool: str, machine: Machine, slices: int) -> dict[str, Any]:
    capacity = dict(machine.resources)
    status: dict[str, Any] = {"phase": "Running", "capacity": capacity}
    if GPUS in capacity and slices > 1:
        capacity[GPUS] = str(int(capacity[GPUS]) * slices)
        status["allocatable"] = {GPUS: capacity[GPUS]}
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
