"""A registry that is reached from outside the cluster: over TLS, from named private networks, and by nobody else."""

from __future__ import annotations

import functools
import json
from typing import Any

import pytest

from components.publication.component import CONFIG_MAP, KEY
from core.problem import Problem, Refused
from infra.build import build
from infra.declared import declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.stack import Stack
from pricing.meters.network.balancers import BALANCER

ARN = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b-2c"
OUTSIDE: dict[str, Any] = {
    "host": "registry.example.com",
    "certificateArn": ARN,
    "allowedCidrs": ["10.20.0.0/16", "192.168.7.0/24"],
}
REGISTRY: dict[str, Any] = {"exposure": "internal", "outside": OUTSIDE}
CERTIFICATE, HOST, CIDRS = (f"registry.outside.{key}" for key in ("certificateArn", "host", "allowedCidrs"))


def stack(registry: dict[str, Any]) -> Stack:
    """A dev stack with that registry."""
    dev = {"environment": "dev", "owner": "ml-platform", "budget": {"monthlyUsd": 5000}}
    return Stack.of(
        {**dev, "cluster": {"access": {"reach": "ssmTunnel"}}, "registry": registry, "releases": []}, "us-east-1"
    )


def refusal(registry: dict[str, Any]) -> Problem:
    with pytest.raises(Refused) as caught:
        stack(registry)
    (problem,) = caught.value.problems
    return problem


@functools.cache
def declared(exposure: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The inputs of every Kubernetes object of a stack with that exposure, by kind and name."""
    registry = REGISTRY if exposure == "internal" else {}
    values = declare(lambda: build(plan(stack(registry), guard())), project="modelyard", stack="dev").values()
    objects = [each.inputs for each in values if "kind" in each.inputs]
    return {(each["kind"], each["metadata"]["name"]): each for each in objects}


def outside(**change: Any) -> dict[str, Any]:
    return {**REGISTRY, "outside": {**OUTSIDE, **change}}


@pytest.mark.parametrize(
    ("registry", "where", "says"),
    [
        ({"exposure": "internal"}, "registry.outside", "takes TLS and a list of who may come"),
        ({"outside": OUTSIDE}, "registry.outside", "say exposure: internal"),
        ({"exposure": "internal", "outside": {**OUTSIDE, "certificateArn": None}}, CERTIFICATE, ""),
        (outside(certificateArn="arn:aws:iam::123456789012:server-certificate/it"), CERTIFICATE, ""),
        (outside(certificateArn=ARN.replace("us-east-1", "eu-west-1")), CERTIFICATE, "another region"),
        (outside(host="registry"), HOST, ""),
        (outside(host="*.example.com"), HOST, ""),
        (outside(host="registry.example.com:443"), HOST, ""),
        (outside(host="10.0.0.1,evil.example"), HOST, ""),
        (outside(allowedCidrs=[]), CIDRS, ""),
        (outside(allowedCidrs=["10.0.0.1/8"]), f"{CIDRS}[0]", "has host bits set"),
        *(
            (outside(allowedCidrs=["10.0.0.0/8", wide]), f"{CIDRS}[1]", "")
            for wide in ("0.0.0.0/0", "::/0", "0.0.0.0/1", "8.0.0.0/6", "192.168.0.0/15", "52.95.0.0/16", "fd00::/8")
        ),
    ],
)
def test_it_is_refused_without_tls_a_name_and_a_list_of_private_networks(
    registry: dict[str, Any], where: str, says: str
) -> None:
    problem = refusal(registry)
    assert problem.where == where
    assert says in problem.text()


def test_outside_aws_there_is_no_such_load_balancer() -> None:
    local = {
        "environment": "local",
        "owner": "ml-platform",
        "kubernetes": {"context": "kind-modelyard"},
        "storage": {"existing": "standard"},
    }
    with pytest.raises(Refused) as caught:
        Stack.of(
            {
                **local,
                "releases": [],
                "registry": {"keeping": "volume", "server": {"replicas": {"max": 1}}, **REGISTRY},
            },
            "",
        )
    (problem,) = caught.value.problems
    assert (problem.where, problem.allowed) == ("registry.exposure", "none")
    assert "port-forward" in problem.fix


def test_the_balancer_is_internal_ends_tls_and_lets_in_the_named_networks() -> None:
    balancer = declared("internal")["Service", "registry-outside"]
    spec, said = balancer["spec"], balancer["metadata"]["annotations"]
    asked = {key.removeprefix(BALANCER): value for key, value in said.items()}
    assert asked == {
        "type": "nlb",
        "internal": "true",
        "ssl-cert": ARN,
        "ssl-ports": "443",
        "ssl-negotiation-policy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
        "additional-resource-tags": "Environment=dev,ManagedBy=modelyard,Owner=ml-platform,Platform=modelyard-dev",
    }
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("LoadBalancer", "Local")
    assert spec["loadBalancerSourceRanges"] == OUTSIDE["allowedCidrs"]
    assert spec["ports"] == [{"name": "https", "port": 443, "targetPort": "http"}]


def test_it_sends_to_the_servers_and_prometheus_does_not_read_them_through_it() -> None:
    found = declared("internal")
    balancer = found["Service", "registry-outside"]
    pods = found["Deployment", "registry"]["spec"]["template"]["metadata"]["labels"]
    assert balancer["spec"]["selector"].items() <= pods.items()
    scraped = found["ServiceMonitor", "registry"]["spec"]["selector"]["matchLabels"]
    assert scraped.items() <= found["Service", "registry"]["metadata"]["labels"].items()
    assert not scraped.items() <= balancer["metadata"]["labels"].items()


def test_the_networks_policy_lets_in_the_named_blocks_and_the_same_namespaces_as_before() -> None:
    def let_in(exposure: str) -> list[dict[str, Any]]:
        (rule,) = declared(exposure)["NetworkPolicy", "registry"]["spec"]["ingress"]
        assert rule["ports"] == [{"protocol": "TCP", "port": 5000}]
        return list(rule["from"])

    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in OUTSIDE["allowedCidrs"]]
    assert let_in("internal") == [*let_in("none"), *blocks]


def test_the_server_knows_its_name_outside_and_no_other() -> None:
    def options(exposure: str) -> dict[str, list[str]]:
        args = declared(exposure)["Deployment", "registry"]["spec"]["template"]["spec"]["containers"][0]["args"]
        pairs = (each.removeprefix("--").partition("=") for each in args if each.startswith("--"))
        return {key: value.split(",") for key, _, value in pairs}

    without, told = options("none"), options("internal")
    assert set(told["allowed-hosts"]) - set(without["allowed-hosts"]) == {"registry.example.com"}
    assert set(told["cors-allowed-origins"]) - set(without["cors-allowed-origins"]) == {"https://registry.example.com"}
    assert set(without["allowed-hosts"]) < set(told["allowed-hosts"])


def test_by_default_there_is_none() -> None:
    found = declared("none")
    assert "LoadBalancer" not in [each["spec"].get("type") for (kind, _), each in found.items() if kind == "Service"]


def test_the_outputs_have_the_address_outside_beside_the_one_inside() -> None:
    def promised(exposure: str) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(declared(exposure)["ConfigMap", CONFIG_MAP]["data"][KEY])["registry"]
        return read

    assert promised("internal") == {**promised("none"), "outsideUrl": "https://registry.example.com"}
