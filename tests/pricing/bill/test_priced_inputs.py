"""An input that is called priced changes the bill, and where it is not known the bill is no smaller for it."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest

from pricing.bill import inputs
from pricing.bill.estimate import Estimate, estimate
from pricing.bill.inputs import REGION, Kind
from pricing.book.book import PriceBook
from pricing.items.graph import UNKNOWN, Graph
from pricing.items.usage import Usage
from tests.pricing import variations, variations_kept
from tests.pricing.variations import Case, Resources

BOOK = PriceBook.embedded("us-east-1")
CASES = [*variations.CASES, *variations_kept.CASES]
LISTS = (*variations.LISTS, *variations_kept.LISTS)
TODAY = datetime.date(2026, 11, 24)


def _bill(resources: Resources) -> Estimate:
    graph = Graph.of(
        {"urn": f"urn:{place}", "type": token, "name": f"r{place}", "inputs": given}
        for place, (token, given) in enumerate(resources)
    )
    return estimate(graph, BOOK, TODAY, Usage())


def _changed(case: Case, value: Any) -> Resources:
    token, resources, path, _ = case
    found = copy.deepcopy(resources)
    (subject,) = (given for each, given in found if each == token)
    _set(subject, path.split("."), value)
    return found


def _set(within: dict[str, Any], path: list[str], value: Any) -> None:
    key, *rest = path
    if not rest:
        within[key] = value
        return
    inner = within.setdefault(key, [{}] if key in LISTS else {})
    _set(inner[0] if isinstance(inner, list) else inner, rest, value)


def _id(case: Case) -> str:
    return f"{case[0]} {case[2]}"


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_another_value_of_a_priced_input_changes_the_bill(case: Case) -> None:
    before, after = _bill(case[1]), _bill(_changed(case, case[3]))
    assert before.totals.complete or after.totals.complete, before.totals.unpriced
    assert before.items != after.items


@pytest.mark.parametrize("case", CASES, ids=_id)
def test_a_priced_input_that_is_not_known_never_makes_a_bill_smaller(case: Case) -> None:
    unknown = _bill(_changed(case, UNKNOWN)).totals
    others = [_bill(case[1]).totals, _bill(_changed(case, case[3])).totals]
    known = [other.maximum for other in others if other.complete]
    assert known and (not unknown.complete or unknown.maximum >= max(known))


@pytest.mark.parametrize("token", sorted(inputs.tables()))
def test_every_priced_input_has_such_a_case(token: str) -> None:
    priced = {path for path, each in inputs.tables()[token].inputs.items() if each.kind is Kind.PRICED} - {REGION}
    assert priced == {path for each, _, path, _ in CASES if each == token}
