"""Karpenter's words become a line for each NodePool that a pod could have used, with the limit by name."""

from __future__ import annotations

from ops.simulate.answer.reasons import reasons
from ops.simulate.cluster.pools import Purchase

FULL = "all available instance types exceed limits for nodepool (NodePool={})"
NODES = "node limits have been exhausted for nodepool (NodePool=embed-spot)"
SMALL = (
    "no instance type has enough resources, requirements=karpenter.sh/capacity-type In [spot], "
    "karpenter.sh/nodepool In [chat-spot], kubernetes.io/arch In [amd64], "
    'resources={"cpu":"64","memory":"16Gi","nvidia.com/gpu":"1","pods":"1"}'
)
ELSE = "incompatible requirements, key modelyard.dev/pool, modelyard.dev/pool In [chat] not in modelyard.dev/pool In [general]"


def test_a_limit_is_named_with_its_amount_and_the_setting_that_binds(asked: tuple[Purchase, ...]) -> None:
    message = "Failed to schedule pod, " + "; ".join([FULL.format("chat-spot"), FULL.format("chat-on-demand"), ELSE])
    assert reasons(message, asked, "chat") == [
        "chat-spot: no room is left under its limit of 10 nvidia.com/gpu (gpuPools.chat.limits.monthlyUsd)",
        "chat-on-demand: no room is left under its limit of 4 nvidia.com/gpu (gpuPools.chat.limits.monthlyUsd)",
    ]
    assert reasons(NODES, asked, "embed") == [
        "embed-spot: no room is left under its limit of 4 nodes (gpuPools.embed.limits.gpus)"
    ]


def test_a_pool_that_the_pod_does_not_ask_for_is_left_out_however_full(asked: tuple[Purchase, ...]) -> None:
    message = "; ".join([FULL.format("tune-reserved"), SMALL])
    assert [reason.partition(":")[0] for reason in reasons(message, asked, "chat")] == ["chat-spot"]
    assert [reason.partition(":")[0] for reason in reasons(message, asked)] == ["tune-reserved", "chat-spot"]


def test_a_pod_that_is_too_large_is_told_what_it_asks_for(asked: tuple[Purchase, ...]) -> None:
    found = reasons(SMALL, asked, "chat")[0]
    assert found.startswith("chat-spot: no instance type has enough resources: the pod asks for")
    assert '"cpu":"64"' in found


def test_words_that_name_no_nodepool_are_given_as_they_are(asked: tuple[Purchase, ...]) -> None:
    assert reasons(f"Failed to schedule pod, {ELSE}", asked, "chat") == [ELSE]


def test_without_spot_the_nodepools_that_karpenter_passes_over_are_named(asked: tuple[Purchase, ...]) -> None:
    found = reasons(FULL.format("chat-on-demand"), asked, "chat", spot=False)
    assert [each[:30] for each in found] == ["chat-spot: no spot is to be ha", "chat-on-demand: no room is lef"]
    assert reasons(ELSE, asked, "embed", spot=False) == ["embed-spot: no spot is to be had"]


def test_silence_is_said_to_be_silence(asked: tuple[Purchase, ...]) -> None:
    assert reasons("", asked, "chat") == ["Karpenter said nothing about it"]
