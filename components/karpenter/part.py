"""Karpenter as a part: its queue of interruptions is paid for, the events in it are free."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import meters as lines

NAME = "karpenter"


def _bill(meters: Meters, _stack: Stack) -> Iterator[CostItem]:
    yield from lines.queue(meters.at(NAME, "interruptions"))


PART = Part(
    name=NAME,
    about="the autoscaler of every node but the system nodes",
    when="in AWS, unless `cluster.existing` brings it",
    there=lambda stack: stack.aws is not None and stack.aws.makes_karpenter,
    components=lambda _stack: ("Karpenter::karpenter",),
    bill=_bill,
)
