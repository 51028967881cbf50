"""The budget that AWS watches: the amount that the gates hold, an alert for each share, a brake no wider than it says."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import parliament  # type: ignore[import-untyped]
import pytest
import yaml

from core.problem import Problem, Refused
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from tests.roots import ROOT

DEV: dict[str, Any] = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())["config"]["modelyard:platform"]
BUDGET, ACTION = "aws:budgets/budget:Budget", "aws:budgets/budgetAction:BudgetAction"
SUBSCRIPTION = "aws:costexplorer/anomalySubscription:AnomalySubscription"
MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
TAG = "aws:costexplorer/costAllocationTag:CostAllocationTag"
ME = "ml-platform@example.com"
HERE = "arn:aws:sns:us-east-1:${aws#accountId}:money"


def platform(watch: Mapping[str, Any], **budget: Any) -> dict[str, Any]:
    return {**copy.deepcopy(DEV), "budget": {"monthlyUsd": 5000, **budget, "watch": {"emails": [ME], **watch}}}


def declared(asked: dict[str, Any]) -> list[Declared]:
    stack = Stack.of(asked, "us-east-1")
    stack = Stack(settings=stack.settings, aws=stack.aws, raw=stack.raw, pools=stack.pools, prompts=_prompts())
    return list(declare(lambda: build(plan(stack, guard())), project="modelyard", stack="dev").values())


def _prompts() -> Mapping[str, Any]:
    return Stack.read(StackFile.read(ROOT / "Pulumi.dev.yaml")).prompts


def of(found: list[Declared], token: str) -> list[dict[str, Any]]:
    return [declared.inputs for declared in found if f"{token}::" in declared.urn]


def refused(watch: Mapping[str, Any]) -> Problem:
    with pytest.raises(Refused) as caught:
        Stack.of(platform(watch), "us-east-1")
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("monthly", "limit"), [(4999.5, "4999.5"), (5000, "5000")], ids=["the stack file is stricter", "both are alike"]
)
def test_the_limit_in_aws_is_the_amount_that_the_gates_hold(monthly: float, limit: str) -> None:
    (budget,) = of(declared(platform({}, monthlyUsd=monthly)), BUDGET)
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == (limit, "USD", "MONTHLY")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:Platform$modelyard-dev"]}]


def test_what_the_budget_counts_by_is_a_tag_that_everything_carries() -> None:
    resources = declared(platform({}))
    (provider,) = (each for each in resources if "pulumi:providers:aws::" in each.urn)
    tags = provider.inputs["defaultTags"]
    assert (json.loads(tags) if isinstance(tags, str) else tags)["tags"]["Platform"] == "modelyard-dev"


def test_every_share_is_told_of_what_was_spent_and_of_the_forecast() -> None:
    (budget,) = of(declared(platform({})), BUDGET)
    told = [(notification["notificationType"], notification["threshold"]) for notification in budget["notifications"]]
    assert told == [(kind, share) for share in (50, 80, 100) for kind in ("ACTUAL", "FORECASTED")]
    assert {tuple(notification["subscriberEmailAddresses"]) for notification in budget["notifications"]} == {(ME,)}


def test_mail_goes_out_once_a_day_and_a_topic_is_told_at_once() -> None:
    resources = declared(platform({"topic": "money", "payerAccount": True}))
    said = {each["frequency"]: each["subscribers"] for each in of(resources, SUBSCRIPTION)}
    assert said == {
        "DAILY": [{"type": "EMAIL", "address": ME}],
        "IMMEDIATE": [{"type": "SNS", "address": HERE}],
    }
    assert of(resources, BUDGET)[0]["notifications"][0]["subscriberSnsTopicArns"] == [HERE]


def test_anomalies_are_looked_for_only_where_the_account_pays_its_own_bill() -> None:
    assert of(declared(platform({})), MONITOR) == of(declared(platform({})), SUBSCRIPTION) == []
    (monitor,) = of(declared(platform({"payerAccount": True})), MONITOR)
    assert json.loads(monitor["monitorSpecification"])["Tags"]["Values"] == ["modelyard-dev"]


@pytest.mark.parametrize(("said", "usd"), [({}, "100"), ({"anomalyUsd": 250}, "250")])
def test_an_anomaly_is_told_from_the_stated_amount_on(said: dict[str, Any], usd: str) -> None:
    (subscription,) = of(declared(platform({"payerAccount": True, **said})), SUBSCRIPTION)
    assert subscription["thresholdExpression"]["dimension"]["values"] == [usd]


@pytest.mark.parametrize("said", [{"activateTags": True}, {"anomalyUsd": 100}])
def test_what_only_a_payer_may_have_is_refused_where_the_stack_does_not_say_that_it_is_one(
    said: dict[str, Any],
) -> None:
    problem = refused(said)
    assert problem.where == f"budget.watch.{next(iter(said))}"
    assert "payerAccount: true" in problem.fix
    assert Stack.of(platform({**said, "payerAccount": True}), "us-east-1").settings.budget.watch.payer_account


def test_without_anybody_to_tell_the_budget_stands_and_tells_nobody() -> None:
    resources = declared(platform({"emails": [], "payerAccount": True}))
    assert of(resources, BUDGET)[0]["notifications"] == []
    assert of(resources, SUBSCRIPTION) == []


def test_five_shares_fit_into_one_budget_and_a_sixth_does_not() -> None:
    (budget,) = of(declared(platform({"alertAtPercents": [10, 20, 30, 40, 50]})), BUDGET)
    assert len(budget["notifications"]) == 10
    assert refused({"alertAtPercents": [10, 20, 30, 40, 50, 60]}).where == "budget.watch.alertAtPercents"
    assert refused({"alertAtPercents": [50, 50]}).where.startswith("budget.watch")


def test_tags_are_activated_by_the_stack_that_says_so_and_stay_when_it_goes() -> None:
    assert of(declared(platform({})), TAG) == []
    keys = sorted(each["tagKey"] for each in of(declared(platform({"activateTags": True, "payerAccount": True})), TAG))
    assert keys == ["Environment", "ManagedBy", "Owner", "Platform"]


def test_nothing_acts_until_it_is_asked_for() -> None:
    assert of(declared(platform({})), ACTION) == []
    (action,) = of(declared(platform({"action": {}})), ACTION)
    assert (action["approvalModel"], action["actionThreshold"]["actionThresholdValue"]) == ("MANUAL", 100)
    (action,) = of(declared(platform({"action": {"automatic": True, "atPercent": 120, "roles": ["ci"]}})), ACTION)
    assert action["approvalModel"] == "AUTOMATIC"
    assert action["definition"]["iamActionDefinition"]["roles"] == ["ci", "modelyard-dev-karpenter"]


def test_the_action_may_put_one_policy_on_the_roles_it_holds_and_that_policy_only_denies() -> None:
    resources = declared(platform({"action": {}}))
    (role,) = (each.inputs for each in resources if each.urn.endswith("aws:iam/role:Role::budget-action"))
    (trust,) = json.loads(role["assumeRolePolicy"])["Statement"]
    assert trust["Principal"] == {"Service": "budgets.amazonaws.com"}
    assert trust["Condition"]["ArnLike"]["aws:SourceArn"].endswith(":budget/modelyard-dev")
    (may,) = (each.inputs for each in resources if each.urn.endswith("aws:iam/rolePolicy:RolePolicy::budget-action"))
    (statement,) = json.loads(may["policy"])["Statement"]
    assert statement["Action"] == ["iam:AttachRolePolicy", "iam:DetachRolePolicy"]
    assert statement["Resource"] == ["arn:aws:iam::${aws#accountId}:role/modelyard-dev-karpenter"]
    (stop,) = (each.inputs for each in resources if each.urn.endswith("aws:iam/policy:Policy::nothing-new"))
    assert statement["Condition"]["ArnEquals"]["iam:PolicyARN"].endswith(f":policy/{stop['name']}")
    assert {each["Effect"] for each in json.loads(stop["policy"])["Statement"]} == {"Deny"}
    for text in (may["policy"], stop["policy"]):
        known = text.replace("${aws#accountId}", "123456789012")
        findings = parliament.analyze_policy_string(known, include_community_auditors=False).findings
        assert [
            finding.issue for finding in findings if finding.issue not in ("RESOURCE_STAR", "RESOURCE_MISMATCH")
        ] == []


def test_an_action_that_nobody_hears_of_is_refused() -> None:
    problem = refused({"emails": [], "action": {}})
    assert problem.where == "budget.watch.action"
    assert "name emails or a topic" in problem.fix


def test_an_action_may_cost_something_as_nobody_knows_how_many_others_the_account_has() -> None:
    (item,) = (
        cost_item
        for cost_item in plan(Stack.of(platform({"action": {}}), "us-east-1"), guard()).items
        if cost_item.component == "budget"
    )
    assert item.minimum == item.expected == 0
    assert item.maximum is not None
    assert f"{item.maximum:.2f}" == "3.04"
