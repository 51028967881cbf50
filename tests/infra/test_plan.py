"""What a component says that it costs, and what the graph that it declares costs, are the same for every stack."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from core.problem import Refused
from infra import plan as planning
from infra.build import build
from infra.declared import as_graph, declare
from infra.guard import guard
from infra.plan import hold, plan
from infra.stack.stack import Stack
from policies.guard.ceilings import Bounds
from policies.guard.deployed import Deployed
from pricing.bill.estimate import estimate
from pricing.book.book import PriceBook
from pricing.items.cost import CostItem
from tests.roots import ROOT

TODAY = datetime.date(2026, 11, 24)
STACKS = sorted(path.name.split(".")[1] for path in ROOT.glob("Pulumi.*.yaml"))
EXISTING = {"vpcId": "vpc-0000000000000e001", "privateSubnetIds": ["subnet-a", "subnet-b"]}
RESERVED: dict[str, Any] = {
    "purpose": "training",
    "capacity": "reserved",
    "instanceTypes": ["p5.48xlarge"],
    "nodes": 2,
    "reservation": "cr-0abc1234def567890",
    "zones": ["a"],
}


def _pool(**changed: Any) -> dict[str, Any]:
    happy = {"purpose": "serving", "instanceTypes": ["g6.xlarge", "g6.12xlarge"], "limits": {"gpus": 9}}
    return {**happy, "onDemandFallback": {"gpus": 2}, **changed}


VARIANTS: dict[str, dict[str, Any]] = {
    "one NAT gateway, endpoints": {"network": {"cidr": "10.0.0.0/16", "endpoints": "private"}},
    "a gateway in each of three zones": {
        "network": {"cidr": "10.0.0.0/16", "nat": "perZone", "zones": ["a", "b", "c"], "flowLogDays": 365}
    },
    "dearer and cheaper system nodes": {
        "cluster": {
            "access": {"reach": "ssmTunnel"},
            "systemNodes": {"instanceTypes": ["m7g.large", "m7g.xlarge"], "size": 4, "diskGb": 77},
        }
    },
    "use of one's own": {
        "usage": {
            "natGb": 5,
            "peakPercent": 150,
            "poolPercent": 35,
            "updateHours": 0,
            "each": {"nat-a.natGb": 900, "gpu-pool-chat.poolPercent": 90, "cluster.logGb": 3},
        }
    },
    "a block": {"gpuPools": {"tune": {**RESERVED, "reservationKind": "capacityBlock"}}},
    "a reservation": {"gpuPools": {"tune": RESERVED}},
    "a budget that acts": {
        "budget": {
            "monthlyUsd": 5000,
            "watch": {"topic": "money", "payerAccount": True, "activateTags": True, "action": {"roles": ["ci"]}},
        }
    },
    "alerts to a topic": {
        "monitoring": {
            "alerts": {
                "receivers": {
                    "topic": {"kind": "sns", "topicArn": "arn:aws:sns:us-east-1:123456789012:alerts"},
                },
                "everybody": {"critical": "topic", "warning": "topic"},
            }
        }
    },
    "no pools": {"gpuPools": {}},
    "time slices": {
        "gpuPools": {
            "p": _pool(
                sharing={"mode": "timeSlicing", "replicas": 4}, limits={"gpus": 18}, onDemandFallback={"gpus": 6}
            )
        }
    },
    "limits of nodes and GPUs": {
        "gpuPools": {"p": _pool(capacity="onDemand", limits={"gpus": 9, "nodes": 8}, onDemandFallback=None)}
    },
    "batch on Bottlerocket": {"gpuPools": {"p": _pool(purpose="batch", amiFamily="Bottlerocket", diskGb=333)}},
    "on demand": {"gpuPools": {"p": _pool(capacity="onDemand", onDemandFallback=None)}},
    "no registry": {"registry": None},
    "a registry that is reached from outside": {
        "registry": {
            "exposure": "internal",
            "outside": {
                "host": "registry.example.com",
                "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b",
                "allowedCidrs": ["10.20.0.0/16"],
            },
        }
    },
    "a registry of its own size": {
        "registry": {"database": {"instanceClass": "db.m6g.xlarge", "multiAz": True, "logDays": 90}}
    },
    "a burstable database with a standby": {
        "registry": {"database": {"instanceClass": "db.t4g.small", "multiAz": True, "maxStorageGb": 22}}
    },
    "general pool on AL2023": {
        "generalPool": {"amiFamily": "AL2023", "instanceTypes": ["c7g.xlarge", "r7g.2xlarge"], "limits": {"vcpus": 21}}
    },
}

for _change in VARIANTS.values():
    if _change.keys() & {"gpuPools", "registry"}:
        # Dev's release names a pool and a model of dev's own.
        _change.setdefault("releases", [])


def _stack(name: str, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Stack:
    config = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())["config"]
    platform = copy.deepcopy(config["modelyard:platform"])
    change(platform)
    return Stack.of(platform, config.get("aws:region", ""))


def _lines(items: tuple[CostItem, ...]) -> list[tuple[object, ...]]:
    amounts = sorted(items, key=lambda item: (item.component, item.role))
    return [(item.component, item.role, item.minimum, item.expected, item.maximum) for item in amounts]


def _agrees(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    everything = Bounds(stack="dev", environment="dev", budget=Decimal(10**9), ceiling=Decimal(10**9))
    monkeypatch.setattr(planning.Plan, "bounds", lambda *_, **__: everything)
    planned = plan(stack, guard())
    resources = declare(lambda: build(plan(stack, guard())), project="modelyard", stack="dev")
    graph = as_graph(resources)
    estimated = estimate(graph, PriceBook.embedded(stack.region), datetime.date.today())
    assert planned.totals.complete
    assert _lines(planned.items) == _lines(estimated.items)
    assert len({(item.component, item.role) for item in planned.items}) == len(planned.items)
    components = [node for node in graph.nodes if node.type.startswith("modelyard:index:") and node.name != "platform"]
    named = [f"{component.type.rpartition(':')[2]}::{component.name}" for component in components]
    assert planned.components() == sorted(named)


@pytest.mark.parametrize("name", STACKS)
def test_spec_and_graph_agree_line_by_line_for_every_stack(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _agrees(_stack(name), monkeypatch)


@pytest.mark.parametrize("variant", VARIANTS)
def test_spec_and_graph_agree_line_by_line_for_what_no_stack_has_yet(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _agrees(_stack("dev", lambda platform: platform.update(VARIANTS[variant])), monkeypatch)


def test_the_plan_of_every_stack_fits_its_budget() -> None:
    for name in STACKS:
        planned = plan(_stack(name), guard(), TODAY)
        assert list(hold(planned, planned.bounds(TODAY, stack=name))) is not None
        assert planned.totals.maximum <= planned.stack.settings.budget.monthly_usd


def _bounds(budget: str, **changed: Any) -> Bounds:
    return Bounds(stack="dev", environment="dev", budget=Decimal(budget), ceiling=Decimal(90000), **changed)


def test_the_last_budget_that_holds_and_the_first_that_does_not() -> None:
    planned = plan(_stack("dev"), guard(), TODAY)
    exact = planned.totals.maximum
    assert list(hold(planned, _bounds(str(exact)))) != []
    with pytest.raises(Refused, match="can cost more than the budget allows"):
        hold(planned, _bounds(str(exact - Decimal("0.01"))))


def test_a_warning_comes_from_the_stated_share_on() -> None:
    planned = plan(_stack("dev"), guard(), TODAY)
    most = planned.totals.maximum
    assert [problem.summary for problem in hold(planned, _bounds(str(most * 100 / 80)))] == [
        "80 % of the budget is planned"
    ]
    assert list(hold(planned, _bounds(str(most * 100 / 80 + 1)))) == []


def test_what_costs_no_more_than_what_is_deployed_is_warned_of_and_not_blocked() -> None:
    planned = plan(_stack("dev"), guard(), TODAY)
    most = planned.totals.maximum
    (warning,) = hold(planned, _bounds("100", deployed=Deployed(maximum=most)))
    assert "not more expensive than what is deployed" in warning.summary
    with pytest.raises(Refused):
        hold(planned, _bounds("100", deployed=Deployed(maximum=most - Decimal("0.000001"))))


def test_a_use_of_something_that_is_not_in_the_bill_is_refused() -> None:
    stack = _stack("dev", lambda platform: platform.update(usage={"each": {"nat-z.natGb": 5}}))
    with pytest.raises(Refused, match=r"no item of the bill with this name is paid by use") as caught:
        plan(stack, guard())
    assert caught.value.problems[0].where == "usage.each.nat-z.natGb"


def test_a_pool_without_a_price_makes_the_whole_bill_undetermined() -> None:
    stack = _stack(
        "dev",
        lambda platform: platform["gpuPools"]["chat"].update(
            instanceTypes=["p5e.48xlarge"], limits={"gpus": 16}, onDemandFallback={"gpus": 8}
        ),
    )
    planned = plan(stack, guard(), TODAY)
    assert not planned.totals.complete
    with pytest.raises(Refused, match="budget-undetermined"):
        hold(planned, _bounds("90000"))
