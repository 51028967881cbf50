"""The NodePools of a platform as plain objects: one pure planner for GPU pools, one for the general pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.nodes import node_class
from components.nodes.disruption import PRESETS, Purpose, WindowSpec
from pricing.capacity.pool import Buying, PoolBound

POOL_LABEL = "modelyard.dev/pool"
PLUGIN_LABEL = "modelyard.dev/device-plugin"
EFA_LABEL = "modelyard.dev/efa"
GPU_TAINT = "nvidia.com/gpu"
WEIGHTS = {Buying.RESERVED: 100, Buying.SPOT: 50, Buying.ON_DEMAND: 10}
"""Karpenter tries the NodePool of the highest weight first: what is paid for already, then spot, then on demand."""


def node_pool(
    *,
    pool: str,
    buying: Buying,
    instance_types: Sequence[str],
    zones: Sequence[str],
    architectures: Sequence[str],
    limits: Mapping[str, str],
    purpose: Purpose,
    window: WindowSpec,
    labels: Mapping[str, str],
    gpu: bool,
) -> dict[str, Any]:
    """The `spec` of a NodePool; `zones` are full names, `limits` Kubernetes quantities, `labels` go on its nodes."""
    preset = PRESETS[purpose]
    template: dict[str, Any] = {
        "nodeClassRef": {"group": node_class.GROUP, "kind": "EC2NodeClass", "name": pool},
        "requirements": [
            _within("karpenter.sh/capacity-type", [buying.value]),
            _within("node.kubernetes.io/instance-type", instance_types),
            _within("topology.kubernetes.io/zone", zones),
            _within("kubernetes.io/arch", architectures),
            _within("kubernetes.io/os", ["linux"]),
        ],
        # An age would end nodes at any hour, whatever the budgets say; without the field Karpenter sets 30 days.
        "expireAfter": "Never",
        "terminationGracePeriod": preset.grace,
    }
    if gpu:
        template["taints"] = [{"key": GPU_TAINT, "value": "true", "effect": "NoSchedule"}]
    return {
        "template": {"metadata": {"labels": {POOL_LABEL: pool, **labels}}, "spec": template},
        "disruption": preset.disruption(window),
        "limits": dict(limits),
        "weight": WEIGHTS[buying],
    }


def pool_name(pool: str, buying: Buying) -> str:
    """The name of the NodePool with which a pool buys in one way."""
    return f"{pool}-{buying.value}"


def gpu_labels(*, has_plugin: bool, plugin_config: str, efa: bool = False) -> dict[str, str]:
    """Labels of a GPU node: NVIDIA's chart looks for the first, our plugins for the others, each for its own."""
    labels = {"nvidia.com/gpu.present": "true"}
    if has_plugin:
        labels[PLUGIN_LABEL] = "true"
        labels["nvidia.com/device-plugin.config"] = plugin_config
    if efa:
        labels[EFA_LABEL] = "true"
    return labels


def arithmetic(pool: str, bound: PoolBound) -> str:
    """How a pool's limits and cost came about, a line each, for the preview."""
    return "\n".join([f"pool {pool}:", *(f"  {line}" for line in bound.lines)])


def _within(key: str, values: Sequence[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": sorted(values)}
