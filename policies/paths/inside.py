"""Which paths there have to be inside the cluster: to webhooks, to what Prometheus reads, between those that policies name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kube.network_policies import Block, Pod
from policies.paths.ends import Api, Clients, Need
from policies.paths.keys import NAMESPACE, Graph, Node, items, labels_of, mapping, namespace_of
from policies.paths.programs import SYSTEM, Pods, Program, Programs, dns

POLICY = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
SERVICE = "kubernetes:core/v1:Service"
MONITORS = ("kubernetes:monitoring.coreos.com/v1:ServiceMonitor", "kubernetes:monitoring.coreos.com/v1:PodMonitor")
HOOKS = tuple(
    f"kubernetes:admissionregistration.k8s.io/v1:{kind}WebhookConfiguration" for kind in ("Validating", "Mutating")
)


def needs_inside(graph: Graph, found: Programs, api: Api | None) -> Iterator[Need]:
    """Every need between pods, and between pods and the API server; `api` is None where no cluster is to be seen."""
    yield from _of_webhooks(graph, found, api)
    yield from _of_prometheus(graph, found, api)
    yield from _of_policies(graph, found)
    yield from _of_balancers(graph, found)


def _of_webhooks(graph: Graph, found: Programs, api: Api | None) -> Iterator[Need]:
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
                    for pods in _selected(node, graph, found):
                        number = _target_port(said, pods)
                        if number is not None:
                            yield Need(source=source, target=pods, port=number, why="it answers a webhook", urn=urn)


def _target_port(said: Mapping[str, Any], pods: Pods) -> int | None:
    wanted = said.get("targetPort", said.get("port"))
    return pods.port(wanted) if isinstance(wanted, int | str) else None


def _selected(service: Node, graph: Graph, found: Programs) -> list[Pods]:
    wanted, home = labels_of(service.read("spec", "selector")), namespace_of(service, graph)
    return [
        pod for pod in found.pods if wanted and pod.pod.namespace == home and wanted.items() <= pod.pod.labels.items()
    ]


def _of_prometheus(graph: Graph, found: Programs, api: Api | None) -> Iterator[Need]:
    for scraper in (pod for pod in found.pods if pod.scrapes):
        for program in found.programs:
            yield from _scraped_of(program, scraper, found, api)
        for monitor in graph.of_type(*MONITORS):
            for target, port in _monitored(monitor, graph, found):
                yield Need(source=scraper, target=target, port=port, why=f"monitor {monitor.name}", urn=monitor.urn)
    for program in found.programs:
        for part in program.parts("asks"):
            asking, asked = program.pods.get(part["from"]), program.pods.get(part["to"])
            number = asked.port(part["port"]) if asked else None
            if asking and asked and number:
                yield Need(source=asking, target=asked, port=number, why=f"{program.name} is made so", urn=program.urn)
        if asks := program.facts.get("kubelets"):
            yield from _kubelets(program.pods[asks["pod"]], api, program.urn)


def _scraped_of(program: Program, scraper: Pods, found: Programs, api: Api | None) -> Iterator[Need]:
    why = f"a monitor of chart {program.name}"
    for part in program.parts("scraped"):
        if "pod" in part:
            target = program.pods.get(part["pod"])
            port = target.port(part["port"]) if target else None
            if target is not None and port is not None:
                yield Need(source=scraper, target=target, port=port, why=why, urn=program.urn)
        elif "nodes" in part:
            yield from _kubelets(scraper, api, program.urn)
        elif "dns" in part:
            yield Need(source=scraper, target=dns(found), port=part["dns"], why=why, urn=program.urn)
        elif api is not None:
            yield Need(source=scraper, target=api, port=443, why=why, urn=program.urn)


def _kubelets(source: Pods, api: Api | None, urn: str) -> Iterator[Need]:
    if api is not None:
        kubelet = Pods(name="kubelet", pod=Pod(namespace=""), urn=urn, host=True)
        yield Need(source=source, target=kubelet, port=10250, why="it reads each node's figures", urn=urn)


def _monitored(monitor: Node, graph: Graph, found: Programs) -> Iterator[tuple[Pods, int]]:
    """The pods that a monitor selects: through the Services of the stack and of charts, or directly."""
    chosen: list[tuple[Pods, Mapping[str, Mapping[str, Any]]]]
    wanted = labels_of(monitor.read("spec", "selector", "matchLabels"))
    spaces = mapping(monitor.read("spec", "namespaceSelector"))
    named = set(items(spaces.get("matchNames"))) or {namespace_of(monitor, graph)}
    direct = monitor.type.endswith("PodMonitor")
    ports = [mapping(item) for item in items(monitor.read("spec", "podMetricsEndpoints" if direct else "endpoints"))]

    def here(space: str) -> bool:
        return spaces.get("any") is True or space in named

    if direct:
        chosen = [(pod, {}) for pod in found.pods if wanted.items() <= pod.pod.labels.items()]
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
    spaces = {
        str(each.read("metadata", "name")): labels_of(each.read("metadata", "labels"))
        for each in graph.of_type(NAMESPACE)
    }
    for node in graph.of_type(POLICY):
        home, chosen = namespace_of(node, graph), labels_of(node.read("spec", "podSelector", "matchLabels"))
        own = [pod for pod in found.pods if pod.pod.namespace == home and chosen.items() <= pod.pod.labels.items()]
        for direction, ends in (("ingress", "from"), ("egress", "to")):
            for rule in map(mapping, items(node.read("spec", direction))):
                for peer in map(mapping, items(rule.get(ends))):
                    space = mapping(mapping(peer.get("namespaceSelector")).get("matchLabels")).get(
                        "kubernetes.io/metadata.name"
                    )
                    if isinstance(space, str) and space != SYSTEM:
                        wanted = labels_of(mapping(peer.get("podSelector")).get("matchLabels"))
                        there = [pod for pod in found.pods if pod.pod.namespace == space]
                        there = [pods for pods in there if wanted.items() <= pods.pod.labels.items()]
                        if not wanted and space in spaces:
                            there = [anyone(space, spaces[space], node.urn)]
                        mine = own if chosen else [anyone(home, spaces.get(home, {}), node.urn)]
                        pairs = (
                            [(a, b) for a in there for b in mine]
                            if direction == "ingress"
                            else [(a, b) for a in mine for b in there]
                        )
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


def anyone(space: str, labels: Mapping[str, str], urn: str) -> Pods:
    return Pods(name=f"pods of {space}", pod=Pod(namespace=space, namespace_labels=labels), urn=urn)


def _of_balancers(graph: Graph, found: Programs) -> Iterator[Need]:
    for node in graph.of_type(SERVICE):
        if node.read("spec", "type") != "LoadBalancer":
            continue
        blocks = tuple(Block(str(item)) for item in items(node.read("spec", "loadBalancerSourceRanges")))
        clients = Clients(name=f"clients in {', '.join(map(str, blocks))}", blocks=blocks)
        for pods in _selected(node, graph, found) if blocks else ():
            for said in map(mapping, items(node.read("spec", "ports"))):
                if (port := _target_port(said, pods)) is not None:
                    yield Need(source=clients, target=pods, port=port, why="a load balancer leads there", urn=node.urn)
