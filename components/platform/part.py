"""The root as a part: what a stack costs as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import meters as lines

NAME = "platform"


def _bill(meters: Meters, _stack: Stack) -> Iterator[CostItem]:
    yield from lines.data_transfer(meters.at(NAME, NAME))


PART = Part(
    name=NAME,
    about="the plan of the whole stack, and its traffic",
    when="always",
    components=lambda _stack: (),
    bill=_bill,
)
