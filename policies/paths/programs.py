"""Every pod that a stack declares, as the network sees it: from workloads, from charts and from EKS add-ons."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core import yaml_lines
from kube.charts import name_of as chart_of
from kube.network_policies import Pod
from kube.pods import containers, pod_template
from policies.paths.keys import NAMESPACE, UNKNOWN, Graph, Node, items, labels_of, mapping, namespace_of

RELEASE = "kubernetes:helm.sh/v3:Release"
ADDON = "aws:eks/addon:Addon"
SYSTEM = "kube-system"
KUBERNETES = "kubernetes:"
DNS = {"k8s-app": "kube-dns"}
"""The labels of CoreDNS in every cluster."""


@dataclass(frozen=True, kw_only=True)
class Pods:
    """The pods of one workload: how a reader calls them, whose service account they have, and which resource declares them.

    `host` pods have their node's address and no policy applies to them. `secrets` are the Secrets that they read.
    """

    name: str
    pod: Pod
    urn: str
    account: str = "default"
    host: bool = False
    api: bool = False
    scrapes: bool = False
    images: tuple[str, ...] = ()
    secrets: frozenset[str] = frozenset()

    def port(self, named: str | int) -> int | None:
        """The number of a port."""
        return named if isinstance(named, int) else self.pod.ports.get(named)


@dataclass(frozen=True, kw_only=True)
class Program:
    """What one release or add-on brings: its pods by role, and its entry in the table."""

    urn: str
    name: str
    namespace: str
    pods: Mapping[str, Pods]
    facts: Mapping[str, Any]
    values: Mapping[str, Any]

    def parts(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """The entries of a list of the table that are switched on."""
        found = self.facts.get(kind, ())
        yield from (each for each in found if on(each, self.values))


@dataclass
class Programs:
    """All pods of a graph, and what is known of the programs that brought some of them."""

    pods: list[Pods] = field(default_factory=list)
    programs: list[Program] = field(default_factory=list)
    unknown: list[tuple[Node, str]] = field(default_factory=list)
    """Releases and add-ons that the table does not have, each with its name."""


@functools.cache
def table() -> Mapping[str, Any]:
    """The facts of `data/programs.yaml`."""
    text = (Path(__file__).parent / "data" / "programs.yaml").read_text(encoding="utf-8")
    return yaml_lines.load(text)  # type: ignore[no-any-return]


def programs(graph: Graph) -> Programs:
    """Every pod that the graph declares."""
    found = Programs()
    spaces = {str(each.read("metadata", "name")): each for each in graph.of_type(NAMESPACE)}
    labels = {name: labels_of(node.read("metadata", "labels")) for name, node in spaces.items()}
    for node in graph.nodes:
        if node.type in (RELEASE, ADDON):
            _program(node, graph, labels, found)
        elif node.type.startswith(KUBERNETES):
            _workload(node, graph, labels, found)
    return found


def dns(found: Programs) -> Pods:
    """CoreDNS: the add-on's, or the one that a cluster of somebody else's brings."""
    own = next((pod for pod in found.pods if DNS.items() <= pod.pod.labels.items()), None)
    if own is not None:
        return replace(own, name="DNS")
    return Pods(name="DNS", pod=Pod(namespace=SYSTEM, labels=DNS, ports={"dns": 53}), urn="")


def on(part: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a part of a chart is switched on; a switch that nobody has set is."""
    if "when" not in part:
        return True
    here = at(values, part["when"])
    return here is None or here is True


def at(values: Any, path: str) -> Any:
    """The value at a dotted path; None when there is none."""
    for step in path.split("."):
        values = mapping(values).get(step)
    return values


def _program(node: Node, graph: Graph, labels: Mapping[str, dict[str, str]], found: Programs) -> None:
    release = node.type == RELEASE
    name = chart_of(node.read("chart")) if release else str(node.read("addonName"))
    facts = table()["charts" if release else "addons"].get(name)
    version = str(node.read("version")).removeprefix("v") if release else ""
    if facts is None or (release and facts["version"] != version):
        found.unknown.append((node, f"chart {name} {version}" if release else f"add-on {name}"))
        return
    values = mapping(node.read("values")) if release else {}
    home = namespace_of(node, graph) if release else SYSTEM
    made = {
        role: _pods(node, f"{name}/{role}" if role != name else name, role_facts, values, home, labels)
        for role, role_facts in facts["pods"].items()
        if on(role_facts, values)
    }
    found.pods.extend(made.values())
    found.programs.append(Program(urn=node.urn, name=name, namespace=home, pods=made, facts=facts, values=values))


def _pods(
    node: Node,
    name: str,
    facts: Mapping[str, Any],
    values: Mapping[str, Any],
    home: str,
    labels: Mapping[str, dict[str, str]],
) -> Pods:
    named = str(facts.get("namespace", ""))
    elsewhere = named[1:] if named.startswith("=") else at(values, named) if named else None
    space = elsewhere if isinstance(elsewhere, str) else home
    said = at(values, facts.get("account", ""))
    account = said if isinstance(said, str) else facts.get("account", "") if node.type == ADDON else ""
    pod = Pod(
        namespace=space,
        labels=facts["labels"],
        namespace_labels=labels.get(space, {}),
        ports=facts.get("ports", {}),
    )
    return Pods(
        name=name,
        pod=pod,
        urn=node.urn,
        account=account,
        host=facts.get("host", False),
        api=facts.get("api", False),
        scrapes=facts.get("scrapes", False),
    )


def _workload(node: Node, graph: Graph, labels: Mapping[str, dict[str, str]], found: Programs) -> None:
    kind = node.type.rpartition(":")[2]
    template = pod_template({**node.inputs, "kind": kind})
    if template is None:
        return
    spec, meta = mapping(template[1].get("spec")), mapping(template[1].get("metadata"))
    if kind == "Pod":
        meta = mapping(node.read("metadata"))
    space = namespace_of(node, graph)
    held = [each for _, each in containers(spec)]
    ports = {
        str(port["name"]): port["containerPort"]
        for each in held
        for port in map(mapping, items(each.get("ports")))
        if isinstance(port.get("containerPort"), int) and port.get("name")
    }
    pod = Pod(
        namespace=space,
        labels=labels_of(meta.get("labels")),
        namespace_labels=labels.get(space, {}),
        ports=ports,
    )
    found.pods.append(
        Pods(
            name=f"{node.name} ({kind})",
            pod=pod,
            urn=node.urn,
            account=str(spec.get("serviceAccountName") or "default"),
            host=spec.get("hostNetwork") is True,
            images=tuple(str(each.get("image")) for each in held if each.get("image") is not UNKNOWN),
            secrets=frozenset(_secrets(spec, held)),
        )
    )


def _secrets(spec: Mapping[str, Any], held: list[Mapping[str, Any]]) -> Iterator[str]:
    for volume in map(mapping, items(spec.get("volumes"))):
        yield str(mapping(volume.get("secret")).get("secretName"))
        for part in map(mapping, items(mapping(volume.get("projected")).get("sources"))):
            yield str(mapping(part.get("secret")).get("name"))
    for each in held:
        for name in map(mapping, items(each.get("env"))):
            yield str(mapping(mapping(name.get("valueFrom")).get("secretKeyRef")).get("name"))
        for name in map(mapping, items(each.get("envFrom"))):
            yield str(mapping(name.get("secretRef")).get("name"))
