"""What the rest of the project asks of a part of the platform: `components.catalogue` has one row for each."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from components.alerts.rule import Group
from components.dashboards.board import Board
from components.stack import Aws, Stack
from pricing.book.book import PriceBook
from pricing.capacity.quota_load import Load
from pricing.items.cost import CostItem
from pricing.items.usage import Usage
from pricing.meters.meters import Meter


@dataclass(frozen=True, kw_only=True)
class Meters:
    """The prices, the expected use and the day that a stack is billed for."""

    book: PriceBook
    usage: Usage
    today: datetime.date

    def at(self, component: str, name: str) -> Meter:
        """The meter of one resource, by the component that it belongs to and its logical name."""
        usage = self.usage.at(component, name)
        return Meter(component=component, name=name, book=self.book, usage=usage, today=self.today)


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Machines that a part runs in an account: the key of the stack file that asks for them, their instance types, the
    letters of the zones that they run in, and what they count against the account's quotas at most."""

    key: str
    types: tuple[str, ...]
    zones: tuple[str, ...]
    loads: tuple[Load, ...] = ()


def _free(_meters: Meters, _stack: Stack) -> Iterator[CostItem]:
    return iter(())


def _no_machines(_stack: Stack) -> Iterator[Machines]:
    return iter(())


def always(_stack: Stack) -> bool:
    """True for every stack."""
    return True


def in_aws(stack: Stack) -> bool:
    """Whether the stack is in AWS."""
    return stack.aws is not None


def aws_of(stack: Stack) -> Aws:
    """What only AWS has, for a part that is there in AWS alone. Raises LookupError for a stack without AWS."""
    if stack.aws is None:
        raise LookupError("this part is there in AWS alone")
    return stack.aws


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of the platform.

    `about` and `when` say in words what it is and which stacks have it; `there` decides the latter. `components` gives what it
    declares under the root, as `Type::name`. `bill` gives its lines from its Spec, before anything is declared: the same lines
    come out of the graph that it declares (`pricing.bill.estimate`), and a test compares the two for every stack. `alerts` and
    `dashboards` go where the part goes. `machines` is what `modelyard doctor` asks an account for, with `addresses`, a number of
    Elastic IPs.
    """

    name: str
    about: str
    when: str
    components: Callable[[Stack], Iterable[str]]
    there: Callable[[Stack], bool] = always
    bill: Callable[[Meters, Stack], Iterator[CostItem]] = _free
    alerts: tuple[Group, ...] = ()
    dashboards: tuple[Board, ...] = ()
    machines: Callable[[Stack], Iterator[Machines]] = _no_machines
    addresses: Callable[[Stack], int] = lambda _stack: 0
