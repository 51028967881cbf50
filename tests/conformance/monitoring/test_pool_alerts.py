"""promtool sees the alert of every kind of pool fire when whole nodes have filled it, and not one node before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alerts.rule import Example
from components.catalogue import alerts
from components.nodes.alerts.nodes import waiting
from components.nodes.nodepools import pool_name
from infra.stack.stack import Stack
from pricing.capacity.announced import GPU_RESOURCE, announced
from pricing.capacity.gpus import gpu_types
from pricing.capacity.pool import Share
from sandbox.programs import tools
from tests.components.monitoring.promtool import case, write_rules
from tests.roots import ROOT

pytestmark = pytest.mark.conformance
POOLS: dict[str, dict[str, Any]] = {
    "twelve GPUs on nodes of eight": {"instanceTypes": ["p5.48xlarge"], "limits": {"gpus": 12}},
    "sizes that differ": {"instanceTypes": ["g6.xlarge", "g6.12xlarge"], "limits": {"gpus": 9, "nodes": 8}},
    "two ways of buying": {
        "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
        "capacity": "spotFirst",
        "limits": {"gpus": 5},
        "onDemandFallback": {"gpus": 2},
    },
    "slices of time": {
        "instanceTypes": ["g6.xlarge", "g6.12xlarge"],
        "limits": {"gpus": 9},
        "sharing": {"mode": "timeSlicing", "replicas": 4},
    },
    "slices of MIG": {
        "instanceTypes": ["p4d.24xlarge"],
        "limits": {"gpus": 20},
        "amiFamily": "Bottlerocket",
        "sharing": {"mode": "mig", "profile": "1g.5gb"},
    },
    "a reservation": {
        "instanceTypes": ["p5.48xlarge"],
        "capacity": "reserved",
        "nodes": 2,
        "reservation": "cr-0abc1234def567890",
    },
}

ACCESS: dict[str, Any] = {"cluster": {"access": {"reach": "ssmTunnel"}}}


def series(stack: Stack, short_of: int) -> dict[str, str]:
    """What Karpenter exports of pool p when its first NodePool has `short_of` nodes fewer than fill it."""
    spec = stack.settings.gpu_pools["p"]
    largest = max(spec.instance_types, key=lambda name: gpu_types()[name].gpus)
    node = announced(spec.ask(["a", "b"]).node(largest))
    found = waiting("assistant-0")
    for place, share in enumerate(stack.pools["p"].shares):
        sizes = _nodes(share, sorted({gpu_types()[name].gpus for name in spec.instance_types}, reverse=True))
        there = sizes[: len(sizes) - short_of] if place == 0 else sizes
        used = {GPU_RESOURCE: sum(there) * node.per_gpu, "nodes": len(there)}
        for what, amounts in (("limit", dict(share.limits())), ("usage", used if there else {})):
            for resource, amount in amounts.items():
                labels = f'nodepool="{pool_name("p", share.buying)}",resource_type="{resource}"'
                found[f"karpenter_nodepools_{what}{{{labels}}}"] = f"{amount}x150"
    return found


def _nodes(share: Share, sizes: list[int]) -> list[int]:
    """GPUs of the nodes that fill a NodePool, the largest first."""
    found: list[int] = []
    for size in sizes:
        while sum(found) + size <= share.gpus and (share.nodes is None or len(found) < share.nodes):
            found.append(size)
    return found


@pytest.mark.parametrize("name", POOLS)
def test_the_alert_of_a_full_pool_fires_and_one_node_before_it_does_not(name: str, tmp_path: Path) -> None:
    pool = {"purpose": "batch", "capacity": "onDemand", **POOLS[name]}
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 4000},
        **ACCESS,
        "gpuPools": {"p": pool},
    }
    stack = Stack.of(platform, "us-east-1")
    alert = next(each for each in alerts() if each.name == "GpuPoolAtLimit")
    says = "pool p has 100% of what its limits allow and pods wait for GPUs"
    full = Example(series=series(stack, 0), labels={"pool": "p"}, summary=says)
    nearly = Example(series=series(stack, 1))
    rules = write_rules(tmp_path)
    document = {
        "rule_files": [path.name for path in rules],
        "evaluation_interval": "1m",
        "tests": [case(alert, full), case(alert, nearly)],
    }
    (tmp_path / "pool.test.yaml").write_text(yaml.safe_dump(document, width=1000))
    promtool = tools.ensure(ROOT, ["promtool"], lambda line: print(line, file=sys.stderr))["promtool"]
    command: list[str | Path] = [promtool, "test", "rules", "pool.test.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
