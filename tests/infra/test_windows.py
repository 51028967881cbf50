"""Whether every NodePool that a stack declares keeps what its pool's window promises."""

from __future__ import annotations

import pytest

from infra.declared import declare
from infra.loaded import LoadedStack
from infra.program import make
from tests.roots import ROOT

STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
BINDING = {"Drifted", "Underutilized"}


@pytest.mark.parametrize("stack", STACKS)
def test_no_declared_node_ends_by_a_way_that_no_budget_binds(stack: str) -> None:
    values = declare(
        make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack
    ).values()
    pools = {
        declared.name: declared.inputs["spec"]
        for declared in values
        if declared.token == "kubernetes:karpenter.sh/v1:NodePool"
    }
    assert bool(pools) == (stack != "local")
    for name, spec in pools.items():
        assert spec["template"]["spec"]["expireAfter"] == "Never", name
        bound = [set(budget["reasons"]) for budget in spec["disruption"]["budgets"]]
        assert any(reasons >= BINDING for reasons in bound), f"{name}: nothing binds {BINDING}"
