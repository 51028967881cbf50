"""What each piece of a network is for: the paths that end without it, or the reason why none does."""

from __future__ import annotations

from policies.paths.groups import DEFAULT_GROUP, EGRESS, GROUP, INGRESS, OLD_RULE
from policies.paths.inside import POLICY
from policies.paths.keys import Graph, Node, items, keys
from policies.paths.network import (
    ASSOCIATION,
    EIP,
    ENDPOINT,
    ENDPOINT_TABLE,
    INTERNET,
    MAIN,
    NAT,
    ROUTE,
    SUBNET,
    TABLE,
    VPC,
)
from policies.paths.reachable import Status, paths
from policies.paths.required import SUBNET_GROUP

CARRIES = (
    VPC,
    SUBNET,
    SUBNET_GROUP,
    TABLE,
    ROUTE,
    ASSOCIATION,
    MAIN,
    INTERNET,
    NAT,
    EIP,
    ENDPOINT,
    ENDPOINT_TABLE,
    GROUP,
    DEFAULT_GROUP,
    INGRESS,
    EGRESS,
    OLD_RULE,
    POLICY,
)
"""The types of the pieces that a network is made of."""


def pieces(graph: Graph) -> list[Node]:
    """Every piece that a graph declares, in its order."""
    return [node for node in graph.nodes if node.type in CARRIES]


def without(graph: Graph, piece: Node) -> Graph:
    """The graph as it would be if the piece had not been declared."""
    return Graph(tuple(node for node in graph.nodes if node.urn != piece.urn))


def lost(graph: Graph, piece: Node) -> list[str]:
    """The names of the paths that exist with the piece, and not without it."""
    there = {path.name for path in paths(graph) if path.status is Status.EXISTS}
    left = {path.name: path.status for path in paths(without(graph, piece))}
    return sorted(name for name in there if left.get(name, Status.EXISTS) is not Status.EXISTS)


def spare(graph: Graph, piece: Node) -> str:
    """Why no path ends with the piece; empty when no reason is known, and then it should not be there."""
    if piece.type == DEFAULT_GROUP:
        return "nothing is in the VPC's default group; that it is closed keeps it so"
    if piece.type == POLICY and not items(piece.read("spec", "ingress")) and not items(piece.read("spec", "egress")):
        return "it closes a namespace: it takes paths away and carries none"
    if piece.type == ENDPOINT:
        return "the NAT gateways lead to the service too; the endpoint keeps its traffic inside, and spares NAT's price"
    if _is_for_balancers(graph, piece):
        return "no NAT gateway stands there: it is where a load balancer that faces the internet would be put"
    if piece.type in (TABLE, ASSOCIATION) and not _leads_out(graph, piece):
        return "the table has local routes only, which every table has; naming it keeps the VPC's main table out"
    return ""


def _is_for_balancers(graph: Graph, piece: Node) -> bool:
    """Whether it is a subnet with the tag that load balancer controllers look for, or what gives that subnet its table."""
    place = piece.urn if piece.type == SUBNET else next(iter(keys(piece, (SUBNET,), "subnetId")), "")
    node = graph.get(str(place)) if piece.type in (SUBNET, ASSOCIATION) else None
    return node is not None and node.read("tags", "kubernetes.io/role/elb") == "1"


def _leads_out(graph: Graph, piece: Node) -> bool:
    table = (piece.urn,) if piece.type == TABLE else keys(piece, (TABLE,), "routeTableId")
    return any(keys(node, (TABLE,), "routeTableId") == table for node in graph.of_type(ROUTE))
