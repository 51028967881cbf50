"""The bill as the root component registered it, read again without trusting any of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from policies.graph import UNKNOWN, Node, mapping
from policies.guard.deployed import amount_of
from pricing.items.cost import CENT, ZERO

AMOUNTS = ("minimumUsd", "expectedUsd", "maximumUsd")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: the component and the role in it, the team that pays, and the most that it may cost (USD a month)."""

    component: str
    role: str
    team: str
    maximum: Decimal
    assumptions: tuple[str, ...] = ()


class Unreadable(Exception):
    """What of a bill cannot be read, or does not add up; `where` is its path in the plan."""

    def __init__(self, where: str, why: str) -> None:
        self.where = where
        super().__init__(why)


def lines(platform: Node) -> tuple[Line, ...]:
    """Every line of the plan's bill. Raises Unreadable for the first that has no amounts, or whose amounts cannot be."""
    found = platform.read("bill", "items")
    if not isinstance(found, tuple) or not found:
        raise Unreadable("bill.items", "the plan has no bill")
    return tuple(_line(mapping(each), f"bill.items[{place}]") for place, each in enumerate(found))


def maximum(platform: Node) -> Decimal:
    """The plan's maximum (USD a month), which its lines add up to. Raises Unreadable when they do not."""
    bill = platform.read("bill")
    stated = _amounts(mapping(bill), "bill")
    summed = sum((line.maximum for line in lines(platform)), ZERO)
    if abs(summed - stated[-1]) > CENT:
        raise Unreadable("bill.maximumUsd", f"the lines add up to {summed:f} USD, the plan says {stated[-1]:f}")
    return max(summed, stated[-1])


def amount(value: object) -> Decimal | None:
    """An amount of money as the plan writes it, None when it is none: unknown, not finite, below zero."""
    return None if value is UNKNOWN or not isinstance(value, str | int) else amount_of(value)


def _line(given: Mapping[str, object], where: str) -> Line:
    component, role, team = given.get("component"), given.get("role"), given.get("team")
    if not isinstance(component, str) or not isinstance(role, str) or not isinstance(team, str):
        raise Unreadable(where, "a line does not say what it is for, where it stands, and who pays")
    return Line(component=component, role=role, team=team, maximum=_amounts(given, f"{where} ({component} {role})")[-1])


def _amounts(given: Mapping[str, object], where: str) -> list[Decimal]:
    amounts = [amount(given.get(key)) for key in AMOUNTS]
    known = [each for each in amounts if each is not None]
    if len(known) != len(AMOUNTS):
        raise Unreadable(where, "it has no price: an amount is missing, unknown or below zero")
    if known != sorted(known):
        raise Unreadable(where, "minimum, expected and maximum are out of order")
    return known
