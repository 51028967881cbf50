"""Who runs DCGM's engine on a GPU node: one engine a node, read by the node monitoring agent and by the exporter alike.

The counters behind `DCGM_FI_PROF_*` are hardware that two processes cannot share, and NVIDIA supports one engine a node
(dcgm-exporter issue 7, DCGM issue 108). EKS' node monitoring agent brings one, `dcgm-server`, on the node's port 5555, for amd64
only and without a toleration. Where it is missing, the agent sets `AcceleratedHardwareReady` to False, and Karpenter's node
repair replaces such a node after 10 minutes, whatever the reason (the agent's chart 1.7.2, README; karpenter-provider-aws
1.14.1, `RepairPolicies`; read 2026-11-30).
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

from components.nodes.nodepools import GPU_TAINT
from pricing.capacity.gpus import gpu_type

PORT = 5555
ARCHITECTURE = "amd64"
"""The one that AWS builds `dcgm-server` for."""


class GpuEngine(enum.StrEnum):
    """Whose engine runs on GPU nodes: the agent's, to which the exporter connects, or the one inside the exporter."""

    AGENT = "agent"
    EXPORTER = "exporter"


def engine(types: Iterable[str], *, agent: bool) -> GpuEngine:
    """The engine for nodes of these types; `agent` says that the platform brings the agent, and so may set it up."""
    known = [found for each in types if (found := gpu_type(each))]
    runs = agent and all(each.architecture == ARCHITECTURE for each in known)
    return GpuEngine.AGENT if runs else GpuEngine.EXPORTER


def agent_values(of: GpuEngine) -> dict[str, Any]:
    """What the add-on is told: to run its engine on our GPU nodes too, or neither to run it nor to miss it."""
    if of is GpuEngine.AGENT:
        return {"dcgmAgent": {"tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}]}}
    return {"dcgmAgent": {"enabled": False}, "nodeAgent": {"monitors": {"nvidia": {"enabled": False}}}}


def exporter_environment(of: GpuEngine) -> list[dict[str, Any]]:
    """What the exporter's container is told: where the engine of its own node is, or nothing to run one itself."""
    if of is GpuEngine.EXPORTER:
        return []
    return [
        {"name": "NODE_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIP"}}},
        {"name": "DCGM_REMOTE_HOSTENGINE_INFO", "value": f"$(NODE_IP):{PORT}"},
    ]
