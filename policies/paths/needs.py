"""Which paths a stack needs. Nothing here is a list kept by hand: each need comes from a resource that the stack declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from kube.network_policies import Block, Pod
from policies.paths.calls import HIDDEN, ROLE, Calls
from policies.paths.ends import Agent, Api, Clients, Database, Deployer, Machines, Need, Service
from policies.paths.groups import CLUSTER, GROUPS
from policies.paths.keys import NAMESPACE, UNKNOWN, Graph, Key, Node, items, key, keys, labels_of, mapping, namespace_of
from policies.paths.network import SUBNET
from policies.paths.programs import ADDON, SYSTEM, Pods, Program, Programs
from pricing.tokens import NODE_CLASS

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
INSTANCE = "aws:rds/instance:Instance"
SUBNET_GROUP = "aws:rds/subnetGroup:SubnetGroup"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"
COMPONENT = "modelyard:index:Cluster"
POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SERVICE = "kubernetes:core/v1:Service"
MONITORS = ("kubernetes:monitoring.coreos.com/v1:ServiceMonitor", "kubernetes:monitoring.coreos.com/v1:PodMonitor")
EXTERNAL = "kubernetes:external-secrets.io/v1:ExternalSecret"
SECRET = "kubernetes:core/v1:Secret"  # noqa: S105 - a type's name
HOOKS = tuple(f"kubernetes:admissionregistration.k8s.io/v1:{kind}WebhookConfiguration" for kind in ("Validating", "Mutating"))
DNS = {"k8s-app": "kube-dns"}
"""The labels of CoreDNS in every cluster."""


def machines(graph: Graph, calls: Calls) -> tuple[Machines, ...]:
    """The nodes that node groups and node classes make, those that are alike together."""
    alike: dict[tuple[Any, ...], list[str]] = {}
    for node in graph.of_type(NODE_GROUP, NODE_CLASS):
        if node.type == NODE_GROUP:
            subnets, role = keys(node, (SUBNET,), "subnetIds"), key(node, (ROLE,), "nodeRoleArn")
            groups = _template_groups(node, graph) or keys(node, (CLUSTER,), "clusterName")
            groups = tuple(each if graph.get(str(each)) else UNKNOWN for each in groups)
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
    yield from _of_webhooks(graph, found)
    yield from _of_prometheus(graph, found)
    yield from _of_policies(graph, found)
    yield from _of_balancers(graph, found)
    yield from _of_names(graph, found)


def _clusters(graph: Graph) -> list[tuple[Node, Key, Mapping[str, Any]]]:
    """Each Cluster component with its cluster, which somebody else may have made, and its access settings."""
    made: list[tuple[Node, Key, Mapping[str, Any]]] = []
    for component in graph.of_type(COMPONENT):
        own = next((each.urn for each in graph.children(component) if each.type == CLUSTER), UNKNOWN)
        made.append((component, own, mapping(component.read("spec", "access"))))
    alone = {each.urn for each in graph.of_type(CLUSTER)} - {str(own) for _, own, _ in made}
    return made + [(node, node.urn, {}) for node in graph.of_type(CLUSTER) if node.urn in alone]


def _api(graph: Graph) -> Api | None:
    found = _clusters(graph)
    return Api(found[0][1]) if found else None


def _of_deployers(graph: Graph) -> Iterator[Need]:
    for component, cluster, access in _clusters(graph):
        if cluster is UNKNOWN or not access:
            continue
        why, reach = "somebody deploys", access.get("reach")
        blocks, groups = items(access.get("allowedCidrs")), items(access.get("allowedSecurityGroupIds"))
        if reach == "ssmTunnel":
            ends = [Deployer(name="deployer through a node's tunnel", tunnel=True)]
        else:
            public = reach == "publicCidrs"
            ends = [Deployer(name=f"deployer in {each}", block=str(each), public=public) for each in blocks]
            ends += [Deployer(name=f"deployer in {each}", group=each) for each in groups]
            ends = ends or [Deployer(name="deployer")]
        for end in ends:
            yield Need(source=end, target=Api(cluster), port=443, why=why, urn=component.urn)


def _of_nodes(graph: Graph, nodes: tuple[Machines, ...]) -> Iterator[Need]:
    api = _api(graph)
    for each in nodes:
        if api is not None:
            urn = api.cluster if isinstance(api.cluster, str) else ""
            yield Need(source=each, target=api, port=443, why="a node joins by it", urn=urn)
        for service in sorted(each.calls):
            why = "its role's policies" if service != HIDDEN else "its role is not the stack's"
            yield Need(source=each, target=Service(service), port=443, why=why, urn="")
        yield Need(source=each, target=Service("internet"), port=443, why="images of public registries", urn="")


def _of_controllers(graph: Graph, found: Programs) -> Iterator[Need]:
    api = _api(graph)
    for each in found.pods if api is not None else ():
        if each.api and not each.host:
            yield Need(source=each, target=api or Api(UNKNOWN), port=443, why="it is a controller", urn=each.urn)


def _of_identities(graph: Graph, found: Programs, calls: Calls) -> Iterator[Need]:
    for namespace, account, role, urn in _identities(graph):
        holders = [each for each in found.pods if (each.pod.namespace, each.account) == (namespace, account)]
        for each in holders:
            if not each.host:
                yield Need(source=each, target=Agent(), port=80, why="it has a role", urn=urn)
            for service in sorted(calls.of(role)):
                yield Need(source=each, target=Service(service), port=443, why="its role's policies", urn=urn)


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
        target = Database(name=f"database {node.name}", subnets=subnets, groups=keys(node, GROUPS, "vpcSecurityGroupIds"))
        port = node.read("port")
        told = {(namespace_of(each, graph), str(_secret(each))) for each in graph.of_type(EXTERNAL, SECRET) if _names(each, node)}
        for each in found.pods:
            if any((each.pod.namespace, secret) in told for secret in each.secrets):
                number = port if isinstance(port, int) else 5432
                yield Need(source=each, target=target, port=number, why="its Secret names the database", urn=node.urn)


def _names(secret: Node, database: Node) -> bool:
    return any(database.urn in urns for urns in secret.references.values())


def _secret(node: Node) -> object:
    external = node.type == EXTERNAL
    return (node.read("spec", "target", "name") if external else None) or node.read("metadata", "name")


def _of_webhooks(graph: Graph, found: Programs) -> Iterator[Need]:
    api = _api(graph)
    if api is None:
        return
    for program in found.programs:
        for part in program.parts("webhooks"):
            target = program.pods.get(part["pod"])
            port = target.port(part["port"]) if target else None
            if target is not None and port is not None:
                yield Need(source=api, target=target, port=port, why=f"it is asked about {part['of']}", urn=program.urn)
    for node in graph.of_type(*HOOKS):
        for hook in map(mapping, items(node.read("webhooks"))):
            service = mapping(mapping(hook.get("clientConfig")).get("service"))
            if service:
                named = (str(service.get("namespace")), str(service.get("name")))
                yield from _behind(graph, found, named, service.get("port", 443), api, node.urn)


def _behind(
    graph: Graph, found: Programs, named: tuple[str, str], port: object, source: Api, urn: str
) -> Iterator[Need]:
    for node in graph.of_type(SERVICE):
        if (namespace_of(node, graph), node.read("metadata", "name")) == named:
            for said in map(mapping, items(node.read("spec", "ports"))):
                if said.get("port") == port:
                    for each in _selected(node, graph, found):
                        number = _target_port(said, each)
                        if number is not None:
                            yield Need(source=source, target=each, port=number, why="it answers a webhook", urn=urn)


def _target_port(said: Mapping[str, Any], pods: Pods) -> int | None:
    wanted = said.get("targetPort", said.get("port"))
    return pods.port(wanted) if isinstance(wanted, int | str) else None


def _selected(service: Node, graph: Graph, found: Programs) -> list[Pods]:
    wanted, home = labels_of(service.read("spec", "selector")), namespace_of(service, graph)
    return [
        each for each in found.pods if wanted and each.pod.namespace == home and wanted.items() <= each.pod.labels.items()
    ]


def _of_prometheus(graph: Graph, found: Programs) -> Iterator[Need]:
    for scraper in (each for each in found.pods if each.scrapes):
        for program in found.programs:
            yield from _scraped_of(program, scraper, graph, found)
        for monitor in graph.of_type(*MONITORS):
            for target, port in _monitored(monitor, graph, found):
                yield Need(source=scraper, target=target, port=port, why=f"monitor {monitor.name}", urn=monitor.urn)
    for program in found.programs:
        for part in program.parts("asks"):
            source, target = program.pods.get(part["from"]), program.pods.get(part["to"])
            port = target.port(part["port"]) if target else None
            if source and target and port:
                yield Need(source=source, target=target, port=port, why=f"{program.name} is made so", urn=program.urn)
        if asks := program.facts.get("kubelets"):
            yield from _kubelets(program.pods[asks["pod"]], graph, program.urn)


def _scraped_of(program: Program, scraper: Pods, graph: Graph, found: Programs) -> Iterator[Need]:
    why = f"a monitor of chart {program.name}"
    for part in program.parts("scraped"):
        if "pod" in part:
            target = program.pods.get(part["pod"])
            port = target.port(part["port"]) if target else None
            if target is not None and port is not None:
                yield Need(source=scraper, target=target, port=port, why=why, urn=program.urn)
        elif "nodes" in part:
            yield from _kubelets(scraper, graph, program.urn)
        elif "dns" in part:
            yield Need(source=scraper, target=_dns(found), port=part["dns"], why=why, urn=program.urn)
        elif (api := _api(graph)) is not None:
            yield Need(source=scraper, target=api, port=443, why=why, urn=program.urn)


def _kubelets(source: Pods, graph: Graph, urn: str) -> Iterator[Need]:
    if _api(graph) is not None:
        kubelet = Pods(name="kubelet", pod=Pod(namespace=""), urn=urn, host=True)
        yield Need(source=source, target=kubelet, port=10250, why="it reads each node's figures", urn=urn)


def _monitored(monitor: Node, graph: Graph, found: Programs) -> Iterator[tuple[Pods, int]]:
    """The pods that a monitor selects: through the Services of the stack and of charts, or directly."""
    wanted = labels_of(monitor.read("spec", "selector", "matchLabels"))
    spaces = mapping(monitor.read("spec", "namespaceSelector"))
    named = set(items(spaces.get("matchNames"))) or {namespace_of(monitor, graph)}
    direct = monitor.type.endswith("PodMonitor")
    ports = [mapping(each) for each in items(monitor.read("spec", "podMetricsEndpoints" if direct else "endpoints"))]

    def here(space: str) -> bool:
        return spaces.get("any") is True or space in named

    if direct:
        chosen = [(each, {}) for each in found.pods if wanted.items() <= each.pod.labels.items()]
    else:
        chosen = [
            (each, {str(port.get("name")): port for port in map(mapping, items(service.read("spec", "ports")))})
            for service in graph.of_type(SERVICE)
            if wanted.items() <= labels_of(service.read("metadata", "labels")).items()
            for each in _selected(service, graph, found)
        ]
        chosen += [
            (program.pods[part["pod"]], {})
            for program in found.programs
            for part in program.parts("services")
            if wanted.items() <= part["labels"].items()
        ]
    for each, by_name in chosen:
        for endpoint in ports if here(each.pod.namespace) else ():
            said = by_name.get(str(endpoint.get("port")))
            port = _target_port(said, each) if said else each.port(str(endpoint.get("port")))
            if port is not None:
                yield each, port


def _of_policies(graph: Graph, found: Programs) -> Iterator[Need]:
    """A rule that names a namespace is half a promise: whoever is let in must get out there, and the other way round."""
    spaces = {str(each.read("metadata", "name")): labels_of(each.read("metadata", "labels")) for each in graph.of_type(NAMESPACE)}
    for node in graph.of_type(POLICY):
        home, chosen = namespace_of(node, graph), labels_of(node.read("spec", "podSelector", "matchLabels"))
        own = [each for each in found.pods if each.pod.namespace == home and chosen.items() <= each.pod.labels.items()]
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule in map(mapping, items(node.read("spec", direction))):
                for peer in map(mapping, items(rule.get(ends))):
                    space = mapping(mapping(peer.get("namespaceSelector")).get("matchLabels")).get("kubernetes.io/metadata.name")
                    if isinstance(space, str) and space != SYSTEM:
                        wanted = labels_of(mapping(peer.get("podSelector")).get("matchLabels"))
                        there = [each for each in found.pods if each.pod.namespace == space]
                        there = [each for each in there if wanted.items() <= each.pod.labels.items()]
                        if not wanted and space in spaces:
                            there = [_anyone(space, spaces[space], node.urn)]
                        mine = own if chosen else [_anyone(home, spaces.get(home, {}), node.urn)]
                        pairs = [(a, b) for a in there for b in mine] if direction == "ingress" else [(a, b) for a in mine for b in there]
                        yield from _promised(pairs, rule, node)


def _promised(pairs: list[tuple[Pods, Pods]], rule: Mapping[str, Any], node: Node) -> Iterator[Need]:
    for source, target in pairs:
        for said in map(mapping, items(rule.get("ports"))):
            port = said.get("port")
            number = target.port(port) if isinstance(port, int | str) else None
            listens = not target.pod.labels or number in target.pod.ports.values()
            if number is not None and listens and source.name != target.name:
                protocol = str(said.get("protocol", "TCP"))
                why = f"policy {node.name} names them"
                yield Need(source=source, target=target, port=number, protocol=protocol, why=why, urn=node.urn)


def _anyone(space: str, labels: Mapping[str, str], urn: str) -> Pods:
    return Pods(name=f"pods of {space}", pod=Pod(namespace=space, namespace_labels=labels), urn=urn)


def _of_balancers(graph: Graph, found: Programs) -> Iterator[Need]:
    for node in graph.of_type(SERVICE):
        if node.read("spec", "type") != "LoadBalancer":
            continue
        blocks = tuple(Block(str(each)) for each in items(node.read("spec", "loadBalancerSourceRanges")))
        clients = Clients(name=f"clients in {', '.join(map(str, blocks))}", blocks=blocks)
        for each in _selected(node, graph, found) if blocks else ():
            for said in map(mapping, items(node.read("spec", "ports"))):
                if (port := _target_port(said, each)) is not None:
                    yield Need(source=clients, target=each, port=port, why="a load balancer leads there", urn=node.urn)


def _of_names(graph: Graph, found: Programs) -> Iterator[Need]:
    """Every pod, and every pod that a team will start in a namespace of the stack's, looks names up."""
    dns = _dns(found)
    asking = [each for each in found.pods if not each.host and each.pod.labels.items() != dns.pod.labels.items()]
    for node in graph.of_type(NAMESPACE):
        asking.append(_anyone(str(node.read("metadata", "name")), labels_of(node.read("metadata", "labels")), node.urn))
    for each in asking:
        for protocol in ("UDP", "TCP"):
            yield Need(source=each, target=dns, port=53, protocol=protocol, why="it looks names up", urn=each.urn)


def _dns(found: Programs) -> Pods:
    """CoreDNS: the add-on's, or the one that a cluster of somebody else's brings."""
    own = next((each for each in found.pods if DNS.items() <= each.pod.labels.items()), None)
    if own is not None:
        return replace(own, name="DNS")
    return Pods(name="DNS", pod=Pod(namespace=SYSTEM, labels=DNS, ports={"dns": 53}), urn="")
