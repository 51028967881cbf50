"""One DCGM engine a node: whoever does not run it connects to it, or does not look for it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.nodes.gpu_engine import GpuEngine, agent_values, engine, exporter_environment
from components.nodes.nodepools import GPU_TAINT
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.stack import Stack
from pricing.capacity.gpus import gpu_types
from tests.roots import ROOT

AMD64 = sorted(name for name, known in gpu_types().items() if known.architecture == "amd64")
ARM64 = sorted(name for name, known in gpu_types().items() if known.architecture == "arm64")


def engines(of: GpuEngine) -> tuple[bool, bool, bool]:
    """Whether the agent's engine runs on a tainted node, whether the exporter runs one, and whether the agent looks for one."""
    agent = agent_values(of)
    tolerations = agent["dcgmAgent"].get("tolerations", [])
    runs = agent["dcgmAgent"].get("enabled", True) and any(toleration["key"] == GPU_TAINT for toleration in tolerations)
    looks = agent.get("nodeAgent", {}).get("monitors", {}).get("nvidia", {}).get("enabled", True)
    remote = any(each["name"] == "DCGM_REMOTE_HOSTENGINE_INFO" for each in exporter_environment(of))
    return runs, not remote, looks


@pytest.mark.parametrize("of", GpuEngine)
def test_exactly_one_engine_runs_and_the_agent_looks_only_where_it_is_its_own(of: GpuEngine) -> None:
    agents, exporters, looks = engines(of)
    assert agents is not exporters
    assert looks is agents, "an agent that misses its engine calls the node broken, and Karpenter replaces it"


@given(st.lists(st.sampled_from([*AMD64, *ARM64]), max_size=5), st.booleans())
def test_the_agents_engine_is_chosen_only_where_it_is_built_for_every_node(types: list[str], agent: bool) -> None:
    expected = agent and not set(types) & set(ARM64)
    assert (engine(types, agent=agent) is GpuEngine.AGENT) is expected


def test_there_are_gpus_of_both_architectures_to_choose_for() -> None:
    assert "g6.xlarge" in AMD64 and "g5g.xlarge" in ARM64


def test_the_exporter_asks_the_node_that_it_runs_on() -> None:
    address, remote = exporter_environment(GpuEngine.AGENT)
    assert address["valueFrom"]["fieldRef"]["fieldPath"] == "status.hostIP"
    assert remote["value"] == f"$({address['name']}):5555"


def declared(types: list[str], **cluster: Any) -> dict[str, Declared]:
    platform = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["modelyard:platform"]
    pool = {**platform["gpuPools"]["chat"], "instanceTypes": types}
    platform = {**platform, "gpuPools": {"chat": pool}, "registry": None, "releases": []}
    stack = Stack.of(platform, "us-east-1")
    values = declare(lambda: build(plan(stack, guard())), project="modelyard", stack="dev").values()
    return {each.name: each for each in values if each.token.endswith((":Addon", ":Release"))}


@pytest.mark.parametrize(("types", "of"), [(["g6.xlarge"], GpuEngine.AGENT), (["g5g.xlarge"], GpuEngine.EXPORTER)])
def test_a_stack_tells_the_agent_and_the_exporter_the_same(types: list[str], of: GpuEngine) -> None:
    resources = declared(types)
    said = json.loads(resources["eks-node-monitoring-agent"].inputs["configurationValues"])
    assert said == agent_values(of)
    assert resources["dcgm-exporter"].inputs["values"].get("extraEnv", []) == exporter_environment(of)
