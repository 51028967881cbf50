"""The two steps of a first `up` whose cluster only its VPC reaches, and the way back: nothing hangs half deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from components.cluster.component import Cluster
from core.problem import ExitCode
from ops import commands
from sandbox.kubernetes.door import FILE

pytestmark = pytest.mark.engine

RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SMALL: dict[str, Any] = {"monitoring.enabled": False, "registry": None, "releases": [], "gpuPools": {}}

RUNNER = {**SMALL, "cluster.access": {"reach": "vpcRunner", "allowedCidrs": ["10.20.0.0/18"]}}


def stand(here: Any, address: str) -> None:
    """Puts the simulated deployer somewhere."""
    world = here.root / ".sandbox" / here.stack / "world"
    world.mkdir(parents=True, exist_ok=True)
    (world / FILE).write_text(json.dumps({"address": address}))


def kinds(here: Any, package: str) -> set[str]:
    return {item.type for item in here.made() if item.package == package}


def test_a_runner_in_the_vpc_finishes_what_the_first_step_has_begun_and_alone_can_take_it_down(
    stage: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = stage("dev").edited(RUNNER, tmp_path / "runner.yaml")
    stand(here, "198.51.100.7")

    stopped = here.run(commands.up, ExitCode.FAILED)
    said = [each for run in here.show.outcomes for each in run.events.violations]
    assert [each.message for each in said if each.policy == "network-paths"] == []
    assert all("cluster is unreachable" in error.message for error in stopped.events.errors if error.urn)
    assert {"aws:eks/nodeGroup:NodeGroup", "aws:eks/addon:Addon", RULE} <= kinds(here, "aws")
    assert kinds(here, "kubernetes") == set()
    heard = capsys.readouterr()
    told = " ".join((heard.out + heard.err).split())
    assert "step 1 of 2 is done" in told
    assert "run the same `up` on a runner that stands in 10.20.0.0/18" in told
    assert "(private-a)" in told

    stand(here, "10.20.1.5")
    here.run(commands.up)
    assert kinds(here, "kubernetes")
    made = len(here.made())

    stand(here, "198.51.100.7")
    here.run(commands.destroy, ExitCode.FAILED)
    assert len(here.made()) == made

    stand(here, "10.20.1.5")
    here.run(commands.destroy)
    assert kinds(here, "aws") == {"aws:kms/key:Key"}
    assert kinds(here, "kubernetes") == set()


def test_without_the_rule_that_lets_the_runner_in_the_packs_refuse_the_stack_before_anything_is_made(
    stage: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "_way_in", lambda _: [])
    here = stage("dev").edited(RUNNER, tmp_path / "runner.yaml")
    (refusal,) = here.run(commands.up, ExitCode.REFUSED).events.mandatory
    assert "no rule of the security group lets deployer in 10.20.0.0/18 in on tcp 443" in refusal.message
    assert here.made() == []
