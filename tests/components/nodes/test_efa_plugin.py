"""EFA's device plugin: where it runs, and when it is there."""

from __future__ import annotations

from typing import Any

import pytest

from components.nodes.efa_plugin import daemon_set
from components.nodes.nodepools import EFA_LABEL, gpu_labels
from infra.declared import declare
from infra.loaded import LoadedStack
from infra.program import make
from kube.objects import check_object
from tests.roots import ROOT

DAEMON_SET = "kubernetes:apps/v1:DaemonSet"


def test_it_is_an_object_that_the_api_takes() -> None:
    happy: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "a"}}
    assert check_object({**happy, "spec": daemon_set()}) == []
    assert check_object({**happy, "spec": {**daemon_set(), "selektor": {}}}) != []


def test_it_runs_on_nodes_with_the_label_that_only_pools_with_efa_carry() -> None:
    (label,) = daemon_set()["template"]["spec"]["nodeSelector"].items()
    assert label in gpu_labels(has_plugin=True, plugin_config="default", efa=True).items()
    assert EFA_LABEL not in gpu_labels(has_plugin=True, plugin_config="default", efa=False)


@pytest.mark.parametrize(("stack", "there"), [("dev", False), ("prod", True)])
def test_only_a_stack_with_such_a_pool_has_it(stack: str, there: bool) -> None:
    declared = declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack)
    assert any(each.token == DAEMON_SET for each in declared.values()) is there
