"""What an account of AWS would refuse is refused by the simulated one at the first `up`, in AWS's words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from components.cluster import addons
from core.problem import ExitCode
from ops import commands
from ops.worlds import sandbox

pytestmark = pytest.mark.engine

Make = Callable[..., Any]
SMALL = Path(__file__).with_name("stacks") / "existing-cluster.yaml"
MONITOR, TAG = "aws:costexplorer/anomalyMonitor:AnomalyMonitor", "aws:costexplorer/costAllocationTag:CostAllocationTag"


def test_a_policy_that_aws_does_not_have_ends_the_first_up_of_dev(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = "arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicyV2"
    monkeypatch.setitem(addons.ROLES, "aws-ebs-csi-driver", ("ebs-csi-controller-sa", wrong))
    here = replace(stage("dev"), packs=())
    found = here.run(commands.up, ExitCode.FAILED).events
    said = "\n".join(error.message for error in found.errors)
    assert f"NoSuchEntity: Policy {wrong} does not exist or is not attachable." in said
    made = {item.id for item in here.made()}
    assert "modelyard-dev-aws-ebs-csi-driver" in made
    assert not [id for id in made if id.endswith(":aws-ebs-csi-driver")]


def test_an_account_that_another_one_pays_for_gets_no_monitor_by_tag(
    stage: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"budget.watch.payerAccount": True, "budget.watch.activateTags": True}
    here = stage("dev", SMALL).edited(asked, tmp_path / "Pulumi.existing-cluster.yaml")
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sandbox, "account_kind", lambda _: "member")
        found = here.run(commands.up, ExitCode.FAILED).events
    assert "Linked accounts can only create AWS Services monitor" in "\n".join(error.message for error in found.errors)
    assert not {MONITOR, TAG} & {item.type for item in here.made()}
    here.run(commands.up)
    assert {MONITOR, TAG} <= {item.type for item in here.made()}
