"""What is asked of ways in and out of a network: NAT gateways, endpoints, load balancers and their public addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pricing.items.cost import CostItem
from pricing.items.graph import UNKNOWN, Node
from pricing.items.neighbours import Neighbours
from pricing.items.unpriced import Unpriced
from pricing.meters import meters
from pricing.meters.meters import Meter

EIP = "aws:ec2/eip:Eip"
WITHOUT_PUBLIC_IPV4 = "dualstack-without-public-ipv4"
"""The `ipAddressType` of an application load balancer that faces the internet by IPv6 alone."""


def nat_gateway(meter: Meter, node: Node) -> Iterator[CostItem]:
    """A NAT gateway, or a regional one in each zone that it names. Raises Unpriced for one that chooses its zones itself."""
    mode, named = node.read("availabilityMode"), node.read("availabilityZoneAddresses")
    if mode in (None, "zonal") and named in (None, ()):
        return meters.nat_gateway(meter)
    if mode != "regional" or not isinstance(named, tuple) or not named:
        raise Unpriced(
            "a regional NAT gateway is paid in each of its zones, which its availabilityZoneAddresses do not name"
        )
    return meters.nat_gateway(meter, len(named))


def endpoint(meter: Meter, node: Node) -> Iterator[CostItem]:
    """An interface endpoint in each of its subnets; a gateway endpoint is free. Raises Unpriced for any other."""
    kind = node.read("vpcEndpointType")
    if kind in (None, "Gateway"):
        return iter(())
    subnets, configured = node.read("subnetIds"), node.read("subnetConfigurations")
    if UNKNOWN in (subnets, configured) or kind != "Interface" or not (subnets or configured):
        raise Unpriced("only interface endpoints whose subnets are counted can be priced")
    counts = [len(each) for each in (subnets, configured) if isinstance(each, tuple)]
    return meters.interface_endpoint(meter, max(counts))


def load_balancer(around: Neighbours, meter: Meter, node: Node) -> Iterator[CostItem]:
    """An application or network load balancer, with a public address in each subnet to which it brings none of its own.

    An address of its own is counted where it is allocated. Raises Unpriced for any other load balancer, and where the
    subnets are not counted.
    """
    kind = node.read("loadBalancerType")
    places = node.read("subnetMappings" if node.read("subnets") in (None, ()) else "subnets")
    if kind not in (None, "application", "network") or not isinstance(places, tuple):
        raise Unpriced("only application and network load balancers whose subnets are counted can be priced")
    brought = [place.get("allocationId") for place in places if isinstance(place, Mapping)]
    known = sum(isinstance(each, str) for each in brought)
    # An id that is not known yet may turn out to be none: it counts as an address only where one is declared for it.
    declared = sum(each.urn in node.depends for each in around.of_type(EIP))
    own = known + min(declared, sum(each is UNKNOWN for each in brought))
    bare = node.read("internal") is True or node.read("ipAddressType") == WITHOUT_PUBLIC_IPV4
    return meters.load_balancer(meter, "nlb" if kind == "network" else "alb", 0 if bare else len(places) - own)
