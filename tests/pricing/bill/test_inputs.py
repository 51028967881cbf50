"""The classification of inputs: complete against the published schemas, and nothing that is set passes in silence."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pricing.bill import inputs
from pricing.bill.estimate import estimate
from pricing.bill.free import FREE
from pricing.bill.input_docs import PAGE, page
from pricing.bill.priced import CLASSIFIED, PRICED
from pricing.book.book import PriceBook
from pricing.items.graph import UNKNOWN, Graph
from pricing.items.usage import Usage
from tests.pricing.published import aws_inputs, unclassified, unpublished

TOKEN = "aws:ec2/eip:Eip"
TABLE = inputs.read(
    TOKEN,
    {
        "priced": ["size", "disk.gib"],
        "free": {"no charge": ["tags", "disk.name"]},
        "unpriced": {
            "disk.speed": "it has a price of its own",
            "tenancy": {"costs": "dedicated hosts cost more", "unless": ["default"]},
            "fast": {"costs": "it is paid by use", "unless": [False]},
        },
    },
)


def _said(**given: Any) -> str:
    (node,) = Graph.of([{"urn": "u", "type": TOKEN, "name": "n", "inputs": given}]).nodes
    return " | ".join(TABLE.findings(node, "us-east-1"))


@pytest.mark.parametrize("token", sorted(CLASSIFIED))
def test_every_input_of_what_decides_a_price_is_classified_once_and_exists(token: str) -> None:
    table = inputs.tables().get(token)
    assert table is not None, f"nobody has classified the inputs of {token}"
    if token.startswith("aws:"):
        published = aws_inputs(token)
        assert not unclassified(table, published)
        assert not unpublished(table, published)


@pytest.mark.parametrize("token", sorted(FREE))
def test_every_free_type_says_of_its_inputs_that_they_cost_nothing(token: str) -> None:
    assert token in inputs.tables()
    assert not (inputs.tables()[token].rest and token in PRICED)


def test_what_is_not_listed_is_free_only_where_the_table_says_so_of_the_rest() -> None:
    (node,) = Graph.of([{"urn": "u", "type": TOKEN, "name": "n", "inputs": {"other": 1, "dear": {"a": 1}}}]).nodes
    said = {"unpriced": {"dear.a": "it is paid"}}
    assert inputs.read(TOKEN, {**said, "rest": "no charge"}).findings(node, "us-east-1") == (
        "its input dear.a is not priced: it is paid",
    )
    assert len(inputs.read(TOKEN, said).findings(node, "us-east-1")) == 2


@pytest.mark.parametrize("token", sorted(inputs.tables()))
def test_a_table_says_why_and_names_only_what_is_published(token: str) -> None:
    table = inputs.tables()[token]
    assert all(each.why for each in table.inputs.values() if each.kind is not inputs.Kind.PRICED)
    if token.startswith("aws:"):
        assert not unclassified(table, aws_inputs(token))
        assert not unpublished(table, aws_inputs(token))


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"size": 1, "tags": {"a": "b"}, "disk": {"gib": 4, "name": "x"}, "region": "us-east-1"},
        {"tenancy": "default", "fast": False, "disk": [{"gib": UNKNOWN}, {"speed": None}]},
        {"tenancy": ["default", "default"], "__defaults": ["fast"], "tags": UNKNOWN},
    ],
)
def test_what_is_priced_or_free_or_harmless_is_no_finding(given: dict[str, Any]) -> None:
    assert not _said(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tenancy": "dedicated"}, "its input tenancy is not priced: dedicated hosts cost more"),
        ({"tenancy": UNKNOWN}, "its input tenancy is not known: dedicated"),
        ({"tenancy": ["default", "host"]}, "its input tenancy"),
        ({"fast": True}, "its input fast"),
        ({"fast": 0}, "its input fast"),
        ({"disk": {"speed": 1}}, "its input disk.speed"),
        ({"disk": [{"gib": 1}, {"speed": 1}]}, "its input disk.speed"),
        ({"disk": UNKNOWN}, "its input disk is not known"),
        ({"disk": [UNKNOWN]}, "its input disk is not known"),
        ({"new": False}, "nobody has said what its input new costs"),
        ({"disk": {"speed": False}}, "its input disk.speed"),
        ({"new": 1}, "nobody has said what its input new costs"),
        ({"disk": {"new": 1}}, "nobody has said what its input disk.new costs"),
        ({"region": "eu-west-1"}, "its input region names another region"),
        ({"region": UNKNOWN}, "its input region names another region"),
    ],
)
def test_what_is_set_and_not_read_is_a_finding_with_its_name(given: dict[str, Any], said: str) -> None:
    assert said in _said(**given)


def test_a_finding_never_repeats_a_value() -> None:
    assert "hunter2" not in _said(tenancy="hunter2", new="hunter2", region="hunter2")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"prized": []}, "a table has free, priced, rest, unpriced, not prized"),
        ({"priced": ["size"], "free": {"x": ["size"]}}, "classified twice: size"),
        ({"unpriced": {"size": {"costs": "x"}}}, "size says what it costs"),
        ({"unpriced": {"size": {"costs": "x", "unless": False}}}, "size says what it costs"),
    ],
)
def test_a_table_that_says_something_twice_or_wrongly_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        inputs.read(TOKEN, said)


def test_the_page_of_inputs_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m pricing.bill.input_docs`"


def test_an_input_without_a_price_makes_the_whole_line_unpriced() -> None:
    graph = Graph.of([{"urn": "u", "type": TOKEN, "name": "n", "inputs": {"customerOwnedIpv4Pool": "ipv4pool-coip-1"}}])
    (item,) = estimate(graph, PriceBook.embedded("us-east-1"), datetime.date(2026, 11, 24), Usage()).items
    assert item.maximum is None and "customerOwnedIpv4Pool" in item.assumptions[0]


def test_a_part_that_a_new_schema_adds_to_a_free_object_is_unclassified() -> None:
    published = {
        "region": False,
        "size": False,
        "disk": True,
        "disk.gib": False,
        "disk.new": False,
        "options": True,
        "options.a": False,
    }
    table = inputs.read(TOKEN, {"priced": ["size", "disk.gib"], "free": {"no charge": ["options"]}})
    assert unclassified(table, published) == ["disk.new", "options.a"]
    assert unpublished(inputs.read(TOKEN, {"priced": ["sise"]}), published) == ["sise"]


@pytest.mark.parametrize("token", sorted(CLASSIFIED))
def test_what_decides_a_price_and_has_no_table_of_its_inputs_is_unpriced(
    token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = {each: table for each, table in inputs.tables().items() if each != token}
    monkeypatch.setattr(inputs, "tables", lambda: rest)
    graph = Graph.of([{"urn": "u", "type": token, "name": "n", "inputs": {}}])
    bill = estimate(graph, PriceBook.embedded("us-east-1"), datetime.date(2026, 11, 24), Usage())
    assert not bill.totals.complete
    assert "nobody has said what the inputs of" in bill.items[0].assumptions[0]
