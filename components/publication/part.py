"""The published outputs as a part: a parameter costs once it is long, nothing else of them does."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import keys

NAME = "publication"


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    if stack.settings.publication.parameter:
        yield from keys.parameter(meters.at(NAME, "outputs"), advanced=None)


PART = Part(
    name=NAME,
    about="the outputs contract, where app teams read it",
    when="always",
    components=lambda _stack: ("Publication::publication",),
    bill=_bill,
)
