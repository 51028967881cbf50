"""The bills that were worked out by hand in tests/infra/bills.md: their own arithmetic, and the estimate, to the cent."""

from __future__ import annotations

import ast
import datetime
import operator
import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from infra.guard import guard
from infra.plan import plan
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from pricing.book.book import PriceBook
from pricing.items.cost import cents, totals
from tests.roots import ROOT

PAGE = (ROOT / "tests" / "infra" / "bills.md").read_text(encoding="utf-8")
DAY = datetime.date(2026, 11, 24)
STACKS = ("dev", "prod")
OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
Row = tuple[str, list[str]]


def _section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def _rows(text: str) -> Iterator[Row]:
    for line in text.splitlines():
        cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] not in ("Line", "Price"):
            yield cells[0], cells[1:]


def _evaluated(expression: str) -> Decimal:
    def value(node: ast.expr) -> Decimal:
        if isinstance(node, ast.BinOp):
            return Decimal(OPERATORS[type(node.op)](value(node.left), value(node.right)))
        assert isinstance(node, ast.Constant)
        return Decimal(ast.get_source_segment(text, node) or "")

    text = expression.replace(" x ", " * ")
    return value(ast.parse(text, mode="eval").body)


def _parts(stack: str) -> dict[str, list[Row]]:
    """Component -> its rows, the last one its sum; `nat-a, nat-b: hours` is a row for each."""
    found: dict[str, list[Row]] = {}
    for part in _section(stack).split("\n### ")[1:]:
        title, _, text = part.partition("\n")
        rows = found.setdefault(title.strip(), [])
        for name, cells in _rows(text):
            resources, colon, what = name.partition(": ")
            names = [f"{each}{colon}{what}" for each in resources.split(", ")] if colon else [name]
            rows += [(each, cells) for each in names]
    return found


def _amounts(cells: list[str]) -> tuple[Decimal, ...]:
    return tuple(Decimal(cell.rpartition("= ")[2]) for cell in cells)


@pytest.mark.parametrize("stack", STACKS)
def test_every_cell_of_the_page_is_what_its_arithmetic_says(stack: str) -> None:
    checked = 0
    for rows in _parts(stack).values():
        for _, cells in rows:
            for cell in cells:
                expression, equals, amount = cell.rpartition(" = ")
                if equals:
                    assert cents(_evaluated(expression)) == Decimal(amount), cell
                    checked += 1
    assert checked > 20


@pytest.mark.parametrize("stack", STACKS)
def test_the_bill_worked_out_by_hand_is_the_estimate_to_the_cent(stack: str) -> None:
    parts = _parts(stack)
    items = plan(Stack.read(StackFile.read(ROOT / f"Pulumi.{stack}.yaml")), guard(), DAY).items
    sums = parts.pop(f"{stack} in total")
    assert parts.keys() == {item.component for item in items}
    for component, rows in parts.items():
        *lines, (_, summed) = rows
        own = [item for item in items if item.component == component]
        assert {name: _amounts(cells) for name, cells in lines} == {
            item.role: tuple(
                cents(amount) for amount in (item.minimum, item.expected, item.maximum) if amount is not None
            )
            for item in own
        }, component
        bill = totals(own)
        assert _amounts(summed) == (cents(bill.minimum), cents(bill.expected), cents(bill.maximum))
    bill = totals(items)
    assert _amounts(sums[0][1]) == (cents(bill.minimum), cents(bill.expected), cents(bill.maximum))


def test_every_price_on_the_page_is_the_books_with_its_day() -> None:
    book = PriceBook.embedded("us-east-1")
    for name, (usd, unit, as_of, source) in _rows(_section("Prices")):
        kind = re.fullmatch(r"(\S+), (on demand|spot)", name)
        quote = {"on demand": book.on_demand, "spot": book.spot}[kind[2]](kind[1]) if kind else book.service(name)
        assert quote is not None, name
        assert (Decimal(usd), unit, as_of) == (quote.usd, quote.unit, quote.as_of), name
        assert source.split(";")[0] in quote.source + quote.basis
