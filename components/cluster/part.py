"""The cluster as a part: its control plane is paid for, one that is there already is not."""

from __future__ import annotations

from collections.abc import Iterator

from components.part import Meters, Part, aws_of, in_aws
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import keys
from pricing.meters import meters as lines

NAME = "cluster"


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    spec = aws_of(stack).cluster
    if spec.existing is not None:
        return
    yield from keys.kms_key(meters.at(NAME, "secrets"))
    yield from lines.log_group(meters.at(NAME, "control-plane"), spec.log_days)
    yield from lines.control_plane(meters.at(NAME, NAME), spec.version)


def _components(stack: Stack) -> Iterator[str]:
    yield "Cluster::cluster"
    if aws_of(stack).makes_addons:
        yield from ("Addons::addons-before-nodes", "Addons::addons-after-nodes")


PART = Part(
    name=NAME,
    about="the EKS control plane, who may reach it, and its add-ons; or one that is there already",
    when="in AWS",
    there=in_aws,
    components=_components,
    bill=_bill,
)
