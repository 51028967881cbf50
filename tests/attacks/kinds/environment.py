"""Attacks on what a stack says of itself: its environment decides its ceiling, its steps, its rules and its exemptions."""

from __future__ import annotations

import copy
import datetime
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from core.problem import Refused
from infra.plan import hold, plan
from infra.stack.stack import Stack
from policies.guard.deployed import Deployed
from policies.guard.file import load
from policies.guard.model import BudgetExemption, Exemption, Guard
from tests.attacks.attack import Attack, Harmless, Kind
from tests.attacks.rules import node, refusals
from tests.roots import ROOT

DAY = datetime.date(2026, 11, 24)
GUARD = Guard(
    max_monthly_usd={"local": Decimal(0), "dev": Decimal(5000), "prod": Decimal(90000)},
    required_tags=("Owner",),
    stacks={"local": "local", "dev": "dev", "prod": "prod"},
)
ABOVE, MISNAMED = "above the ceiling", "another environment than the guard file says"
Change = Callable[[dict[str, Any]], None]


def _stack(
    file: str, called: str, change: Change = lambda _: None, guard: Guard = GUARD
) -> Callable[[Path], Collection[str]]:
    """The stack file of one of our stacks, changed, deployed under another name."""

    def tried(_: Path) -> Collection[str]:
        config = copy.deepcopy(yaml.safe_load((ROOT / f"Pulumi.{file}.yaml").read_text())["config"])
        config["modelyard:platform"]["releases"] = []
        change(config["modelyard:platform"])
        planned = plan(Stack.of(config["modelyard:platform"], config.get("aws:region", "")), guard, DAY)
        try:
            hold(planned, planned.bounds(DAY, stack=called, deployed=Deployed()))
        except Refused as refused:
            return [each.summary for each in refused.problems]
        return []

    return tried


def _says(environment: str, usd: int | None = None) -> Change:
    def change(platform: dict[str, Any]) -> None:
        platform["environment"] = environment
        if usd is not None:
            platform["budget"]["monthlyUsd"] = usd

    return change


def _rule(inputs: Mapping[str, Any], called: str, guard: Guard = GUARD) -> Callable[[Path], Collection[str]]:
    """A workload in a stack of a name, behind a plan that calls itself dev."""

    def tried(_: Path) -> Collection[str]:
        platform = node("modelyard:index:Platform", {"environment": "dev"}, name="platform", stack=called)
        workload = node("kubernetes:apps/v1:Deployment", inputs, under=platform.urn, stack=called)
        return refusals([platform, workload], pack="security", guard=guard)

    return tried


def _guarded(text: str) -> Callable[[Path], Collection[str]]:
    def tried(folder: Path) -> Collection[str]:
        file = folder / "guard.yaml"
        file.write_text(f"maxMonthlyUsd: {{ dev: 1, prod: 2 }}\nrequiredTags: [Owner]\n{text}\n")
        try:
            load(file)
        except Refused as refused:
            return [each.text() for each in refused.problems]
        return []

    return tried


POD = {
    "metadata": {"name": "it", "namespace": "team"},
    "spec": {"template": {"spec": {"containers": [{"name": "it", "image": "registry.example.com/it:1.2.3"}]}}},
}
EXEMPT = Exemption(
    rule="digests-known",
    resource="kubernetes:apps/v1:Deployment::it",
    environments=("prod", "dev"),
    owner="a",
    reason="b",
    expires=DAY,
)
ROOM = BudgetExemption(environment="prod", monthly_usd=Decimal(99999), owner="a", reason="b", expires=DAY)


def _bounded(called: str) -> Callable[[Path], Collection[str]]:
    guard = Guard(
        max_monthly_usd=GUARD.max_monthly_usd,
        required_tags=(),
        stacks=GUARD.stacks,
        max_increase_usd={"prod": Decimal(1)},
    )
    return lambda _: ["bounded"] if guard.most_after(called, Deployed(maximum=Decimal(5)), DAY) == 6 else []


def _attack(name: str, tried: Callable[[Path], Collection[str]], stopped_by: str) -> Attack:
    return Attack(kind=Kind.ENVIRONMENT, name=name, stopped_by=stopped_by, tried=tried)


ATTACKS = (
    _attack("prod calls itself dev, which has fewer rules", _stack("prod", "prod", _says("dev")), MISNAMED),
    _attack("dev calls itself prod, whose ceiling is higher", _stack("dev", "dev", _says("prod", 90000)), ABOVE),
    _attack("dev calls itself prod with a budget of its own", _stack("dev", "dev", _says("prod")), MISNAMED),
    _attack("a new stack calls itself prod", _stack("prod", "mine"), ABOVE),
    _attack("a new stack calls itself dev", _stack("dev", "mine"), ABOVE),
    _attack("a stack's name only begins like a listed one", _stack("prod", "prod-2"), ABOVE),
    _attack("a stack's name is a listed one in capitals", _stack("prod", "PROD"), ABOVE),
    _attack("a stack's name is a listed one with a space", _stack("prod", "prod "), ABOVE),
    _attack("local stands in AWS", _stack("dev", "local", _says("dev")), ABOVE),
    _attack(
        "an exemption of prod lifts the ceiling of a stack that is not listed",
        _stack(
            "prod",
            "mine",
            guard=Guard(max_monthly_usd=GUARD.max_monthly_usd, required_tags=(), budget_exemptions=(ROOM,)),
        ),
        ABOVE,
    ),
    _attack("a stack that is not listed escapes the step of one run", _bounded("mine"), "bounded"),
    _attack("a plan that says dev loses a rule of prod", _rule(POD, "prod"), "digests-known"),
    _attack("a stack that is not listed loses a rule of prod", _rule(POD, "mine"), "digests-known"),
    _attack(
        "an exemption is used by a stack that is not listed",
        _rule(POD, "mine", Guard(max_monthly_usd={"prod": Decimal(1)}, required_tags=(), exemptions=(EXEMPT,))),
        "digests-known",
    ),
    _attack(
        "the guard file lists a stack as an environment that it does not know",
        _guarded("stacks: { prod: production }"),
        "stacks.prod",
    ),
    _attack("the guard file lists a stack twice", _guarded("stacks: { prod: prod, prod: dev }"), "twice"),
    _attack("the guard file's list is none", _guarded("stacks: [prod]"), "a map of names"),
    _attack("the guard file's list is misspelt", _guarded("stack: { prod: prod }"), "unknown key"),
)

HARMLESS = (
    Harmless(kind=Kind.ENVIRONMENT, name="prod is what the guard file says", tried=_stack("prod", "prod")),
    Harmless(kind=Kind.ENVIRONMENT, name="dev is what the guard file says", tried=_stack("dev", "dev")),
    Harmless(kind=Kind.ENVIRONMENT, name="a stack that is not listed and costs nothing", tried=_stack("local", "mine")),
    Harmless(
        kind=Kind.ENVIRONMENT,
        name="dev has no rule of prod",
        tried=lambda folder: {"digests-known"} & set(_rule(POD, "dev")(folder)),
    ),
)
