"""Walks every path that a stack needs, and says of each whether it exists."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from core.problem import Problem
from kube.network_policies import Addresses, Block, Pod, Policy, denied
from policies.paths.calls import INLINE, ROLE, Calls
from policies.paths.ends import Agent, Api, Clients, Database, Deployer, End, Fabric, Machines, Need, Service
from policies.paths.groups import CLUSTER, Groups, Peer
from policies.paths.inside import POLICY
from policies.paths.keys import Graph, Node, key, keys, mapping, namespace_of
from policies.paths.network import SUBNET, Network, unread
from policies.paths.programs import ADDON, Pods, programs
from policies.paths.required import HOLDERS, machines, needs
from policies.paths.walk import Walk
from policies.paths.ways import Ways

AGENT = (Block("169.254.170.23/32"),)
"""Where the Pod Identity agent listens on each node (EKS user guide, its set-up of the agent; read 2026-11-30)."""
SPECIAL = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)
"""Blocks that are not on the internet (IANA, IPv4 special-purpose address registry)."""


def _public() -> tuple[Block, ...]:
    left = [Block("0.0.0.0/0")]
    for special in map(Block, SPECIAL):
        left = [
            rest
            for network in left
            for rest in (network.address_exclude(special) if special.subnet_of(network) else [network])
        ]
    return tuple(left)


UNSEEN = Addresses((Block("0.0.0.0/0"),))
"""A peer whose addresses nobody knows: it gets through for sure only where everybody does."""
PUBLIC = _public()
"""The internet: nobody knows which of its addresses a service has today, so a policy has to let out to all of them."""


class Status(enum.StrEnum):
    """Whether a path exists; `UNDETERMINED` where a part of it belongs to somebody else and cannot be seen."""

    EXISTS = "exists"
    MISSING = "missing"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, kw_only=True)
class Path:
    """One path that a stack needs: what breaks it, and what of it cannot be seen."""

    need: Need
    broken: tuple[Problem, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The path in one line."""
        return self.need.name

    @property
    def status(self) -> Status:
        """What breaks counts before what cannot be seen."""
        return Status.MISSING if self.broken else Status.UNDETERMINED if self.unseen else Status.EXISTS


def paths(graph: Graph) -> tuple[Path, ...]:
    """Every path that the stack of this graph needs, once each, in a stable order."""
    return tuple(_Judge(graph).paths())


def problems(found: Iterable[Path]) -> list[Problem]:
    """What breaks paths, one problem for each cause; it names the paths that it breaks."""
    causes: dict[tuple[str, str, str], tuple[Problem, list[str]]] = {}
    for path in found:
        for problem in path.broken:
            cause = (problem.where, problem.summary, problem.fix)
            causes.setdefault(cause, (problem, []))[1].append(path.name)
    return [replace(problem, found=problem.found or _some(names)) for problem, names in causes.values()]


def later(graph: Graph) -> list[str]:
    """The policies whose calls only deployment tells, because they hold the id of something that is still to be made."""
    held = {urn for node in graph.of_type(*HOLDERS) for urns in node.references.values() for urn in urns}
    inline = (node for node in graph.of_type(INLINE) if not isinstance(node.read("policy"), str))
    return [
        f"{node.name}: policy"
        for node in inline
        if node.references.get("policy") and key(node, (ROLE,), "role") in held
    ]


def unseen(found: Iterable[Path]) -> dict[str, list[str]]:
    """What cannot be seen, each with the paths that lead past it."""
    hidden: dict[str, list[str]] = {}
    for path in found:
        for what in path.unseen if path.status is Status.UNDETERMINED else ():
            hidden.setdefault(what, []).append(path.name)
    return hidden


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"missing: {'; '.join(names[:3])}{more}"


