"""What a container asks of its node and may take at most, as every part of the platform says it."""

from __future__ import annotations

from typing import Any

LOGS_MIB = 256
"""Room (MiB) for a container's log: the kubelet keeps five files of 10 MiB, and what it is just turning over."""
SMALL_MIB = 1024
"""Most (MiB) that a container may write that has no data of its own on the node: its log and what its chart mounts."""


def resources(
    cpu: str, memory: str, disk_mib: int = LOGS_MIB, *, memory_limit: str = "", most_mib: int = 0
) -> dict[str, Any]:
    """Requests and limits: `disk_mib` is what the container writes on its node (MiB), logs and emptyDirs with it.

    `memory_limit` and `most_mib` are what it may take, where that is more than what it asks for. A container that asks for no
    disk shares a node with others until that is full, and then the kubelet evicts whoever is over their request first. There is
    no limit on processors: being slowed while catching up is how a restart becomes an outage.
    """
    most = {"memory": memory_limit or memory, "ephemeral-storage": f"{most_mib or disk_mib}Mi"}
    return {"requests": {"cpu": cpu, "memory": memory, "ephemeral-storage": f"{disk_mib}Mi"}, "limits": most}


def small(cpu: str, memory: str, memory_limit: str = "") -> dict[str, Any]:
    """The same of a container that keeps nothing on its node but a log and small files of its chart."""
    return resources(cpu, memory, memory_limit=memory_limit, most_mib=SMALL_MIB)


def pod_disk_mib(disk_gb: int) -> int:
    """Room (MiB) that pods have on a node with a disk of that size.

    Karpenter counts on the disk less the 10 % at which the kubelet evicts and the 1 GiB that it keeps for itself
    (karpenter-provider-aws 1.14, `pkg/providers/instancetype/types.go`).
    """
    return disk_gb * 1024 * 9 // 10 - 1024
