"""The chart's own alerts that would fire all day on a platform of this shape: switched off, each with its reason.

An alert that never rests hides the next one. Those that stay were gone through too; `docs/monitoring.md` says what was found.
"""

from __future__ import annotations

from collections.abc import Mapping

OFF: Mapping[str, str] = {
    "KubeCPUOvercommit": "Karpenter packs the nodes that it buys, so what runs on the largest never fits the others; a new node"
    " comes, and GeneralPoolNearLimit says when it may not",
    "KubeMemoryOvercommit": "the same of memory",
    "KubeCPUQuotaOvercommit": "quotas are compared with the nodes of this minute, and most of them come when they are asked for",
    "KubeMemoryQuotaOvercommit": "the same of memory",
    "KubeJobNotCompleted": "it allows a Job twelve hours, and a training pool is there for Jobs that take days",
    "NodeMemoryMajorPagesFaults": "model servers map their weights: reading a model is nothing but major faults",
}
"""Alert of kube-prometheus-stack -> why it says nothing here. The names are those that the chart knows."""


def rules() -> dict[str, bool]:
    """What the chart is told under `defaultRules.disabled`."""
    return dict.fromkeys(sorted(OFF), True)
