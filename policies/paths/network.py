"""Subnets, route tables, gateways and endpoints of a VPC: where a packet goes, and whether names are answered there."""

from __future__ import annotations

from collections.abc import Sequence

from kube.network_policies import Block
from policies.paths.keys import UNKNOWN, Graph, Key, Node, key, keys, name_of
from policies.paths.walk import Walk

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
ASSOCIATION = "aws:ec2/routeTableAssociation:RouteTableAssociation"
MAIN = "aws:ec2/mainRouteTableAssociation:MainRouteTableAssociation"
INTERNET = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
ENDPOINT_TABLE = "aws:ec2/vpcEndpointRouteTableAssociation:VpcEndpointRouteTableAssociation"

EVERYWHERE = "0.0.0.0/0"

UNREAD = (
    "aws:ec2/networkAcl:NetworkAcl",
    "aws:ec2/networkAclRule:NetworkAclRule",
    "aws:ec2/networkAclAssociation:NetworkAclAssociation",
    "aws:ec2/defaultNetworkAcl:DefaultNetworkAcl",
    "aws:ec2/defaultRouteTable:DefaultRouteTable",
    "aws:ec2/vpcDhcpOptions:VpcDhcpOptions",
    "aws:networkfirewall/",
    "aws:route53/resolverFirewall",
    "aws:vpc/securityGroupVpcAssociation:",
    "kubernetes:vpcresources.k8s.aws/v1beta1:SecurityGroupPolicy",
    "kubernetes:policy.networking.k8s.io/",
    "kubernetes:networking.k8s.aws/",
    "kubernetes:cilium.io/",
    "kubernetes:crd.projectcalico.org/",
    "kubernetes:projectcalico.org/",
)
"""Prefixes of what can take a path away and is not read here: a stack that declares it cannot be judged, so it is refused."""


