"""Which kinds make pods, which change what pods find, and which do neither: the one table, compared with the API's schemas.

A kind that nobody here knows may make pods, so a file that holds one has no certain answer.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from kube import builtin, custom


class Role(enum.StrEnum):
    """What an object of a kind means for a simulation."""

    PODS = "makes pods"
    EACH_NODE = "makes a pod on each node"
    AROUND = "decides about pods of the file, and is taken along"
    CHANGES = "changes pods, or how many there are"
    NONE = "makes no pods"
    UNKNOWN = "nobody here knows whether it makes pods"


@dataclass(frozen=True, kw_only=True)
class Pods:
    """How a kind keeps its pod template (steps from the object) and how many pods it makes; "" where it is one."""

    template: tuple[str, ...] = ("spec", "template")
    replicas: str = "spec.replicas"


WORKLOADS: Mapping[tuple[str, str], Pods] = {
    ("v1", "Pod"): Pods(template=(), replicas=""),
    ("v1", "ReplicationController"): Pods(),
    ("apps/v1", "Deployment"): Pods(),
    ("apps/v1", "ReplicaSet"): Pods(),
    ("apps/v1", "StatefulSet"): Pods(),
    ("batch/v1", "Job"): Pods(replicas="parallelism"),
    ("batch/v1", "CronJob"): Pods(template=("spec", "jobTemplate", "spec", "template"), replicas="parallelism"),
    ("argoproj.io/v1alpha1", "Rollout"): Pods(),
}
"""What pods are made from."""

_ROLES: Mapping[tuple[str, str], Role] = {
    **dict.fromkeys(WORKLOADS, Role.PODS),
    ("apps/v1", "DaemonSet"): Role.EACH_NODE,
    ("v1", "Namespace"): Role.AROUND,
    ("v1", "PersistentVolumeClaim"): Role.AROUND,
    ("storage.k8s.io/v1", "StorageClass"): Role.AROUND,
    ("scheduling.k8s.io/v1", "PriorityClass"): Role.AROUND,
    ("node.k8s.io/v1", "RuntimeClass"): Role.AROUND,
    ("karpenter.sh/v1", "NodePool"): Role.CHANGES,
    ("karpenter.sh/v1", "NodeClaim"): Role.CHANGES,
    ("karpenter.k8s.aws/v1", "EC2NodeClass"): Role.CHANGES,
    **{
        ("gateway.networking.k8s.io/v1", kind): Role.NONE
        for kind in ("HTTPRoute", "GRPCRoute", "TLSRoute", "ReferenceGrant", "BackendTLSPolicy")
    },
    **{("monitoring.coreos.com/v1", kind): Role.NONE for kind in ("PodMonitor", "Probe")},
}
_CHANGING = frozenset(
    (
        "Binding",
        "HorizontalPodAutoscaler",
        "LimitRange",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "Node",
        "PodGroup",
        "ResourceQuota",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
        "Workload",
    )
)
"""Kinds of Kubernetes itself that set, refuse or count pods; in whatever version."""

HINT = "write its pods as loads (name, pool, replicas, gpus, cpu, memoryGib), or as Pods"


def role(api_version: str, kind: str) -> Role:
    """What objects of a kind mean for a simulation."""
    known = _ROLES.get((api_version, kind))
    if known is not None:
        return known
    if (api_version, kind) in builtin.schemas().kinds():
        return Role.CHANGES if kind in _CHANGING else Role.NONE
    return Role.NONE if custom.custom(api_version, kind) else Role.UNKNOWN
