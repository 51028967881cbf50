"""Attacks on what is taken for deployed: amounts that the judged program itself made up."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path
from typing import Any

from policies.guard.baseline import baseline, first_deployment
from policies.guard.ceilings import step_refused
from policies.guard.deployed import MAXIMUM_VARIABLE, NOTHING_VARIABLE, PARTS_VARIABLE, Deployed
from policies.guard.model import Guard
from pricing.items.usage import Usage
from tests.attacks.attack import Attack, Harmless, Kind
from tests.policies.states import NETWORK, STACK, deployed_stack, resource

DAY = datetime.date(2026, 11, 24)
GUARD = Guard(
    max_monthly_usd={"prod": Decimal(90000)},
    required_tags=(),
    stacks={"dev": "prod"},
    max_increase_usd={"prod": Decimal(30000)},
    max_increase_percent={"prod": Decimal(50)},
)
PLANNED = Decimal(60000)
"""USD a month; far above one NAT gateway and half as much again."""
STEP, UNTOLD = "more than the guard file allows for one step", "nobody knows how much dearer"
Inflate = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


def _judged(there: Deployed) -> Collection[str]:
    refused = step_refused(PLANNED, there, GUARD.most_after("dev", there, DAY))
    return [each.summary for each in refused]


def _priced(inflate: Inflate, planned: Usage | None = None) -> Callable[[Path], Collection[str]]:
    def tried(_: Path) -> Collection[str]:
        state = {"resources": inflate(deployed_stack())}
        return _judged(baseline(state, stack="dev", guard=GUARD, today=DAY, planned=planned or Usage()).deployed)

    return tried


def _told(**variables: str) -> Callable[[Path], Collection[str]]:
    return lambda _: _judged(Deployed.of_variables(variables))


def _outputs(**cost: Any) -> Inflate:
    def inflate(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**resources[0], "outputs": {"cost": cost}}, *resources[1:]]

    return inflate


def _platform(**inputs: Any) -> Inflate:
    return lambda _: deployed_stack(**inputs)


def _more(token: str, inputs: dict[str, Any], **more: Any) -> Inflate:
    return lambda resources: [*resources, resource(token, "raw", NETWORK, inputs, **more)]


GROUP = {
    "clusterName": "c",
    "nodeRoleArn": "arn:aws:iam::000000000000:role/nodes",
    "instanceTypes": ["p5.48xlarge"],
    "subnetIds": ["subnet-a"],
    "scalingConfig": {"minSize": 9, "desiredSize": 9, "maxSize": 9},
    "capacityType": "ON_DEMAND",
    "diskSize": 50,
}


def _emptied(_: Path) -> Collection[str]:
    history = [{"kind": "destroy", "result": "succeeded"}, {"kind": "update", "result": "succeeded"}]
    found = baseline(
        {"resources": [{"urn": STACK, "type": "pulumi:pulumi:Stack"}]}, stack="dev", guard=GUARD, today=DAY
    )
    return _judged(Deployed() if first_deployment(history) else found.deployed)


def _above_the_ceiling(_: Path) -> Collection[str]:
    low = Guard(max_monthly_usd={"prod": Decimal(20)}, required_tags=(), stacks={"dev": "prod"})
    found = baseline({"resources": deployed_stack()}, stack="dev", guard=low, today=DAY).deployed
    return ["the ceiling"] if found.maximum == 20 else []


def _attack(name: str, tried: Callable[[Path], Collection[str]], stopped_by: str = STEP) -> Attack:
    return Attack(kind=Kind.BASELINE, name=name, stopped_by=stopped_by, tried=tried)


ATTACKS = (
    _attack("the program exports a cost that it does not have", _priced(_outputs(maximumUsd="60000"))),
    _attack(
        "the program exports a cost with parts", _priced(_outputs(maximumUsd="60000", parts={"pools": {"a": "1"}}))
    ),
    _attack("the registered plan has a bill of any amount", _priced(_platform(bill={"maximumUsd": "60000"}))),
    _attack("the registered plan states a use that nobody has", _priced(_platform(usage={"natGb": 1_000_000}))),
    _attack("the registered plan says that it is another region", _priced(_platform(region="sa-east-1"))),
    _attack(
        "a component's outputs hold an amount",
        _priced(lambda all_: [{**each, "outputs": {"maximumUsd": 60000}} for each in all_]),
    ),
    _attack(
        "a resource that is gone stands in the state to be deleted",
        _priced(_more("aws:eks/nodeGroup:NodeGroup", GROUP, delete=True)),
    ),
    _attack(
        "a resource that is only read counts as deployed",
        _priced(_more("aws:eks/nodeGroup:NodeGroup", GROUP, external=True)),
    ),
    _attack("a type without a price makes room", _priced(_more("aws:sagemaker/endpoint:Endpoint", {"price": 60000}))),
    _attack("an input without a price makes room", _priced(_more("aws:eks/nodeGroup:NodeGroup", {**GROUP, "raw": 1}))),
    _attack(
        "a second provider hides the region",
        _priced(_more("pulumi:providers:aws", {"region": "eu-central-1"})),
        UNTOLD,
    ),
    _attack("the state has no provider of AWS", _priced(lambda _: deployed_stack(region=None)), UNTOLD),
    _attack("two resources of the state have one URN", _priced(lambda all_: [*all_, all_[-1]]), UNTOLD),
    _attack("the registered plan states a use below zero", _priced(_platform(usage={"natGb": -1})), UNTOLD),
    _attack("everything is deleted, and the next run calls itself the first", _emptied),
    _attack("what is deployed is above a ceiling that was lowered", _above_the_ceiling, "the ceiling"),
    _attack("the packs are started without a word of what is deployed", _told(), UNTOLD),
    _attack("the packs are told an amount that is none", _told(**{MAXIMUM_VARIABLE: "NaN"}), UNTOLD),
    _attack("the packs are told an amount without end", _told(**{MAXIMUM_VARIABLE: "Infinity"}), UNTOLD),
    _attack("the packs are told an amount below zero", _told(**{MAXIMUM_VARIABLE: "-1"}), UNTOLD),
    _attack("the packs are told parts alone", _told(**{PARTS_VARIABLE: "{}"}), UNTOLD),
    _attack(
        "the packs are told that nothing is deployed, and an amount",
        _told(**{NOTHING_VARIABLE: "1", MAXIMUM_VARIABLE: "60000"}),
        UNTOLD,
    ),
    _attack(
        "the packs are told parts that are no map",
        _told(**{MAXIMUM_VARIABLE: "60000", PARTS_VARIABLE: json.dumps({"pools": 1})}),
        UNTOLD,
    ),
)

HARMLESS = (
    Harmless(
        kind=Kind.BASELINE,
        name="the packs are told an amount from which the step is allowed",
        tried=_told(**{MAXIMUM_VARIABLE: "40000"}),
    ),
    Harmless(
        kind=Kind.BASELINE,
        name="nodes that are deployed make room for their step",
        tried=_priced(_more("aws:eks/nodeGroup:NodeGroup", GROUP)),
    ),
    Harmless(kind=Kind.BASELINE, name="a first deployment takes any step", tried=_told(**{NOTHING_VARIABLE: "true"})),
)
