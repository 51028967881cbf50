"""The facts about Karpenter's permissions are those of the pinned Go module: what its code calls, and what is off by default."""

from __future__ import annotations

import re

import pytest
import yaml

from core.versions import CRD_MODULES
from sandbox.kubernetes.real import crds
from tests.components.test_permissions import NOT_CALLED, facts

pytestmark = pytest.mark.conformance

SOURCE = CRD_MODULES["karpenter-crd"]
SERVICES = {"arczonalshift": "arc-zonal-shift", "timestreamwrite": "timestream"}
"""What IAM calls a service where it is not what Go's package is called."""


def test_the_controller_calls_what_the_facts_say() -> None:
    told = facts("karpenter")["calls"]
    text = (crds.fetched(SOURCE) / told["file"]).read_text(encoding="utf-8")
    calls = re.findall(r"^\t(\w+)\([^)]*\*(\w+)\.\w+Input", text, re.MULTILINE)
    assert len(calls) > 30
    assert sorted(f"{SERVICES.get(service, service)}:{name}" for name, service in calls) == told["actions"]


def test_what_is_not_called_here_is_called_by_no_controller_or_is_off() -> None:
    folder = crds.fetched(SOURCE)
    code = [
        path for path in (folder / "pkg").rglob("*.go") if not path.stem.endswith("_test") and "fake" not in path.parts
    ]
    callers = {
        action: [path.relative_to(folder).as_posix() for path in code if f".{action.partition(':')[2]}(ctx" in path.read_text()]
        for action in NOT_CALLED
    }  # fmt: skip
    assert callers.pop("arc-zonal-shift:GetManagedResource") != []
    assert callers.pop("sqs:SendMessage") == ["pkg/providers/sqs/sqs.go"]
    assert callers == {"iam:GetRole": [], "timestream:WriteRecords": []}
    values = yaml.safe_load((folder / "charts" / "karpenter" / "values.yaml").read_text(encoding="utf-8"))
    assert values["settings"]["enableZonalShift"] is False
