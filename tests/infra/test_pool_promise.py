"""What app teams are promised of a pool is what its nodes announce, for every pool that a stack file can ask for."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from components.nodes.sharing import bottlerocket_settings, plugin_configs
from core.problem import Refused
from infra.build import pool_promise
from infra.stack.stack import Stack
from pricing.capacity.announced import AmiFamily, Plugin, Sharing, announced, plugin
from pricing.capacity.gpus import gpu_types


def stack(pool: dict[str, Any]) -> Stack:
    platform = {
        "environment": "dev",
        "cluster": {"access": {"reach": "ssmTunnel"}},
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 4000},
        "gpuPools": {"p": {"purpose": "batch", "capacity": "onDemand", **pool}},
    }
    return Stack.of(platform, "us-east-1")


def asked() -> Iterator[dict[str, Any]]:
    """Each GPU once, on each family, shared in each way, cut into each profile that it has."""
    by_gpu = {known.gpu_name: known for known in gpu_types().values() if known.whole_gpu}
    for known in by_gpu.values():
        for family in AmiFamily:
            ways: list[dict[str, Any]] = [{"mode": "none"}, {"mode": "timeSlicing", "replicas": 3}]
            ways += [{"mode": "mig", "profile": profile} for profile in known.mig_profiles]
            for sharing in ways:
                yield {
                    "instanceTypes": [known.name],
                    "amiFamily": family.value,
                    "sharing": sharing,
                    "limits": {"gpus": 2 * known.gpus + known.gpus // 2},
                    "efa": known.efa_interfaces > 0,
                }


def test_every_pool_that_is_accepted_promises_what_its_nodes_announce_and_the_rest_is_refused_by_name() -> None:
    accepted = refused = 0
    for pool in asked():
        try:
            made = stack(pool)
        except Refused as found:
            assert {problem.where for problem in found.problems} <= {
                "gpuPools.p.sharing.mode",
                "gpuPools.p.sharing.profile",
            }
            refused += 1
            continue
        accepted += 1
        spec = made.settings.gpu_pools["p"]
        node = announced(spec.ask(["a", "b"]).node(pool["instanceTypes"][0]))
        promised = pool_promise("p", made.pools["p"])
        assert promised["resource"] in node.resources
        assert promised["gpuMemoryMib"] == node.memory_mib
        assert promised["slicesPerGpu"] * node.gpus == node.resources[promised["resource"]]
        assert promised["memoryIsolated"] is (spec.sharing.mode is not Sharing.TIME_SLICING)
        assert promised["maxGpus"] == 2 * node.gpus
    assert accepted > 30 and refused > 30


@pytest.mark.parametrize("family", AmiFamily)
def test_the_plugin_of_each_family_is_told_to_keep_the_name_that_is_promised(family: AmiFamily) -> None:
    made = stack(
        {
            "instanceTypes": ["g6.xlarge"],
            "amiFamily": family.value,
            "sharing": {"mode": "timeSlicing", "replicas": 3},
            "limits": {"gpus": 2},
        }
    )
    spec = made.settings.gpu_pools["p"]
    if plugin(family) is Plugin.CHART:
        assert "renameByDefault: false" in plugin_configs({"p": spec.sharing})["p"]
    else:
        settings = tomllib.loads(str(bottlerocket_settings(spec.sharing, spec.instance_types)))
        nvidia = settings["settings"]["kubelet-device-plugins"]["nvidia"]
        assert nvidia["time-slicing"]["rename-by-default"] is False


def test_five_gigabytes_are_promised_of_an_a100_cut_in_seven_and_not_the_card() -> None:
    pool = {
        "instanceTypes": ["p4d.24xlarge"],
        "amiFamily": "Bottlerocket",
        "sharing": {"mode": "mig", "profile": "1g.5gb"},
        "limits": {"gpus": 12},
    }
    promised = pool_promise("p", stack(pool).pools["p"])
    assert (promised["gpuMemoryMib"], promised["slicesPerGpu"], promised["maxGpus"]) == (4864, 7, 8)
