"""NetworkPolicies against a plain reference: it lists every single peer, port and address, and looks each up."""

from __future__ import annotations

import ipaddress
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kube.network_policies import Addresses, Block, Pod, Policy, covered, denied
from pricing.items.graph import UNKNOWN

WHOLE = Block("10.0.0.0/29")
HOSTS = tuple(Block(str(i_pv4_address)) for i_pv4_address in WHOLE)
BLOCKS = [each for length in (29, 30, 31, 32) for each in WHOLE.subnets(new_prefix=length)]
SPACES: dict[str, dict[str, str]] = {"a": {"team": "red"}, "b": {"team": "blue"}, "c": {}}
LABELS: list[dict[str, str]] = [{}, {"app": "x"}, {"app": "y"}, {"app": "x", "tier": "web"}]
PORTS = (80, 81, 443)
NAMED = {"http": 80, "https": 443}

PODS = [
    Pod(namespace=space, labels=labels, namespace_labels=SPACES[space], ports=NAMED)
    for space, labels in itertools.product(SPACES, LABELS)
]

pairs = st.sampled_from([("app", "x"), ("app", "y"), ("tier", "web"), ("team", "red"), ("team", "blue")])
expressions = st.fixed_dictionaries(
    {
        "key": st.sampled_from(["app", "tier", "team", "kubernetes.io/metadata.name"]),
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
        "values": st.lists(st.sampled_from(["x", "y", "web", "red", "a"]), min_size=1, max_size=2),
    }
)
selectors = st.fixed_dictionaries(
    {},
    optional={
        "matchLabels": st.lists(pairs, max_size=2).map(dict),
        "matchExpressions": st.lists(expressions, max_size=1),
    },
)


@st.composite
def ip_blocks(draw: st.DrawFn) -> dict[str, Any]:
    block = draw(st.sampled_from(BLOCKS))
    inside = [network for network in BLOCKS if network.subnet_of(block) and network != block]
    out = draw(st.lists(st.sampled_from(inside), max_size=2)) if inside else []
    return {"ipBlock": {"cidr": str(block), **({"except": [str(each) for each in out]} if out else {})}}


selecting = st.fixed_dictionaries({}, optional={"namespaceSelector": selectors, "podSelector": selectors}).filter(bool)
ports = st.one_of(
    st.fixed_dictionaries(
        {"port": st.sampled_from([*PORTS, *NAMED])}, optional={"protocol": st.sampled_from(["TCP", "UDP"])}
    ),
    st.just({"protocol": "TCP"}),
    st.just({"port": 80, "endPort": 81}),
)


def rules(key: str) -> st.SearchStrategy[dict[str, Any]]:
    peers = st.lists(st.one_of(selecting, ip_blocks()), max_size=2)
    return st.fixed_dictionaries({}, optional={key: peers, "ports": st.lists(ports, max_size=2)})


specs = st.fixed_dictionaries(
    {"podSelector": selectors},
    optional={
        "policyTypes": st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
        "ingress": st.lists(rules("from"), max_size=2),
        "egress": st.lists(rules("to"), max_size=2),
    },
)
policies = st.lists(
    st.builds(
        lambda space, number, spec: Policy(namespace=space, name=f"p{number}", spec=spec),
        st.sampled_from(list(SPACES)),
        st.integers(0, 99),
        specs,
    ),
    max_size=4,
)
ends = st.sampled_from([*PODS, *(Addresses((host,)) for host in HOSTS)])


class Reference:
    """The specification, read again: for one pod, the set of every (peer, port, protocol) that its policies list."""

    def __init__(self, found: list[Policy]) -> None:
        self.found = found

    def lets(self, source: Any, target: Any, port: int, protocol: str) -> bool:
        out = not isinstance(source, Pod) or self.half("egress", source, target, target, port, protocol)
        into = not isinstance(target, Pod) or self.half("ingress", target, source, target, port, protocol)
        return out and into

    def half(self, way: str, pod: Pod, peer: Any, target: Any, port: int, protocol: str) -> bool:
        mine = [policy for policy in self.found if policy.namespace == pod.namespace and way in self.ways(policy.spec)]
        mine = [policy for policy in mine if pod.labels in self.chosen(policy.spec["podSelector"], LABELS)]
        return not mine or any(
            self.peer(rule, way, pod, peer) and self.port(rule, target, port, protocol)
            for policy in mine
            for rule in policy.spec.get(way, [])
        )

    def ways(self, spec: Any) -> set[str]:
        if "policyTypes" in spec:
            return {policy_type.lower() for policy_type in spec["policyTypes"]}
        return {"ingress"} | ({"egress"} if len(spec.get("egress", [])) else set())

    def chosen(self, selector: Any, among: list[dict[str, str]]) -> list[dict[str, str]]:
        left = [each for each in among if all(each.get(k) == v for k, v in selector.get("matchLabels", {}).items())]
        for want in selector.get("matchExpressions", []):
            holding = [each for each in left if want["key"] in each]
            listed = [each for each in holding if each[want["key"]] in want["values"]]
            left = {
                "In": listed,
                "NotIn": [each for each in left if each not in listed],
                "Exists": holding,
                "DoesNotExist": [each for each in left if each not in holding],
            }[want["operator"]]
        return left

    def peer(self, rule: Any, way: str, pod: Pod, peer: Any) -> bool:
        listed = rule.get("from" if way == "ingress" else "to") or []
        if not listed:
            return True
        if isinstance(peer, Addresses):
            address = ipaddress.IPv4Address(str(peer.blocks[0].network_address))
            return any(
                address in Block(each["ipBlock"]["cidr"])
                and not any(address in Block(out) for out in each["ipBlock"].get("except", []))
                for each in listed
                if "ipBlock" in each
            )
        full = {space: {**labels, "kubernetes.io/metadata.name": space} for space, labels in SPACES.items()}
        for each in listed:
            if "ipBlock" in each:
                continue
            spaces = [pod.namespace]
            if "namespaceSelector" in each:
                spaces = [
                    s
                    for s, found in full.items()
                    if found in self.chosen(each["namespaceSelector"], list(full.values()))
                ]
            if peer.namespace in spaces and dict(peer.labels) in self.chosen(each.get("podSelector", {}), LABELS):
                return True
        return False

    def port(self, rule: Any, target: Any, port: int, protocol: str) -> bool:
        listed = rule.get("ports") or []
        open_ = {
            (number, each.get("protocol", "TCP"))
            for each in listed
            for number in (
                PORTS
                if "port" not in each
                else range(each["port"], each.get("endPort", each["port"]) + 1)
                if isinstance(each["port"], int)
                else [NAMED[each["port"]]]
                if isinstance(target, Pod)
                else []
            )
        }
        return not listed or (port, protocol) in open_


