"""A GPU pool says what cannot work, with the field and the fix."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from components.nodes.device_plugin import plugin_values
from components.nodes.gpu_pool import GpuPoolSpec
from components.nodes.sharing import SharingSpec, bottlerocket_settings, plugin_configs
from components.spec import Invalid
from core.problem import Refused
from core.versions import CHARTS
from infra.stack.stack import Stack
from kube.charts import check_values

HAPPY: dict[str, Any] = {
    "purpose": "serving",
    "instanceTypes": ["g6.xlarge", "g6.2xlarge"],
    "limits": {"gpus": 2},
    "onDemandFallback": {"gpus": 1},
}


def refused(**changes: Any) -> list[tuple[str, str]]:
    pool = {key: value for key, value in {**HAPPY, **changes}.items() if value is not None}
    platform = {
        "environment": "dev",
        "owner": "ml-platform",
        "budget": {"monthlyUsd": 4000},
        "cluster": {"access": {"reach": "ssmTunnel"}},
        "gpuPools": {"chat": pool},
    }
    try:
        Stack.of(platform, "us-east-1")
    except Refused as caught:
        return [(problem.where.removeprefix("gpuPools.chat."), problem.text()) for problem in caught.problems]
    return []


def test_the_happy_pool_is_accepted() -> None:
    assert refused() == []


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"instanceTypes": ["m7g.large"]}, "instanceTypes[0]", "has no GPU"),
        ({"instanceTypes": ["g6.xlarg"]}, "instanceTypes[0]", "did you mean g6.xlarge"),
        ({"instanceTypes": ["g6f.xlarge"]}, "instanceTypes[0]", "whole"),
        ({"instanceTypes": []}, "instanceTypes", "at least 1"),
        ({"instanceTypes": ["g6.xlarge", "g6e.xlarge"]}, "instanceTypes", "different memory"),
        ({"efa": True}, "efa", "g6.xlarge"),
        ({"limits": {"gpus": 1}}, "onDemandFallback.gpus", ""),
        ({"limits": {}}, "limits", "nothing limits this pool"),
        ({"limits": {"monthlyUsd": 1}}, "limits.monthlyUsd", ""),
        ({"onDemandFallback": None}, "onDemandFallback.gpus", "fall back"),
        (
            {"capacity": "spot", "onDemandFallback": None, "zones": ["a"], "instanceTypes": ["g6.xlarge"]},
            "instanceTypes",
            "one",
        ),
        ({"zones": ["c"]}, "zones", "the network does not have"),
        ({"capacity": "reserved"}, "", "names no reservation"),
        ({"reservation": "cr-0abc1234def567890"}, "", "does not use"),
        ({"sharing": {"mode": "mig", "profile": "1g.10gb"}}, "", "amiFamily: Bottlerocket"),
        ({"sharing": {"mode": "timeSlicing"}}, "sharing", "needs them"),
        ({"sharing": {"replicas": 4}}, "sharing", "needs them"),
    ],
)
def test_a_pool_that_cannot_work_is_refused(changes: dict[str, Any], where: str, says: str) -> None:
    found = refused(**changes)
    assert any(place.startswith(where) and says in text for place, text in found), found


def test_mig_is_taken_where_bottlerocket_and_the_gpu_can_do_it() -> None:
    mig = {"mode": "mig", "profile": "1g.10gb"}
    p5 = {"instanceTypes": ["p5.48xlarge"], "amiFamily": "Bottlerocket", "sharing": mig, "limits": {"nodes": 2}}
    assert refused(**p5, capacity="onDemand", onDemandFallback=None) == []
    assert refused(**{**p5, "instanceTypes": ["g6.xlarge"]}, capacity="onDemand", onDemandFallback=None) != []


@pytest.mark.parametrize("profile", ["4g.40gb", "1g.10gb+me", "1g.5gb"])
def test_mig_is_refused_where_nobody_knows_what_the_node_would_announce(profile: str) -> None:
    mig = {"mode": "mig", "profile": profile}
    p5 = {"instanceTypes": ["p5.48xlarge"], "amiFamily": "Bottlerocket", "sharing": mig, "limits": {"nodes": 2}}
    (found,) = refused(**p5, capacity="onDemand", onDemandFallback=None)
    assert found[0] == "sharing.profile" and "1g.10gb, 1g.20gb" in found[1]


def test_local_disks_are_joined_only_when_every_type_has_some() -> None:
    assert GpuPoolSpec.model_validate(HAPPY).local_disks
    assert not GpuPoolSpec.model_validate(
        {**HAPPY, "instanceTypes": ["p6-b200.48xlarge", "g6.xlarge", "p3.2xlarge"]}
    ).local_disks


def test_a_spec_refuses_with_parts_that_survive_pydantic() -> None:
    with pytest.raises(ValidationError) as caught:
        SharingSpec.model_validate({"mode": "timeSlicing"})
    raised = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(raised, Invalid)
    assert raised.problems[0].where == "replicas"


def test_bottlerocket_settings_are_toml_with_the_asked_sharing() -> None:
    sliced = tomllib.loads(
        str(bottlerocket_settings(SharingSpec.model_validate({"mode": "timeSlicing", "replicas": 4}), []))
    )
    nvidia = sliced["settings"]["kubelet-device-plugins"]["nvidia"]
    assert nvidia["device-sharing-strategy"] == "time-slicing"
    # Bottlerocket's default renames slices to nvidia.com/gpu.shared, and no pod of the pool would ever land.
    assert nvidia["time-slicing"] == {
        "replicas": 4,
        "rename-by-default": False,
        "fail-requests-greater-than-one": True,
    }
    mig = SharingSpec.model_validate({"mode": "mig", "profile": "1g.10gb"})
    cut = tomllib.loads(str(bottlerocket_settings(mig, ["p5.48xlarge"])))
    assert cut["settings"]["kubelet-device-plugins"]["nvidia"]["mig"]["profile"] == {"h100.80gb": "1g.10gb"}
    assert bottlerocket_settings(SharingSpec(), ["g6.xlarge"]) is None


def test_the_device_plugin_has_a_configuration_for_each_pool_that_slices_and_its_chart_knows_every_value() -> None:
    sharing = {"plain": SharingSpec(), "sliced": SharingSpec.model_validate({"mode": "timeSlicing", "replicas": 4})}
    configs = plugin_configs(sharing)
    assert sorted(configs) == ["default", "sliced"]
    sliced = yaml.safe_load(configs["sliced"])["sharing"]["timeSlicing"]
    assert sliced["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}] and sliced["renameByDefault"] is False
    chart = CHARTS["nvidia-device-plugin"]
    assert check_values(chart.name, chart.version, plugin_values(sharing)) == []
