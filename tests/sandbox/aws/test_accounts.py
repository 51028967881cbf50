"""What kind of account may make what: a member is refused what only the account that pays may have, as AWS refuses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.cloud import AwsCloud
from sandbox.aws.rules.accounts import Account, makers
from sandbox.aws.table import table
from sandbox.items import ItemStore
from sandbox.provider import CloudError
from tests.infra.everything import CACHE

MONITOR = "aws:costexplorer/anomalyMonitor:AnomalyMonitor"
TAG = "aws:costexplorer/costAllocationTag:CostAllocationTag"
ACTION = "aws:budgets/budgetAction:BudgetAction"
BY_TAG = {
    "name": "m",
    "monitorType": "CUSTOM",
    "monitorSpecification": json.dumps({"Tags": {"Key": "Platform", "Values": ["p"]}}),
}
BY_SERVICE = {"name": "m", "monitorType": "DIMENSIONAL", "monitorDimension": "SERVICE"}
BY_ACCOUNT = {**BY_SERVICE, "monitorDimension": "LINKED_ACCOUNT"}


def made(folder: Path, account: Account, token: str, inputs: dict[str, Any]) -> str:
    """What AWS says to the making of this by an account of this kind; empty when it makes it."""
    cloud = AwsCloud(ItemStore(folder / account), CACHE, "us-east-1", account)
    try:
        cloud.create(token, "x", inputs, preview=False)
    except CloudError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("token", "inputs", "said"),
    [
        (MONITOR, BY_TAG, "ValidationException: Linked accounts can only create AWS Services monitor"),
        (MONITOR, BY_ACCOUNT, "ValidationException: Linked accounts can only create AWS Services monitor"),
        (MONITOR, BY_SERVICE, ""),
        (TAG, {"tagKey": "Platform", "status": "Active"}, "Linked account doesn't have access to cost allocation tags"),
        ("aws:budgets/budget:Budget", {"name": "b", "budgetType": "COST", "timeUnit": "MONTHLY"}, ""),
    ],
)
def test_a_member_is_refused_what_only_a_payer_may_make(
    tmp_path: Path, token: str, inputs: dict[str, Any], said: str
) -> None:
    answer = made(tmp_path, Account.MEMBER, token, inputs)
    assert said in answer
    assert bool(said) is bool(answer)
    assert made(tmp_path, Account.MANAGEMENT, token, inputs) == made(tmp_path, Account.STANDALONE, token, inputs) == ""


def test_a_preview_is_refused_nothing_that_only_a_create_would_be(tmp_path: Path) -> None:
    AwsCloud(ItemStore(tmp_path), CACHE, "us-east-1").create(MONITOR, "x", BY_TAG, preview=True)


def test_service_control_policies_are_for_the_management_account_alone() -> None:
    lets = makers()[ACTION].lets
    assert [lets(account, {"actionType": "APPLY_SCP_POLICY"}) for account in Account] == [False, True, False]
    assert all(lets(account, {"actionType": "APPLY_IAM_POLICY"}) for account in Account)


def test_every_type_that_is_simulated_has_a_maker() -> None:
    assert set(table()) - set(makers()) == set()
