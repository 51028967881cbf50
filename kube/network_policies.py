"""What a set of NetworkPolicies lets through, as networking.k8s.io/v1 defines it: pure, and the same for every plugin.

Where the API leaves a choice to the plugin this takes the stricter one: an `ipBlock` never stands for a pod, because a plugin
may see a pod's address before or after translation. What is not known lets nothing through, and counts as isolating.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kube.pods import items, mapping

Block = ipaddress.IPv4Network
NAME_LABEL = "kubernetes.io/metadata.name"
"""The label that every namespace has: its name."""
_NONE: tuple[Any, ...] = (None, [], ())


@dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod, or every pod of a kind: its namespace with that namespace's labels, its own labels, its named ports."""

    namespace: str
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Addresses:
    """A peer outside the pod network. Every address of the blocks is meant: a rule for a part of them is not enough."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A NetworkPolicy: its namespace, its name, and its `spec` as the API has it."""

    namespace: str
    name: str
    spec: Mapping[str, Any]

    def isolates(self, pod: Pod, direction: str) -> bool:
        """Whether the policy selects the pod for `Ingress` or `Egress`."""
        return self.namespace == pod.namespace and direction in types(self.spec) and selects_or_unknown(self.spec, pod)


def types(spec: Mapping[str, Any]) -> tuple[str, ...]:
    """The directions that a policy is about: `Ingress` unless it says otherwise, `Egress` when it has such rules."""
    said = items(spec.get("policyTypes"))
    if said:
        return tuple(map(str, said))
    return ("Ingress",) if spec.get("egress") in _NONE else ("Ingress", "Egress")


def denied(
    policies: Iterable[Policy], source: Pod | Addresses, target: Pod | Addresses, port: int, protocol: str = "TCP"
) -> str:
    """Why a connection to `port` does not get through, empty when it does; the direction and the policies are named."""
    policies = tuple(policies)
    for direction, end, peer in (("Egress", source, target), ("Ingress", target, source)):
        if not isinstance(end, Pod):
            continue
        isolating = [policy for policy in policies if policy.isolates(end, direction)]
        rules = [mapping(rule) for policy in isolating for rule in items(policy.spec.get(direction.lower()))]
        open_ = [rule for rule in rules if _port(rule.get("ports"), target, port, protocol)]
        if isolating and not _lets(open_, "to" if direction == "Egress" else "from", end.namespace, peer):
            names = ", ".join(sorted(policy.name for policy in isolating))
            way = "out of" if direction == "Egress" else "into"
            return f"no NetworkPolicy lets it {way} namespace {end.namespace} (there: {names})"
    return ""


def selects(selector: object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; one that is absent or not known matches nothing, an empty one everything."""
    if not isinstance(selector, Mapping):
        return False
    for key, wanted in mapping(selector.get("matchLabels")).items():
        if labels.get(str(key)) != wanted:
            return False
    return all(_holds(mapping(item), labels) for item in items(selector.get("matchExpressions")))


def selects_or_unknown(spec: Mapping[str, Any], pod: Pod) -> bool:
    """Whether a policy may select the pod: a selector that is not known may."""
    selector = spec.get("podSelector")
    return not (selector is None or isinstance(selector, Mapping)) or selects(selector or {}, pod.labels)


def covered(blocks: Sequence[Block], by: Iterable[tuple[Block, Sequence[Block]]]) -> bool:
    """Whether every address of `blocks` is in one of the ranges, each given with what it leaves out."""
    left = list(blocks)
    for block, but in by:
        left = [rest for network in left for rest in _without(network, block, but)]
    return not left


def _without(block: Block, taken: Block, but: Sequence[Block]) -> list[Block]:
    """What of `block` is not in `taken`, to which `but` does not belong."""
    if not block.overlaps(taken):
        return [block]
    outside = [] if block.subnet_of(taken) else list(block.address_exclude(taken))
    inside = block if block.subnet_of(taken) else taken
    kept = [network if network.subnet_of(inside) else inside for network in but if network.overlaps(inside)]
    return [*outside, *ipaddress.collapse_addresses(kept)]


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, values = str(expression.get("key")), items(expression.get("values"))
    return {
        "In": labels.get(key) in values and key in labels,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }.get(str(expression.get("operator")), False)


def _lets(rules: Sequence[Mapping[str, Any]], key: str, home: str, peer: Pod | Addresses) -> bool:
    """Whether the rules together let the peer through; its addresses may be spread over several."""
    if any(rule.get(key) in _NONE for rule in rules):
        return True
    peers = [mapping(each) for rule in rules for each in items(rule.get(key))]
    if isinstance(peer, Addresses):
        return covered(peer.blocks, _blocks(peers))
    return any(_is(each, peer, home) for each in peers)


def _blocks(peers: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Block, list[Block]]]:
    for peer in peers:
        block = mapping(peer.get("ipBlock"))
        try:
            yield Block(block.get("cidr", "")), [Block(str(item)) for item in items(block.get("except"))]
        except ValueError:
            continue


def _is(peer: Mapping[str, Any], pod: Pod, home: str) -> bool:
    spaces, pods = peer.get("namespaceSelector"), peer.get("podSelector")
    if spaces is None and pods is None:
        return False
    of_space = {**pod.namespace_labels, NAME_LABEL: pod.namespace}
    there = pod.namespace == home if spaces is None else selects(spaces, of_space)
    return there and (pods is None or selects(pods, pod.labels))


def _port(ports: object, target: Pod | Addresses, port: int, protocol: str) -> bool:
    if ports in _NONE:
        return True
    return any(_is_port(mapping(item), target, port, protocol) for item in items(ports))


def _is_port(said: Mapping[str, Any], target: Pod | Addresses, port: int, protocol: str) -> bool:
    if said.get("protocol", "TCP") != protocol:
        return False
    first = said.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return isinstance(target, Pod) and target.ports.get(first) == port
    if isinstance(first, bool) or not isinstance(first, int):
        return False
    last = said.get("endPort", first)
    return isinstance(last, int) and first <= port <= last
