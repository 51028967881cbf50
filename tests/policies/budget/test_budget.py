"""The budget pack's rules on the graph of a whole stack, replayed as the engine registers it: happy, then one thing broken."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any

import pytest

from infra.declared import as_graph, declare
from infra.guard import GUARD
from infra.loaded import LoadedStack
from infra.program import make
from policies.evaluate import Evaluator, Verdict
from policies.graph import PLATFORM, UNKNOWN, Node
from policies.guard.file import load
from policies.guard.model import BudgetExemption, Exemption, Guard
from policies.packs import rules
from tests.roots import ROOT

TODAY = datetime.date.today()
STACK = "dev"
PROVIDER = Node(urn="urn:aws", type="pulumi:providers:aws", name="aws", inputs={"region": "us-east-1"})


@cache
def _nodes(stack: str = STACK) -> tuple[Node, ...]:
    return as_graph(
        declare(make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack)
    ).nodes


def _put(inputs: Any, path: tuple[str | int, ...], value: Any) -> Any:
    if not path:
        return value
    step, *rest = path
    if isinstance(step, int):
        return tuple(_put(each, tuple(rest), value) if place == step else each for place, each in enumerate(inputs))
    inner = inputs.get(step) if isinstance(inputs, Mapping) else None
    return MappingProxyType({**(inputs or {}), step: _put(inner, tuple(rest), value)})


def changed(name: str, token: str, path: tuple[str | int, ...], value: Any) -> tuple[Node, ...]:
    """The stack with one property of one resource changed."""
    nodes = [node for node in _nodes() if node.name == name and node.type.endswith(token)]
    assert len(nodes) == 1
    return tuple(
        dataclasses.replace(node, inputs=_put(node.inputs, path, value)) if node is nodes[0] else node
        for node in _nodes()
    )


def judged(nodes: tuple[Node, ...], guard: Guard | None = None, provider: Node = PROVIDER) -> list[Verdict]:
    held = guard or load(GUARD)
    judge = Evaluator(rules("budget"), lambda: held, TODAY)
    return [verdict for node in nodes for verdict in judge.resource(node, provider)]


def refused(verdicts: list[Verdict]) -> set[str]:
    return {f"{verdict.rule.name} {verdict.urn.rpartition('::')[2]}" for verdict in verdicts}


@pytest.mark.parametrize("stack", ["dev", "local", "prod"])
def test_a_whole_stack_passes(stack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELYARD_DEPLOYED_NOTHING", "true")
    assert judged(_nodes(stack)) == []


def test_packs_that_were_told_nothing_refuse_where_the_guard_file_bounds_the_step() -> None:
    assert refused(judged(_nodes("prod"))) == {"budget-ceiling platform"}


PLAN = ("platform", "Platform")
SYSTEM = ("system", "NodeGroup")
BROKEN: dict[str, tuple[tuple[str, str], tuple[str | int, ...], Any, str]] = {
    "a total too small": (PLAN, ("bill", "maximumUsd"), "1.000000", "budget-undetermined platform"),
    "an unknown total": (PLAN, ("bill", "maximumUsd"), UNKNOWN, "budget-undetermined platform"),
    "an unknown bill": (PLAN, ("bill",), UNKNOWN, "budget-undetermined platform"),
    "an infinite line": (PLAN, ("bill", "items", 0, "maximumUsd"), "Infinity", "budget-undetermined platform"),
    "a number that is none": (PLAN, ("bill", "items", 0, "maximumUsd"), "many", "budget-undetermined platform"),
    "a line out of order": (PLAN, ("bill", "items", 0, "minimumUsd"), "9999", "budget-undetermined platform"),
    "a line for nothing": (PLAN, ("bill", "items", 0, "component"), UNKNOWN, "budget-undetermined platform"),
    "a budget that nobody knows": (PLAN, ("budget",), UNKNOWN, "budget-ceiling platform"),
    "an environment without a ceiling": (PLAN, ("environment",), "mine", "budget-ceiling platform"),
    "an unknown environment": (PLAN, ("environment",), UNKNOWN, "budget-ceiling platform"),
    "an unknown list of components": (PLAN, ("components",), UNKNOWN, "resources-in-plan vpc"),
    "use that cannot be": (PLAN, ("usage", "natGb"), -5, "resources-as-counted nat-a"),
    "more use than was counted": (PLAN, ("usage", "natGb"), 101, "resources-as-counted nat-a"),
    "one more node": (SYSTEM, ("scalingConfig", "maxSize"), 3, "resources-as-counted system"),
    "a dearer type": (SYSTEM, ("instanceTypes",), ("m7g.xlarge",), "resources-as-counted system"),
    "an unknown type": (SYSTEM, ("instanceTypes",), UNKNOWN, "resources-as-counted system"),
    "a larger disk": (
        ("system-nodes", "LaunchTemplate"),
        ("blockDeviceMappings", 0, "ebs", "volumeSize"),
        51,
        "resources-as-counted system",
    ),
    "a pool of one more GPU": (
        ("chat-spot", "NodePool"),
        ("spec", "limits", "nvidia.com/gpu"),
        "2",
        "resources-as-counted chat-spot",
    ),
    "a pool without limits": (("chat-spot", "NodePool"), ("spec", "limits"), None, "resources-as-counted chat-spot"),
    "larger disks of a pool": (
        ("chat", "EC2NodeClass"),
        ("spec", "blockDeviceMappings", 0, "ebs", "volumeSize"),
        "201Gi",
        "resources-as-counted chat-spot",
    ),
    "a VPC of dedicated machines": (
        ("vpc", "Vpc"),
        ("instanceTenancy",),
        "dedicated",
        "resources-as-counted vpc",
    ),
    "a template of dedicated machines": (
        ("system-nodes", "LaunchTemplate"),
        ("placement",),
        MappingProxyType({"tenancy": "dedicated"}),
        "resources-as-counted system-nodes",
    ),
    "a cluster in Auto Mode": (
        ("cluster", "cluster:Cluster"),
        ("computeConfig",),
        MappingProxyType({"enabled": True}),
        "resources-as-counted cluster",
    ),
    "logs kept for longer": (("flow-logs", "LogGroup"), ("retentionInDays",), 31, "resources-as-counted flow-logs"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_one_thing_broken_is_refused_at_its_place(case: str) -> None:
    (name, token), path, value, expected = BROKEN[case]
    verdicts = judged(changed(name, token, path, value))
    assert expected in refused(verdicts)
    assert all(verdict.level.value == "mandatory" and verdict.problem.fix for verdict in verdicts)


def test_smaller_than_counted_passes() -> None:
    assert (
        judged(changed("chat", "EC2NodeClass", ("spec", "blockDeviceMappings", 0, "ebs", "volumeSize"), "199Gi")) == []
    )


def _twin(name: str, token: str, **changed: Any) -> tuple[Node, ...]:
    (first,) = [node for node in _nodes() if node.name == name and node.type.endswith(token)]
    return (*_nodes(), dataclasses.replace(first, urn=f"{first.urn}-2", name="second", **changed))


def test_a_second_template_for_the_same_nodes_is_refused() -> None:
    for name, token in (("chat", "EC2NodeClass"), ("system-nodes", "LaunchTemplate")):
        rules_ = {"resources-in-plan", "resources-as-counted"}
        assert refused(judged(_twin(name, token))) == {f"{rule} {name}-2" for rule in rules_}


def test_a_pool_or_a_template_of_nodes_outside_its_component_is_refused() -> None:
    network = next(node.urn for node in _nodes() if node.name == "network")
    for name, token in (("chat", "EC2NodeClass"), ("system-nodes", "LaunchTemplate"), ("chat-spot", "NodePool")):
        assert any(each.startswith("resources-in-plan") for each in refused(judged(_twin(name, token, parent=network))))


def test_without_a_plan_nothing_is_let_pass() -> None:
    alone = tuple(node for node in _nodes() if node.type != PLATFORM)
    found = refused(judged(alone))
    custom = [node for node in alone if not node.type.startswith("pulumi:")]
    assert {f"resources-in-plan {node.name}" for node in custom} <= found


@pytest.mark.parametrize("region", ["us-west-2", None, UNKNOWN])
def test_a_provider_of_another_or_no_known_region_is_refused(region: Any) -> None:
    elsewhere = dataclasses.replace(PROVIDER, inputs={"region": region})
    assert "priced-region vpc" in refused(judged(_nodes(), provider=elsewhere))


OUTSIDE = "urn:pulumi:local::modelyard::modelyard:index:Platform"


def _outside(token: str, **inputs: Any) -> tuple[Node, ...]:
    """The local stack with one more resource, in one of its components."""
    storage = next(node.urn for node in _nodes("local") if node.name == "storage")
    more = Node(urn=f"{OUTSIDE}$Storage${token}::more", type=token, name="more", parent=storage, inputs=inputs)
    return (*_nodes("local"), more)


def test_a_plan_without_aws_lets_nothing_of_aws_pass() -> None:
    for token in ("aws:iam/role:Role", "aws:ec2/natGateway:NatGateway"):
        for provider in (PROVIDER, dataclasses.replace(PROVIDER, inputs={})):
            assert "priced-region more" in refused(judged(_outside(token), provider=provider)), token


def test_a_plan_whose_region_was_taken_away_is_not_that_of_a_stack_without_aws() -> None:
    without = MappingProxyType({key: value for key, value in _inputs("platform").items() if key != "region"})
    nodes = tuple(dataclasses.replace(n, inputs=without) if n.type == PLATFORM else n for n in _nodes())
    found = refused(judged(nodes))
    assert {"priced-region vpc", "priced-region cluster", "priced-region system"} <= found
    assert "resources-as-counted chat-spot" in found


def test_on_a_cluster_of_ones_own_volumes_are_not_counted_and_machines_of_aws_cannot_be() -> None:
    spec = {"resources": {"requests": {"storage": "50Gi"}}}
    assert judged(_outside("kubernetes:core/v1:PersistentVolumeClaim", spec=spec)) == []
    assert refused(judged(_outside("kubernetes:karpenter.sh/v1:NodePool", spec={}))) == {
        "resources-in-plan more",
        "resources-as-counted more",
    }


def test_the_ceiling_of_local_is_nothing_and_a_budget_above_it_is_refused() -> None:
    assert load(GUARD).max_monthly_usd["local"] == 0
    richer = tuple(
        dataclasses.replace(n, inputs=_put(n.inputs, ("budget", "monthlyUsd"), "0.01")) if n.type == PLATFORM else n
        for n in _nodes("local")
    )
    assert refused(judged(richer)) == {"budget-ceiling platform"}


def _inputs(name: str) -> Mapping[str, Any]:
    return next(node.inputs for node in _nodes() if node.name == name)


def _guard(ceiling: str, **changed: Any) -> Guard:
    ceilings = {"dev": Decimal(ceiling)}
    return Guard(max_monthly_usd=ceilings, required_tags=("Owner",), stacks={"dev": "dev"}, **changed)


def _room(amount: str, expires: datetime.date) -> tuple[BudgetExemption, ...]:
    return (BudgetExemption(environment="dev", monthly_usd=Decimal(amount), owner="a", reason="b", expires=expires),)


def test_the_last_ceiling_that_holds_and_the_first_that_does_not() -> None:
    budget = next(node for node in _nodes() if node.type == PLATFORM).read("budget", "monthlyUsd")
    assert judged(_nodes(), _guard(str(budget))) == []
    below = str(Decimal(str(budget)) - Decimal("0.01"))
    assert refused(judged(_nodes(), _guard(below))) == {"budget-ceiling platform"}


@pytest.mark.parametrize(("amount", "days", "lets"), [("5000", 0, True), ("5000", -1, False), ("4999", 0, False)])
def test_an_exemption_ends_with_its_day_and_its_amount(amount: str, days: int, lets: bool) -> None:
    guard = _guard("100", budget_exemptions=_room(amount, TODAY + datetime.timedelta(days=days)))
    assert (judged(_nodes(), guard) == []) is lets


def test_an_exemption_of_a_resource_does_not_lift_a_ceiling() -> None:
    exemption = Exemption(
        rule="budget-ceiling",
        resource=f"{PLATFORM}::platform",
        environments=("dev",),
        owner="a",
        reason="b",
        expires=TODAY,
    )
    assert refused(judged(_nodes(), _guard("100", exemptions=(exemption,)))) == {"budget-ceiling platform"}


def test_what_is_deployed_may_stay_when_whoever_starts_the_engine_says_what_it_costs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = changed("platform", "Platform", ("budget", "monthlyUsd"), "100")
    most = str(next(node for node in nodes if node.type == PLATFORM).read("bill", "maximumUsd"))
    for deployed, lets in ((most, True), (str(Decimal(most) - Decimal("0.01")), False), ("nonsense", False)):
        monkeypatch.setenv("MODELYARD_DEPLOYED_MAXIMUM_USD", deployed)
        assert (judged(nodes) == []) is lets