class _Judge:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._network, self._groups, self._calls = Network(graph), Groups(graph), Calls(graph)
        self._programs = programs(graph)
        self._nodes = machines(graph, self._calls)
        self._ways = Ways(graph, self._network, self._groups, self._nodes)
        self._policies = [
            Policy(
                namespace=namespace_of(node, graph),
                name=str(node.read("metadata", "name")),
                spec=mapping(node.read("spec")),
            )
            for node in graph.of_type(POLICY)
        ]
        self._placed: dict[tuple[object, ...], Walk] = {}

    def paths(self) -> Iterator[Path]:
        whole = Walk()
        for node in unread(self._graph):
            whole.breaks(
                node.name,
                "nobody can say what this lets through",
                found=node.type,
                fix="take it out, or teach `paths` to read it",
            )
        for node, name in self._programs.unknown:
            whole.hides(f"{name} of {node.name}: what its pods talk to")
        seen: set[str] = set()
        for need in needs(self._graph, self._programs, self._nodes, self._calls):
            if need.name not in seen:
                seen.add(need.name)
                walk = Walk(list(whole.broken), list(whole.unseen))
                self._walk(walk, need)
                yield Path(need=need, broken=tuple(walk.broken), unseen=tuple(walk.unseen))

    def _walk(self, walk: Walk, need: Need) -> None:
        source, target = need.source, need.target
        if isinstance(source, Deployer):
            self._ways.deployer(walk, source, target)
        elif isinstance(source, Machines):
            self._leave(walk, source, target, need)
        elif isinstance(source, Pods):
            self._policed(walk, need)
            for node in self._nodes:
                self._leave(walk, node, target, need)
        elif isinstance(target, Pods):
            self._policed(walk, need)
            if isinstance(source, Api):
                self._ways.from_api(walk, source, need)
        if isinstance(target, Pods) and target.name == "DNS":
            self._answers(walk)

    # ---- pods and policies

    def _policed(self, walk: Walk, need: Need) -> None:
        near, far = self._peer(need.source), self._peer(need.target)
        why = denied(self._policies, near, far, need.port, need.protocol)
        hidden = [name for name, peer in ((need.source.name, near), (need.target.name, far)) if peer is UNSEEN]
        if why and hidden:
            walk.hides(f"the addresses of {', '.join(hidden)}")
        elif why:
            fix = "let it through in a NetworkPolicy of that namespace, or do not ask for the path"
            walk.breaks(need.source.name, why, fix=fix)

    def _peer(self, end: End) -> Pod | Addresses:
        """The end as policies see it."""
        if isinstance(end, Pods) and not end.host:
            return end.pod
        if isinstance(end, Clients):
            return Addresses(end.blocks)
        if isinstance(end, Agent):
            return Addresses(AGENT)
        blocks: tuple[Block, ...] | None = ()
        if isinstance(end, Database):
            blocks = self._network.blocks(end.subnets)
        elif isinstance(end, Api):
            blocks = self._network.blocks(self._ways.cluster_subnets(end.cluster))
        elif isinstance(end, Service):
            at = self._interface(end.service)
            blocks = self._network.blocks(keys(at, (SUBNET,), "subnetIds")) if at is not None else PUBLIC
        elif isinstance(end, Pods):
            blocks = self._network.blocks([each for nodes in self._nodes for each in nodes.subnets])
        return Addresses(blocks) if blocks else UNSEEN

    def _interface(self, service: str) -> Node | None:
        return next((node for each in self._nodes if (node := self._network.interface(each.subnets, service))), None)

    # ---- machines

    def _leave(self, walk: Walk, nodes: Machines, target: End, need: Need) -> None:
        # To a pod on another node the way is the same whichever pod it is.
        end = "pods" if isinstance(target, Pods) else getattr(target, "name", "")
        way = (nodes.names, end, need.port, need.protocol)
        if way not in self._placed:
            fresh = self._placed[way] = Walk()
            self._from_machines(fresh, nodes, target, need)
        for problem in self._placed[way].broken:
            if problem not in walk.broken:
                walk.broken.append(problem)
        for what in self._placed[way].unseen:
            walk.hides(what)

    def _from_machines(self, walk: Walk, nodes: Machines, target: End, need: Need) -> None:
        near = Peer(nodes.groups, self._network.blocks(nodes.subnets))
        if isinstance(target, Api):
            self._ways.to_api(walk, nodes, near, target)
        elif isinstance(target, Service):
            self._ways.to_service(walk, nodes, near, target.service)
        elif isinstance(target, Fabric):
            own = Peer((target.group,), None)
            self._ways.through(walk, own, nodes.name, own, nodes.name, need)
        elif isinstance(target, Database):
            self._network.resolves(walk, nodes.subnets)
            self._network.together(walk, nodes.subnets, target.subnets)
            far = Peer(target.groups, self._network.blocks(target.subnets))
            self._ways.through(walk, near, nodes.name, far, target.name, need)
        elif isinstance(target, Pods):
            for other in self._nodes:
                self._network.together(walk, nodes.subnets, other.subnets)
                far = Peer(other.groups, self._network.blocks(other.subnets))
                self._ways.through(walk, near, nodes.name, far, other.name, need)

    def _answers(self, walk: Walk) -> None:
        """Whether somebody answers names: in a cluster of the stack's own that is the add-on CoreDNS."""
        own = any(node.urn.startswith("urn:") for node in self._graph.of_type(CLUSTER))
        if own and not any(node.read("addonName") == "coredns" for node in self._graph.of_type(ADDON)):
            walk.breaks("cluster", "nobody answers DNS in the cluster: add-on coredns is not there", fix="declare it")
        for nodes in self._nodes:
            self._network.resolves(walk, nodes.subnets)
