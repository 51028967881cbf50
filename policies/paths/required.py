"""Which paths a stack needs. Nothing here is a list kept by hand: each need comes from a resource that the stack declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from policies.paths.calls import HIDDEN, LATER, ROLE, Calls
from policies.paths.ends import EVERY, Agent, Api, Database, Deployer, Fabric, Machines, Need, Service
from policies.paths.groups import CLUSTER, GROUP, GROUPS
from policies.paths.inside import anyone, needs_inside
from policies.paths.keys import (
    NAMESPACE,
    UNKNOWN,
    Graph,
    Key,
    Node,
    items,
    key,
    keys,
    labels_of,
    mapping,
    namespace_of,
    type_of,
)
from policies.paths.network import SUBNET
from policies.paths.programs import ADDON, SYSTEM, Programs, dns
from pricing.items.tokens import NODE_CLASS

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
INSTANCE = "aws:rds/instance:Instance"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
HOLDERS = (NODE_GROUP, NODE_CLASS, ASSOCIATION, ADDON)
"""What gives a role to nodes or pods."""
COMPONENT = "modelyard:index:Cluster"
EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type's name


def machines(graph: Graph, calls: Calls) -> tuple[Machines, ...]:
    """The nodes that node groups and node classes make, those that are alike together."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for node in graph.of_type(NODE_GROUP, NODE_CLASS):
        if node.type == NODE_GROUP:
            subnets, role = keys(node, (SUBNET,), "subnetIds"), key(node, (ROLE,), "nodeRoleArn")
            groups = _template_groups(node, graph) or keys(node, (CLUSTER,), "clusterName")
            groups = tuple(group if graph.get(str(group)) else UNKNOWN for group in groups)
        else:
            subnets = keys(node, (SUBNET,), "spec", "subnetSelectorTerms")
            groups, role = keys(node, GROUPS, "spec", "securityGroupSelectorTerms"), key(node, (ROLE,), "spec", "role")
        alike.setdefault((subnets, groups, calls.of(role)), []).append(node.name)
    return tuple(
        Machines(names=tuple(sorted(names)), subnets=subnets, groups=groups, calls=services)
        for (subnets, groups, services), names in alike.items()
    )


def _template_groups(group: Node, graph: Graph) -> tuple[Key, ...]:
    """The groups that a launch template gives; EKS adds its own only where the template gives none."""
    named = key(group, (TEMPLATE,), "launchTemplate")
    template = graph.get(str(named)) if isinstance(named, str) else None
    if template is None:
        return ()
    return keys(template, GROUPS, "vpcSecurityGroupIds")


def needs(graph: Graph, found: Programs, nodes: tuple[Machines, ...], calls: Calls) -> Iterator[Need]:
    """Every path that the stack needs; a name may come twice, from two declarations."""
    yield from _of_deployers(graph)
    yield from _of_nodes(graph, nodes)
    yield from _of_controllers(graph, found)
    yield from _of_identities(graph, found, calls)
    yield from _of_databases(graph, found)
    yield from needs_inside(graph, found, _api(graph))
    yield from _of_names(graph, found)


def _clusters(graph: Graph) -> list[tuple[Node, Key, Mapping[str, Any]]]:
    """Each Cluster component with its cluster, which somebody else may have made, and its access settings."""
    made: list[tuple[Node, Key, Mapping[str, Any]]] = []
    for component in graph.of_type(COMPONENT):
        theirs = graph.get(str(component.read("spec", "existing", "name")))
        own = next(
            (child.urn for child in graph.children(component) if child.type == CLUSTER),
            theirs.urn if theirs else UNKNOWN,
        )
        made.append((component, own, mapping(component.read("spec", "access"))))
    alone = {each.urn for each in graph.of_type(CLUSTER)} - {str(own) for _, own, _ in made}
    return made + [(node, node.urn, {}) for node in graph.of_type(CLUSTER) if node.urn in alone]


def _api(graph: Graph) -> Api | None:
    found = _clusters(graph)
    return Api(found[0][1]) if found else None


def _of_deployers(graph: Graph) -> Iterator[Need]:
    for component, cluster, access in _clusters(graph):
        # Whether somebody else's cluster answers from here is seen by asking it.
        if not access or component.read("spec", "existing") is not None:
            continue
        why, reach = "somebody deploys", access.get("reach")
        blocks, groups = items(access.get("allowedCidrs")), items(access.get("allowedSecurityGroupIds"))
        if reach == "ssmTunnel":
            ends = [Deployer(name="deployer through a node's tunnel", tunnel=True)]
        else:
            public = reach == "publicCidrs"
            ends = [Deployer(name=f"deployer in {block}", block=str(block), public=public) for block in blocks]
            ends += [Deployer(name=f"deployer in {group}", group=group) for group in groups]
            ends = ends or [Deployer(name="deployer")]
        for end in ends:
            yield Need(source=end, target=Api(cluster), port=443, why=why, urn=component.urn)


