"""The paths of the real stacks: each is there, each piece of the network carries some or has its reason, none is guessed."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.versions import ADDONS, CHARTS
from infra import program
from infra.declared import as_graph, declare
from infra.loaded import LoadedStack
from policies.evaluate import Evaluator
from policies.guard.model import Guard
from policies.packs import rules
from policies.paths import pieces
from policies.paths.groups import GROUP, INGRESS, OLD_RULE
from policies.paths.inside import POLICY
from policies.paths.network import ASSOCIATION, ENDPOINT, INTERNET, NAT, ROUTE, SUBNET, TABLE, VPC
from policies.paths.programs import programs, table
from policies.paths.reachable import Status, paths, problems, unseen
from pricing.items.graph import UNKNOWN, Graph, Node, plain
from tests.roots import ROOT

GOLDEN = ROOT / "tests" / "golden" / "paths"
STACKS = ("dev", "prod", "local")


@functools.cache
def declared(stack: str) -> Graph:
    """A stack of the repository as its program declares it."""
    declared_resources = declare(
        program.make(LoadedStack.read(stack, ROOT / f"Pulumi.{stack}.yaml")), project="modelyard", stack=stack
    )
    return as_graph(declared_resources, texts=True)


def changed(graph: Graph, chosen: Callable[[Node], bool], change: Callable[[dict[str, Any]], dict[str, Any]]) -> Graph:
    """The graph with the inputs of the chosen resources changed; something must be chosen."""
    assert any(map(chosen, graph.nodes))
    return Graph(
        tuple(
            replace(node, inputs={key: plain(value) for key, value in change(dict(node.inputs)).items()})
            if chosen(node)
            else node
            for node in graph.nodes
        )
    )


def less(graph: Graph, chosen: Callable[[Node], bool]) -> Graph:
    """The graph without the chosen resources."""
    assert any(map(chosen, graph.nodes))
    return Graph(tuple(node for node in graph.nodes if not chosen(node)))


def _not(type_: str, urns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(urn for urn in urns if f"{type_}::" not in urn)


def named(type_: str, name: str) -> Callable[[Node], bool]:
    return lambda node: node.type == type_ and node.name == name


def status(graph: Graph) -> dict[str, Status]:
    return {path.name: path.status for path in paths(graph)}


@pytest.mark.parametrize("stack", STACKS)
def test_every_path_that_a_stack_needs_exists_and_none_is_out_of_sight(stack: str) -> None:
    found = paths(declared(stack))
    assert problems(found) == []
    assert unseen(found) == {}
    assert {path.status for path in found} == {Status.EXISTS}
    assert len({path.name for path in found}) == len(found)


@pytest.mark.parametrize("stack", STACKS)
def test_each_piece_of_the_network_carries_the_paths_that_end_without_it_or_says_why_it_is_there(stack: str) -> None:
    graph = declared(stack)
    walked = {}
    for piece in pieces.pieces(graph):
        lost = pieces.lost(graph, piece)
        why = "" if lost else pieces.spare(graph, piece)
        assert lost or why, f"{piece.urn} carries nothing, and nobody knows why it is there"
        walked[f"{piece.type.rpartition(':')[2]} {piece.name}"] = lost or why
    file = GOLDEN / f"{stack}.yaml"
    text = yaml.safe_dump(walked, width=200, sort_keys=True)
    if os.environ.get("UPDATE_GOLDEN") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_an_endpoint_carries_its_service_where_no_nat_gateway_does() -> None:
    closed = less(declared("prod"), lambda node: node.type == ROUTE and node.name.startswith("private-"))
    alone = {name for name, how in status(closed).items() if how is Status.MISSING}
    assert {name.split(" -> ")[1] for name in alone} == {"the internet 443", "secretsmanager 443", "ssmmessages 443"}
    for service in ("ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "s3", "sqs", "ssm"):
        piece = next(each for each in closed.of_type(ENDPOINT) if str(each.read("serviceName")).endswith(f".{service}"))
        lost = {name.split(" -> ")[1] for name in pieces.lost(closed, piece)}
        assert lost == {f"{service} 443"}


def test_the_runner_of_a_private_endpoint_gets_in_by_its_rule_alone() -> None:
    (lost,) = (
        pieces.lost(declared("prod"), each) for each in declared("prod").of_type(INGRESS) if "api-from" in each.name
    )
    assert lost == ["deployer in 10.40.0.0/18 -> Kubernetes API 443"]
    elsewhere = changed(
        declared("prod"), lambda node: "api-from" in node.name, lambda said: {**said, "fromPort": 80, "toPort": 80}
    )
    (problem,) = problems(paths(elsewhere))
    assert problem.summary == "no rule of the security group lets deployer in 10.40.0.0/18 in on tcp 443"


def access(graph: Graph, said: dict[str, Any]) -> Graph:
    return changed(
        graph, lambda node: node.type == "modelyard:index:Cluster", lambda inputs: {"spec": {"access": said}}
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"reach": "vpcRunner", "allowedCidrs": ["10.40.0.0/18"]}, ""),
        ({"reach": "vpcRunner"}, "nothing says who may come to it"),
        (
            {"reach": "vpcRunner", "allowedCidrs": ["10.41.0.0/18"]},
            "no subnet of the VPC has addresses of 10.41.0.0/18",
        ),
        ({"reach": "vpcRunner", "allowedCidrs": ["10.40.0.0/17"]}, "lets deployer in 10.40.0.0/17 in on tcp 443"),
        (
            {"reach": "vpcRunner", "allowedSecurityGroupIds": ["sg-0123456789abcdef0"]},
            "lets deployer in sg-0123456789abcdef0 in",
        ),
        ({"reach": "ssmTunnel"}, ""),
        ({"reach": "publicCidrs", "allowedCidrs": ["203.0.113.0/24"]}, "the API server has no public address"),
    ],
)
def test_the_deployer_comes_as_the_settings_say_or_the_stack_is_refused(said: dict[str, Any], why: str) -> None:
    found = [path for path in paths(access(declared("prod"), said)) if path.name.startswith("deployer")]
    told = " ".join(problem.summary for path in found for problem in path.broken)
    assert (why in told) if why else told == ""
    assert found


def test_a_tunnel_leads_through_a_node_that_session_manager_knows() -> None:
    tunnel = access(declared("prod"), {"reach": "ssmTunnel"})
    deaf = less(tunnel, lambda node: str(node.read("policyArn")).endswith("AmazonSSMManagedInstanceCore"))
    told = [problem.summary for path in paths(deaf) if path.name.startswith("deployer") for problem in path.broken]
    assert told == ["no node may speak to Session Manager"]


def test_a_group_that_is_named_lets_its_members_in() -> None:
    group = {
        "securityGroupId": None,
        "referencedSecurityGroupId": "sg-0123456789abcdef0",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
    }
    graph = access(declared("prod"), {"reach": "vpcRunner", "allowedSecurityGroupIds": ["sg-0123456789abcdef0"]})
    opened = changed(
        graph, lambda node: "api-from" in node.name, lambda said: {**group, "securityGroupId": said["securityGroupId"]}
    )
    assert problems(paths(opened)) == []


def test_the_public_endpoint_knows_the_block_or_the_deployer_is_refused() -> None:
    wide = changed(
        declared("dev"),
        lambda node: node.type == "aws:eks/cluster:Cluster",
        lambda said: {**said, "vpcConfig": {**dict(said["vpcConfig"]), "publicAccessCidrs": ["203.0.113.0/25"]}},
    )
    (problem,) = problems(paths(wide))
    assert (problem.summary, problem.found, problem.allowed) == (
        "the public endpoint does not know this block",
        "203.0.113.0/25",
        "203.0.113.0/24",
    )


@pytest.mark.parametrize("switch", ["enableDnsSupport", "enableDnsHostnames"])
def test_a_vpc_that_answers_no_names_carries_nothing_that_is_called_by_name(switch: str) -> None:
    dumb = changed(declared("dev"), lambda node: node.type == VPC, lambda said: {**said, switch: False})
    broken = [name for name, how in status(dumb).items() if how is Status.MISSING]
    assert all(
        f"{node} -> {end}" in broken
        for node in ("nodes chat, general, system",)
        for end in ("ec2 443", "Kubernetes API 443")
    )
    assert any(name.endswith("DNS 53/udp") for name in broken)
    hidden = changed(declared("dev"), lambda node: node.type == VPC, lambda said: {**said, switch: UNKNOWN})
    assert list(unseen(paths(hidden))) == [f"{switch} of VPC vpc"]


def test_a_way_out_by_an_internet_gateway_needs_public_addresses() -> None:
    gateway = next(node for node in declared("dev").of_type(ROUTE) if node.name == "public-out")
    graph = Graph(
        tuple(
            replace(
                node,
                inputs={
                    **{key: value for key, value in node.inputs.items() if key != "natGatewayId"},
                    "gatewayId": UNKNOWN,
                },
                references={**node.references, "gatewayId": gateway.references["gatewayId"]},
            )
            if node.type == ROUTE and node.name == "private-a-out"
            else node
            for node in declared("dev").nodes
        )
    )
    assert [problem.summary for problem in problems(paths(graph))] == [
        "its way out is an internet gateway, and machines there get no public address"
    ]


def test_in_a_network_that_nobody_sees_nothing_is_refused_and_everything_hidden_is_named() -> None:
    """As a stack with `network.existing` looks without an account: subnets are ids, and their blocks are not known."""
    gone = less(
        declared("prod"), lambda node: node.type in (VPC, SUBNET, ROUTE, TABLE, NAT, INTERNET, ASSOCIATION, ENDPOINT)
    )
    strangers = Graph(
        tuple(
            replace(each, references={key: _not(SUBNET, urns) for key, urns in each.references.items()})
            for each in gone.nodes
        )
    )
    found = paths(strangers)
    assert problems(found) == []
    hidden = unseen(found)
    assert "the addresses of database registry" in hidden
    assert any(what.endswith("its VPC, its routes") for what in hidden)


def extra(type_: str, **inputs: Any) -> Node:
    return Graph.of(
        [{"urn": f"urn:pulumi:x::modelyard::{type_}::extra", "type": type_, "name": "extra", "inputs": inputs}]
    ).nodes[0]


@pytest.mark.parametrize(
    "type_",
    [
        "aws:ec2/networkAcl:NetworkAcl",
        "aws:networkfirewall/firewall:Firewall",
        "kubernetes:vpcresources.k8s.aws/v1beta1:SecurityGroupPolicy",
        "kubernetes:cilium.io/v2:CiliumNetworkPolicy",
    ],
)
def test_what_can_take_paths_away_and_is_not_read_refuses_the_stack(type_: str) -> None:
    found = paths(Graph((*declared("dev").nodes, extra(type_))))
    assert {path.status for path in found} == {Status.MISSING}
    assert [problem.summary for problem in problems(found)] == ["nobody can say what this lets through"]


def test_a_program_that_nobody_knows_and_a_policy_that_nobody_can_read_are_said_by_name() -> None:
    newer = changed(
        declared("dev"),
        lambda node: node.name == "external-secrets" and node.type.endswith("Release"),
        lambda said: {**said, "version": "99.0.0"},
    )
    assert "chart external-secrets 99.0.0 of external-secrets: what its pods talk to" in unseen(paths(newer))
    other = changed(
        declared("dev"),
        lambda node: str(node.read("policyArn")).endswith("AmazonSSMManagedInstanceCore"),
        lambda said: {**said, "policyArn": "arn:aws:iam::aws:policy/SomethingElse"},
    )
    assert any("which services nodes" in what for what in unseen(paths(other)))


def test_charts_and_add_ons_are_known_at_the_versions_that_the_platform_pins() -> None:
    assert {name: chart.version.removeprefix("v") for name, chart in CHARTS.items()} == {
        name: facts["version"] for name, facts in table()["charts"].items()
    }
    assert {addon.name for addons in ADDONS.values() for addon in addons} <= table()["addons"].keys()
    for stack in STACKS:
        assert programs(declared(stack)).unknown == []


group_rules = st.builds(
    lambda inward, group, protocol, first, block: extra(
        OLD_RULE,
        type="ingress" if inward else "egress",
        securityGroupId=group,
        protocol=protocol,
        fromPort=first,
        toPort=first + 400,
        cidrBlocks=[block],
    ),
    st.booleans(),
    st.sampled_from([each.urn for each in declared("prod").of_type(GROUP, "aws:eks/cluster:Cluster")]),
    st.sampled_from(["tcp", "udp", "-1"]),
    st.integers(0, 6000),
    st.sampled_from(["0.0.0.0/0", "10.40.0.0/16", "10.0.0.0/30"]),
)


@settings(max_examples=25)
@given(group_rules)
def test_a_rule_that_is_added_to_a_group_takes_no_path_away(rule: Node) -> None:
    more = status(Graph((*declared("prod").nodes, rule)))
    assert all(more[name] is Status.EXISTS for name in status(declared("prod")))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_network_policy_less_never_opens_what_another_one_closed(stack: str) -> None:
    closed = less(declared(stack), lambda node: node.type == POLICY and "allow-dns" in node.name)
    lost = {name for name, how in status(closed).items() if how is Status.MISSING}
    assert lost == {
        name
        for name in status(declared(stack))
        if ("modelyard-" in name or name.startswith(("registry", "chat ", "gateway-helm/envoy"))) and " -> DNS" in name
    }


def said(graph: Graph) -> dict[str, list[str]]:
    """What the security pack's rule says about a graph, as the engine sends it."""
    (rule,) = (each for each in rules("security") if each.name == "network-paths")
    judge = Evaluator([rule], lambda: Guard(max_monthly_usd={}, required_tags=()), date(2026, 11, 30))
    told: dict[str, list[str]] = {}
    for verdict in judge.stack(graph.nodes):
        told.setdefault(verdict.level.value, []).append(verdict.message)
    return told


def test_the_pack_refuses_a_stack_without_a_path_and_says_which_end_there() -> None:
    assert said(declared("dev")) == {}
    (told,) = said(less(declared("dev"), named(ROUTE, "private-a-out")))["mandatory"]
    assert told.startswith("private-a: no route leads out: the table has none for 0.0.0.0/0")
    assert "nodes chat, general, system -> ec2 443" in told


def test_the_pack_names_what_is_not_the_stacks_own_and_waits_for_what_only_deployment_tells() -> None:
    theirs = less(declared("dev"), lambda node: node.type == VPC)
    vague = Graph(tuple(replace(each, references={}) if each.type == SUBNET else each for each in theirs.nodes))
    (told,) = said(vague)["advisory"]
    assert "whether VPC one that is not known yet answers DNS" in told
    later = changed(
        declared("dev"), named("aws:iam/rolePolicy:RolePolicy", "registry"), lambda had: {**had, "policy": UNKNOWN}
    )
    (waiting,) = said(later)["advisory"]
    assert waiting.endswith("found: registry: policy")
    nobodys = changed(
        declared("dev"), named("aws:iam/rolePolicy:RolePolicy", "flow-logs"), lambda had: {**had, "policy": UNKNOWN}
    )
    assert said(nobodys) == {}
