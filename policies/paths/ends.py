"""The ends that a path can have, and what a need is: who must reach whom, on which port, and which declaration says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kube.network_policies import Block
from policies.paths.keys import Key
from policies.paths.programs import Pods

EVERY = "-1"
"""Every protocol, as security groups write it."""


@dataclass(frozen=True, kw_only=True)
class Machines:
    """Nodes that are alike on the network: the subnets that they stand in, and their security groups."""

    names: tuple[str, ...]
    subnets: tuple[Key, ...]
    groups: tuple[Key, ...]
    calls: frozenset[str]

    @property
    def name(self) -> str:
        """How a reader calls them."""
        return f"nodes {', '.join(self.names)}"


@dataclass(frozen=True)
class Api:
    """A cluster's API server, by the cluster's key."""

    cluster: Key
    name: str = "Kubernetes API"


@dataclass(frozen=True, kw_only=True)
class Deployer:
    """Whoever runs `up`, standing in a block, in a security group, or at the near end of a tunnel through a node."""

    name: str
    block: str = ""
    group: Key | None = None
    tunnel: bool = False
    public: bool = False


@dataclass(frozen=True)
class Service:
    """A service of AWS by its endpoint's name; `internet` is everything that has no endpoint."""

    service: str

    @property
    def name(self) -> str:
        """How a reader calls it."""
        return "the internet" if self.service == "internet" else self.service


@dataclass(frozen=True, kw_only=True)
class Database:
    """A database's interfaces: their subnets and security groups."""

    name: str
    subnets: tuple[Key, ...]
    groups: tuple[Key, ...]


@dataclass(frozen=True, kw_only=True)
class Clients:
    """Clients in a network outside the cluster, whose addresses a load balancer keeps."""

    name: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Agent:
    """The Pod Identity agent of the pod's own node, at its link-local address."""

    name: str = "Pod Identity agent"


@dataclass(frozen=True, kw_only=True)
class Fabric:
    """The other members of a group that a pool of nodes has for itself: EFA wants all traffic between them."""

    group: Key
    name: str = "each other over EFA"


End: TypeAlias = "Machines | Api | Deployer | Service | Database | Clients | Agent | Fabric | Pods"


@dataclass(frozen=True, kw_only=True)
class Need:
    """That `source` must reach `target`; `urn` is the declaration that says so, `why` its reason in words."""

    source: End
    target: End
    port: int
    why: str
    urn: str
    protocol: str = "TCP"

    @property
    def name(self) -> str:
        """The need in one line; two needs of one name are the same path."""
        ways = {"TCP": f" {self.port}", EVERY: ""}
        return f"{self.source.name} -> {self.target.name}{ways.get(self.protocol, f' {self.port}/{self.protocol.lower()}')}"
