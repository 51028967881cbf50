"""How far Karpenter has come is read from its own metrics."""

from __future__ import annotations

from sandbox.kubernetes.real.autoscaler import steps_in

PAGE = """\
# TYPE karpenter_scheduler_scheduling_duration_seconds histogram
karpenter_scheduler_scheduling_duration_seconds_bucket{controller="provisioner",le="+Inf"} 6
karpenter_scheduler_scheduling_duration_seconds_sum{controller="provisioner"} 0.1
karpenter_scheduler_scheduling_duration_seconds_count{controller="provisioner"} 6
karpenter_scheduler_scheduling_duration_seconds_count{controller="disruption"} 9
"""


def test_only_the_steps_for_pending_pods_count() -> None:
    assert steps_in(PAGE) == 6


def test_a_page_that_says_nothing_of_steps_counts_none() -> None:
    assert steps_in("") == steps_in("karpenter_nodes_created_total 3\n") == 0
