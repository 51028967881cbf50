"""The ways that packets take outside the cluster: between nodes, AWS's services, the API server, and whoever deploys."""

from __future__ import annotations

from kube.network_policies import Block
from policies.paths.calls import HIDDEN
from policies.paths.ends import Api, Deployer, End, Machines, Need
from policies.paths.groups import CLUSTER, GROUP, Groups, Peer
from policies.paths.keys import UNKNOWN, Graph, Key, Node, keys
from policies.paths.network import SUBNET, Network
from policies.paths.walk import Walk


class Ways:
    """The ways of one graph, over its network and its groups; `nodes` are all that a pod may stand on."""

    def __init__(self, graph: Graph, network: Network, groups: Groups, nodes: tuple[Machines, ...]) -> None:
        self._graph, self._network, self._groups, self._nodes = graph, network, groups, nodes

    def through(self, walk: Walk, near: Peer, near_name: str, far: Peer, far_name: str, need: Need) -> None:
        """Whether the groups of both ends let a need through."""
        self._groups.lets(walk, near.groups, far, need.port, need.protocol, inward=False, what=far_name)
        self._groups.lets(walk, far.groups, near, need.port, need.protocol, inward=True, what=near_name)

    def to_service(self, walk: Walk, nodes: Machines, near: Peer, service: str) -> None:
        """From nodes to a service of AWS: to its endpoint where its name leads to one, else out of the VPC."""
        if service == HIDDEN:
            walk.hides(f"which services {nodes.name} or their pods call: a role or a policy of theirs")
            return
        self._network.resolves(walk, nodes.subnets)
        endpoint = self._network.interface(nodes.subnets, service)
        if endpoint is not None:
            places = keys(endpoint, (SUBNET,), "subnetIds")
            far = Peer(keys(endpoint, (GROUP, CLUSTER), "securityGroupIds"), self._network.blocks(places))
            self._groups.lets(walk, near.groups, far, 443, "TCP", inward=False, what=nodes.name)
            self._groups.lets(walk, far.groups, near, 443, "TCP", inward=True, what=nodes.name)
            return
        self._groups.lets(walk, near.groups, Peer((), (Block("0.0.0.0/0"),)), 443, "TCP", inward=False, what=nodes.name)
        self._network.out(walk, [subnet for subnet in nodes.subnets if not self._network.gateway(subnet, service)])

    def cluster_subnets(self, cluster: Key) -> tuple[Key, ...]:
        """The subnets in which a cluster's API server has its interfaces."""
        node = self._graph.get(str(cluster)) if cluster is not UNKNOWN else None
        return keys(node, (SUBNET,), "vpcConfig", "subnetIds") if node else (UNKNOWN,)

    def to_api(self, walk: Walk, nodes: Machines, near: Peer, api: Api) -> None:
        """From nodes to the private address of the API server."""
        node = self._graph.get(str(api.cluster)) if api.cluster is not UNKNOWN else None
        if node is None:
            walk.hides("the security groups of the cluster that is there")
            return
        if node.read("vpcConfig", "endpointPrivateAccess") is not True:
            walk.breaks(
                node.name,
                "the API server has no private address for its nodes",
                fix="set endpointPrivateAccess to true",
            )
        subnets = self.cluster_subnets(api.cluster)
        self._network.resolves(walk, nodes.subnets)
        self._network.together(walk, nodes.subnets, subnets)
        far = Peer(self.api_groups(api.cluster), self._network.blocks(subnets))
        self._groups.lets(walk, near.groups, far, 443, "TCP", inward=False, what=nodes.name)
        self._groups.lets(walk, far.groups, near, 443, "TCP", inward=True, what=nodes.name)

    def api_groups(self, cluster: Key) -> tuple[Key, ...]:
        """The groups of the API server's interfaces; a cluster of somebody else's says which its own is."""
        node = self._graph.get(str(cluster)) if cluster is not UNKNOWN else None
        more = keys(node, (GROUP,), "vpcConfig", "securityGroupIds") if node else ()
        own = node.read("vpcConfig", "clusterSecurityGroupId") if node else None
        return (own if isinstance(own, str) and not str(cluster).startswith("urn:") else cluster, *more)

    def from_api(self, walk: Walk, api: Api, need: Need) -> None:
        """From the API server to pods, whose nodes' groups decide."""
        if api.cluster is UNKNOWN:
            walk.hides("the security groups of the cluster that is there")
            return
        subnets = self.cluster_subnets(api.cluster)
        near = Peer(self.api_groups(api.cluster), self._network.blocks(subnets))
        for nodes in self._nodes:
            self._network.together(walk, subnets, nodes.subnets)
            far = Peer(nodes.groups, self._network.blocks(nodes.subnets))
            self.through(walk, near, api.name, far, nodes.name, need)

    def deployer(self, walk: Walk, deployer: Deployer, target: End) -> None:
        """From whoever deploys to the API server."""
        node = self._graph.get(str(target.cluster)) if isinstance(target, Api) else None
        if node is None or not isinstance(target, Api):
            walk.hides("the cluster that is there")
            return
        if deployer.public:
            self._publicly(walk, deployer, node)
        elif deployer.tunnel:
            self._tunnelled(walk, target)
        else:
            self._privately(walk, deployer, target)

    def _publicly(self, walk: Walk, deployer: Deployer, cluster: Node) -> None:
        allowed = _texts(cluster.read("vpcConfig", "publicAccessCidrs")) or ["0.0.0.0/0"]
        if cluster.read("vpcConfig", "endpointPublicAccess") is False:
            walk.breaks(cluster.name, "the API server has no public address", fix="set endpointPublicAccess to true")
        elif not any(Block(deployer.block).subnet_of(Block(each)) for each in allowed if _is_block(each)):
            walk.breaks(
                cluster.name,
                "the public endpoint does not know this block",
                found=", ".join(allowed),
                allowed=deployer.block,
            )

    def _privately(self, walk: Walk, deployer: Deployer, api: Api) -> None:
        if not deployer.block and deployer.group is None:
            walk.breaks("cluster.access", "the endpoint is private, and nothing says who may come to it")
            return
        blocks = (Block(deployer.block),) if deployer.block else None
        if blocks is not None:
            self._stands(walk, blocks[0])
        peer = Peer((deployer.group,) if deployer.group is not None else (), blocks)
        self._groups.lets(walk, self.api_groups(api.cluster), peer, 443, "TCP", inward=True, what=deployer.name)

    def _stands(self, walk: Walk, block: Block) -> None:
        """Whether there is a place in the cluster's VPC for somebody with an address of that block."""
        known = self._graph.of_type(SUBNET)
        mine = [self._network.blocks([node.urn]) for node in known]
        if not mine:
            walk.hides(f"whether a route leads from {block} to the cluster's subnets")
        elif not any(networks and networks[0].overlaps(block) for networks in mine):
            walk.breaks(
                "cluster",
                f"no subnet of the VPC has addresses of {block}, and no route leads back to it",
                fix="name blocks of the VPC",
            )

    def _tunnelled(self, walk: Walk, api: Api) -> None:
        ways = []
        for nodes in self._nodes:
            if {"ssm", "ssmmessages"} <= nodes.calls:
                way = Walk()
                near = Peer(nodes.groups, self._network.blocks(nodes.subnets))
                self.to_api(way, nodes, near, api)
                for service in ("ssm", "ssmmessages"):
                    self.to_service(way, nodes, near, service)
                ways.append(way)
        if not ways:
            walk.breaks(
                "cluster",
                "no node may speak to Session Manager",
                fix="attach AmazonSSMManagedInstanceCore to the system nodes' role",
            )
        elif not any(not way.broken for way in ways):
            walk.broken += ways[0].broken
        elif not any(not way.broken and not way.unseen for way in ways):
            walk.unseen += next(way.unseen for way in ways if not way.broken)


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, tuple) else []


def _is_block(text: str) -> bool:
    try:
        Block(text)
    except ValueError:
        return False
    return True