class Network:
    """The network part of a graph. Everything asked of it names subnets by their keys."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._table: dict[Key, Key] = {}
        for node in graph.of_type(ASSOCIATION):
            subnet, table = key(node, (SUBNET,), "subnetId"), key(node, (TABLE,), "routeTableId")
            if subnet is not None and table is not None:
                self._table[subnet] = table
        self._main: dict[Key, Key] = {}
        for each in graph.of_type(MAIN):
            vpc, table = key(each, (VPC,), "vpcId"), key(each, (TABLE,), "routeTableId")
            if vpc is not None and table is not None:
                self._main[vpc] = table
        self._routes: dict[Key, list[Node]] = {}
        for each in graph.of_type(ROUTE):
            if (table := key(each, (TABLE,), "routeTableId")) is not None:
                self._routes.setdefault(table, []).append(each)

    def subnet(self, walk: Walk, subnet: Key) -> Node | None:
        """The subnet, None after saying that it is out of sight, or not there."""
        node = None if subnet is UNKNOWN else self.graph.get(str(subnet))
        if node is None and isinstance(subnet, str) and subnet.startswith("urn:"):
            walk.breaks(name_of(subnet, self.graph), "the subnet is not there")
        elif node is None:
            walk.hides(f"subnet {name_of(subnet, self.graph)}: its VPC, its routes")
        return node

    def blocks(self, subnets: Sequence[Key]) -> tuple[Block, ...] | None:
        """The IPv4 blocks of subnets; None when one is not known."""
        networks = []
        for subnet in subnets:
            node = None if subnet is UNKNOWN else self.graph.get(str(subnet))
            block = node.read("cidrBlock") if node else None
            if not isinstance(block, str):
                return None
            networks.append(Block(block))
        return tuple(networks)

    @staticmethod
    def _vpc(subnet: Node) -> Key:
        found = key(subnet, (VPC,), "vpcId")
        return UNKNOWN if found is None else found

    def resolves(self, walk: Walk, subnets: Sequence[Key]) -> None:
        """Whether names are answered in the VPC, those of endpoints and of the cluster's private address included.

        Source: EKS user guide, cluster endpoint access control: the VPC has DNS support and DNS hostnames (not opened).
        """
        for vpc in self._vpcs(walk, subnets):
            node = None if vpc is UNKNOWN else self.graph.get(str(vpc))
            if node is None:
                walk.hides(f"whether VPC {name_of(vpc, self.graph)} answers DNS")
                continue
            # AWS has support on and hostnames off when nothing is said.
            for name, otherwise in (("enableDnsSupport", True), ("enableDnsHostnames", False)):
                said = node.read(name)
                if said is UNKNOWN:
                    walk.hides(f"{name} of VPC {node.name}")
                elif (otherwise if said is None else said) is not True:
                    walk.breaks(node.name, f"the VPC does not answer DNS: {name} is off", allowed="true")

    def together(self, walk: Walk, some: Sequence[Key], others: Sequence[Key]) -> None:
        """Whether subnets are in one VPC, where a local route leads from each to each."""
        left, right = self._vpcs(walk, some), self._vpcs(walk, others)
        if UNKNOWN in left | right:
            walk.hides("which VPC it is in")
        elif left and right and len(left | right) > 1:
            names = ", ".join(sorted(name_of(each, self.graph) for each in left | right))
            walk.breaks(names, "the two ends are in different VPCs, and no route between them is declared")

    def out(self, walk: Walk, subnets: Sequence[Key]) -> None:
        """Whether each subnet has a way to the internet and back: a NAT gateway, or the gateway itself and an address."""
        for subnet in subnets:
            if (node := self.subnet(walk, subnet)) is not None:
                self._out(walk, subnet, node)

    def _out(self, walk: Walk, subnet: Key, node: Node) -> None:
        route = self._default(walk, subnet, node)
        if route is None:
            return
        nat, gateway = key(route, (NAT,), "natGatewayId"), key(route, (INTERNET,), "gatewayId")
        if nat is not None:
            self._through_nat(walk, nat)
        elif gateway is not None:
            if node.read("mapPublicIpOnLaunch") is not True:
                walk.breaks(node.name, "its way out is an internet gateway, and machines there get no public address")
            self._attached(walk, gateway)
        else:
            walk.hides(f"where route {route.name} leads")

    def _default(self, walk: Walk, subnet: Key, node: Node) -> Node | None:
        vpc = self._vpc(node)
        table = self._table.get(subnet, self._main.get(vpc))
        if table is None:
            if node.urn.startswith("urn:"):
                walk.breaks(
                    node.name, "the subnet has no route table of its own", fix="associate it with one that leads out"
                )
            else:
                walk.hides(f"the main route table of VPC {name_of(vpc, self.graph)}")
            return None
        if table is UNKNOWN or self.graph.get(str(table)) is None:
            self._absent(walk, table, "route table")
            return None
        for route in self._routes.get(table, ()):
            if route.read("destinationCidrBlock") == EVERYWHERE:
                return route
        walk.breaks(name_of(table, self.graph), "no route leads out: the table has none for 0.0.0.0/0", fix="add it")
        return None

    def _through_nat(self, walk: Walk, nat: Key) -> None:
        node = None if nat is UNKNOWN else self.graph.get(str(nat))
        if node is None:
            self._absent(walk, nat, "NAT gateway")
            return
        if node.read("connectivityType") == "private":
            walk.breaks(node.name, "a private NAT gateway does not lead to the internet")
            return
        address = key(node, (EIP,), "allocationId")
        if address is None or (isinstance(address, str) and address.startswith("urn:") and not self.graph.get(address)):
            walk.breaks(node.name, "the NAT gateway has no address")
        home = key(node, (SUBNET,), "subnetId")
        place = self.subnet(walk, UNKNOWN if home is None else home)
        if place is None or home is None:
            return
        route = self._default(walk, home, place)
        gateway = key(route, (INTERNET,), "gatewayId") if route else None
        if route is not None and gateway is None:
            walk.breaks(place.name, "a NAT gateway stands where no internet gateway is the way out")
        elif gateway is not None:
            self._attached(walk, gateway)

    def _attached(self, walk: Walk, gateway: Key) -> None:
        if gateway is UNKNOWN or self.graph.get(str(gateway)) is None:
            self._absent(walk, gateway, "internet gateway")

    def _absent(self, walk: Walk, what: Key, kind: str) -> None:
        if isinstance(what, str) and what.startswith("urn:"):
            walk.breaks(name_of(what, self.graph), f"the {kind} is not there")
        else:
            walk.hides(f"{kind} {name_of(what, self.graph)}")

    def interface(self, subnets: Sequence[Key], service: str) -> Node | None:
        """The interface endpoint that the service's name leads to in the VPC of these subnets."""
        for endpoint in self._endpoints(subnets, service):
            if endpoint.read("vpcEndpointType") == "Interface" and endpoint.read("privateDnsEnabled") is True:
                return endpoint
        return None

    def gateway(self, subnet: Key, service: str) -> bool:
        """Whether the subnet's route table leads to a gateway endpoint of the service."""
        table = self._table.get(subnet)
        if table is None or table is UNKNOWN or self.graph.get(str(table)) is None:
            return False
        for endpoint in self._endpoints([subnet], service):
            if endpoint.read("vpcEndpointType") in (None, "Gateway") and table in keys(
                endpoint, (TABLE,), "routeTableIds"
            ):
                return True
        return any(
            key(node, (TABLE,), "routeTableId") == table and self._of_service(node, service)
            for node in self.graph.of_type(ENDPOINT_TABLE)
        )

    def _of_service(self, association: Node, service: str) -> bool:
        endpoint = key(association, (ENDPOINT,), "vpcEndpointId")
        node = self.graph.get(str(endpoint)) if isinstance(endpoint, str) else None
        return node is not None and _service(node) == service

    def _endpoints(self, subnets: Sequence[Key], service: str) -> list[Node]:
        vpcs = self._vpcs(Walk(), subnets)
        nodes = (node for node in self.graph.of_type(ENDPOINT) if _service(node) == service)
        return [node for node in nodes if key(node, (VPC,), "vpcId") in vpcs]

    def _vpcs(self, walk: Walk, subnets: Sequence[Key]) -> set[Key]:
        nodes = (self.subnet(walk, subnet) for subnet in subnets)
        return {self._vpc(node) for node in nodes if node is not None}


def _service(endpoint: Node) -> str:
    """The service behind `com.amazonaws.<region>.<service>`."""
    return str(endpoint.read("serviceName")).split(".", 3)[-1]


def unread(graph: Graph) -> list[Node]:
    """What a stack declares that could take a path away and is not read here."""
    return [node for node in graph.nodes if node.type.startswith(UNREAD)]