def _of_nodes(graph: Graph, nodes: tuple[Machines, ...]) -> Iterator[Need]:
    api = _api(graph)
    for node in nodes:
        if api is not None:
            urn = api.cluster if isinstance(api.cluster, str) else ""
            yield Need(source=node, target=api, port=443, why="a node joins by it", urn=urn)
        for service in sorted(node.calls - {LATER}):
            why = "its role's policies" if service != HIDDEN else "its role is not the stack's"
            yield Need(source=node, target=Service(service), port=443, why=why, urn="")
        yield Need(source=node, target=Service("internet"), port=443, why="images of public registries", urn="")
        for group in node.groups:
            if type_of(str(group)) == GROUP:
                why = "a group of their own"
                yield Need(source=node, target=Fabric(group=group), port=0, protocol=EVERY, why=why, urn=str(group))


def _of_controllers(graph: Graph, found: Programs) -> Iterator[Need]:
    api = _api(graph)
    for pod in found.pods if api is not None else ():
        if pod.api and not pod.host:
            yield Need(source=pod, target=api or Api(UNKNOWN), port=443, why="it is a controller", urn=pod.urn)


def _of_identities(graph: Graph, found: Programs, calls: Calls) -> Iterator[Need]:
    for namespace, account, role, urn in _identities(graph):
        holders = [pod for pod in found.pods if (pod.pod.namespace, pod.account) == (namespace, account)]
        for holder in holders:
            if not holder.host:
                yield Need(source=holder, target=Agent(), port=80, why="it has a role", urn=urn)
            for service in sorted(calls.of(role) - {LATER}):
                yield Need(source=holder, target=Service(service), port=443, why="its role's policies", urn=urn)


def _identities(graph: Graph) -> Iterator[tuple[str, str, Key | None, str]]:
    for node in graph.of_type(ASSOCIATION):
        role = key(node, (ROLE,), "roleArn")
        yield str(node.read("namespace")), str(node.read("serviceAccount")), role, node.urn
    for node in graph.of_type(ADDON):
        given = items(node.read("podIdentityAssociations"))
        roles = node.references.get("podIdentityAssociations", ())
        for each in map(mapping, given):
            role = roles[0] if len(roles) == len(given) == 1 else UNKNOWN
            yield SYSTEM, str(each.get("serviceAccount")), role, node.urn


def _of_databases(graph: Graph, found: Programs) -> Iterator[Need]:
    for node in graph.of_type(INSTANCE):
        home = [graph.get(each) for each in node.references.get("dbSubnetGroupName", ())]
        subnets = tuple(each for group in home if group for each in keys(group, (SUBNET,), "subnetIds")) or (UNKNOWN,)
        target = Database(
            name=f"database {node.name}", subnets=subnets, groups=keys(node, GROUPS, "vpcSecurityGroupIds")
        )
        port = node.read("port")
        told = {
            (namespace_of(each, graph), str(_secret(each)))
            for each in graph.of_type(EXTERNAL, SECRET)
            if _names(each, node)
        }
        for pod in found.pods:
            if any((pod.pod.namespace, secret) in told for secret in pod.secrets):
                number = port if isinstance(port, int) else 5432
                yield Need(source=pod, target=target, port=number, why="its Secret names the database", urn=node.urn)


def _names(secret: Node, database: Node) -> bool:
    return any(database.urn in urns for urns in secret.references.values())


def _secret(node: Node) -> object:
    external = node.type == EXTERNAL
    return (node.read("spec", "target", "name") if external else None) or node.read("metadata", "name")


def _of_names(graph: Graph, found: Programs) -> Iterator[Need]:
    """Every pod, and every pod that a team will start in a namespace of the stack's, looks names up."""
    answering = dns(found)
    asking = [pod for pod in found.pods if not pod.host and pod.pod.labels.items() != answering.pod.labels.items()]
    for node in graph.of_type(NAMESPACE):
        asking.append(anyone(str(node.read("metadata", "name")), labels_of(node.read("metadata", "labels")), node.urn))
    for pods in asking:
        for protocol in ("UDP", "TCP"):
            yield Need(source=pods, target=answering, port=53, protocol=protocol, why="it looks names up", urn=pods.urn)