@given(policies, ends, ends, st.sampled_from(PORTS), st.sampled_from(["TCP", "UDP"]))
def test_what_gets_through_is_what_the_reference_lists(
    found: list[Policy], source: Any, target: Any, port: int, protocol: str
) -> None:
    assert (denied(found, source, target, port, protocol) == "") is Reference(found).lets(
        source, target, port, protocol
    )


@given(policies, st.sampled_from(PODS), st.sampled_from(BLOCKS), st.sampled_from(PORTS))
def test_a_block_gets_through_exactly_when_each_of_its_addresses_does(
    found: list[Policy], pod: Pod, block: Block, port: int
) -> None:
    alone = [denied(found, pod, Addresses((Block(str(address)),)), port) for address in block]
    assert (denied(found, pod, Addresses((block,)), port) == "") is (not any(alone))


@given(policies, ends, ends, st.sampled_from(PORTS), st.data())
def test_a_rule_that_is_added_to_a_policy_takes_no_path_away(
    found: list[Policy], source: Any, target: Any, port: int, data: st.DataObject
) -> None:
    if not found or denied(found, source, target, port):
        return
    place = data.draw(st.integers(0, len(found) - 1))
    old = found[place]
    way, key = data.draw(st.sampled_from([("ingress", "from"), ("egress", "to")]))
    types = ["Ingress", "Egress"] if old.spec.get("egress") else ["Ingress"]
    spec = {"policyTypes": types, **old.spec, way: [*old.spec.get(way, []), data.draw(rules(key))]}
    more = [*found[:place], Policy(namespace=old.namespace, name=old.name, spec=spec), *found[place + 1 :]]
    assert denied(more, source, target, port) == ""


WEB = Pod(namespace="a", labels={"app": "x"}, ports=NAMED)
OTHER = Pod(namespace="b", labels={"app": "y"})
CLOSED = Policy(namespace="a", name="default-deny", spec={"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def test_without_a_policy_everything_gets_through_and_a_default_deny_says_which_policies_are_there() -> None:
    assert denied([], OTHER, WEB, 80) == ""
    assert denied([CLOSED], OTHER, WEB, 80) == "no NetworkPolicy lets it into namespace a (there: default-deny)"
    assert denied([CLOSED], WEB, OTHER, 80) == "no NetworkPolicy lets it out of namespace a (there: default-deny)"
    assert denied([CLOSED], OTHER, Pod(namespace="c"), 80) == ""


@pytest.mark.parametrize(
    "spec",
    [
        {"podSelector": UNKNOWN, "policyTypes": ["Ingress"]},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": UNKNOWN},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": UNKNOWN}]},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"namespaceSelector": UNKNOWN}]}]},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": UNKNOWN}]}]},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"ports": [{"port": "metrics"}]}]},
        {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
    ],
)
def test_what_is_not_known_lets_nothing_through_and_a_block_is_never_a_pod(spec: dict[str, Any]) -> None:
    assert denied([Policy(namespace="a", name="p", spec=spec)], OTHER, WEB, 80)


@given(
    st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from(BLOCKS), st.lists(st.sampled_from(BLOCKS), max_size=2)), max_size=3),
)
def test_ranges_cover_exactly_what_they_hold_less_what_they_leave_out(
    wanted: list[Block], by: list[tuple[Block, list[Block]]]
) -> None:
    held = {address for block, but in by for address in block if not any(address in network for network in but)}
    assert covered(wanted, by) is all(address in held for block in wanted for address in block)
