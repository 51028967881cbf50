"""The network as a part: ways out, endpoints and flow logs are paid for, a network that is there already is not."""

from __future__ import annotations

from collections.abc import Iterator

from components.network.component import INTERFACE_ENDPOINTS, Endpoints, Nat, NetworkSpec
from components.part import Meters, Part, aws_of, in_aws
from components.stack import Stack
from pricing.items.cost import CostItem
from pricing.meters import meters as lines

NAME = "network"


def _nat_zones(spec: NetworkSpec) -> list[str]:
    if spec.existing is not None:
        return []
    return spec.zones if spec.nat is Nat.PER_ZONE else spec.zones[:1]


def _bill(meters: Meters, stack: Stack) -> Iterator[CostItem]:
    spec = aws_of(stack).network
    if spec.existing is not None:
        return
    for zone in _nat_zones(spec):
        meter = meters.at(NAME, f"nat-{zone}")
        yield from lines.public_address(meter)
        yield from lines.nat_gateway(meter)
    if spec.endpoints is Endpoints.PRIVATE:
        for service in INTERFACE_ENDPOINTS:
            meter = meters.at(NAME, service.replace(".", "-"))
            yield from lines.interface_endpoint(meter, len(spec.zones))
    yield from lines.log_group(meters.at(NAME, "flow-logs"), spec.flow_log_days)


PART = Part(
    name=NAME,
    about="the VPC, its subnets and its ways out; or one that is there already, by its ids",
    when="in AWS",
    there=in_aws,
    components=lambda _stack: ("Network::network",),
    bill=_bill,
    addresses=lambda stack: len(_nat_zones(aws_of(stack).network)),
)
