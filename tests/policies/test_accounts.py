"""A provider works in the account that the guard file names, and lists no other."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from infra.build import build
from infra.declared import declare
from infra.guard import guard as ours
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from policies.evaluate import Evaluator
from policies.guard.model import Guard
from policies.packs import rules
from pricing.items.graph import UNKNOWN, Graph
from tests.policies.copies import STACK_FILE

ACCOUNT, OTHER = "123456789012", "210987654321"
GUARD = Guard(max_monthly_usd={"dev": Decimal(1)}, required_tags=(), stacks={"dev": "dev"})
NAMED = Guard(max_monthly_usd={"dev": Decimal(1)}, required_tags=(), stacks={"dev": "dev"}, accounts={"dev": ACCOUNT})
PROVIDER = "pulumi:providers:aws"


def passes(guard: Guard, listed: Any) -> bool:
    inputs = {"region": "us-east-1", **({} if listed is None else {"allowedAccountIds": listed})}
    urn = f"urn:pulumi:dev::modelyard::{PROVIDER}::aws"
    (node,) = Graph.of([{"urn": urn, "type": PROVIDER, "name": "aws", "inputs": inputs}]).nodes
    (rule,) = [each for each in rules() if each.name == "provider-inputs"]
    return Evaluator([rule], lambda: guard, datetime.date(2026, 12, 1)).resource(node) == []


@pytest.mark.parametrize("listed", [[ACCOUNT], f'["{ACCOUNT}"]'])
def test_the_account_of_the_guard_file_passes_as_a_list_or_as_its_json_text(listed: Any) -> None:
    assert passes(NAMED, listed)


@pytest.mark.parametrize(
    "listed", [None, [], [OTHER], [ACCOUNT, OTHER], "[", "{}", ACCOUNT, UNKNOWN, [UNKNOWN], f'["{OTHER}"]']
)
def test_any_other_list_is_refused(listed: Any) -> None:
    assert not passes(NAMED, listed)


def test_without_an_account_in_the_guard_file_a_provider_lists_none() -> None:
    assert passes(GUARD, None)
    assert not passes(GUARD, [ACCOUNT])


def test_the_platforms_own_provider_lists_the_account_that_the_guard_file_names() -> None:

    stack = Stack.read(StackFile.read(STACK_FILE))
    for accounts, listed in (({}, None), ({"dev": ACCOUNT}, [ACCOUNT])):
        planned = plan(stack, replace(ours(), accounts=accounts))
        made = declare(lambda planned=planned: build(planned), project="modelyard", stack="dev")  # type: ignore[misc]
        (provider,) = [each for each in made.values() if each.token == PROVIDER]
        found = provider.inputs.get("allowedAccountIds")
        assert (found if not isinstance(found, str) else json.loads(found)) == listed
