"""A Rollout, an EnvoyProxy and a Gateway cost nothing only as the platform declares them; whatever brings more has no price."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pricing.bill.estimate import estimate
from pricing.book.book import PriceBook
from pricing.items.graph import UNKNOWN, Graph, Node, plain
from pricing.meters.network.gateways import ENVOY_PROXY, GATEWAY, GATEWAY_CLASS, ROLLOUT


def node(token: str, spec: Any) -> Node:
    return Node(urn=f"urn:pulumi:s::p::{token}::it", type=token, name="it", inputs={"spec": plain(spec)})


def unpriced(*nodes: Node) -> int:
    return len(estimate(Graph(nodes), PriceBook.embedded("us-east-1"), datetime.date(2026, 11, 30)).totals.unpriced)


def rollout(volumes: Any) -> Node:
    return node(ROLLOUT, {"template": {"spec": {"volumes": volumes}}})


def proxy(kind: Any) -> Node:
    service = {} if kind is None else {"type": kind}
    return node(ENVOY_PROXY, {"provider": {"kubernetes": {"envoyService": service}}})


@pytest.mark.parametrize(
    ("volumes", "known"),
    [([], True), ([{"emptyDir": {}}], True), ([{"ephemeral": {"volumeClaimTemplate": {}}}], False), (UNKNOWN, False)],
)
def test_a_rollout_whose_pods_bring_volumes_has_no_price(volumes: Any, known: bool) -> None:
    assert unpriced(rollout(volumes)) == (0 if known else 1)


@pytest.mark.parametrize(
    ("kind", "known"), [("ClusterIP", True), ("NodePort", True), ("LoadBalancer", False), (None, False)]
)
def test_envoys_behind_a_load_balancer_have_no_price(kind: Any, known: bool) -> None:
    assert unpriced(proxy(kind)) == (0 if known else 1)


def named(token: str, name: str, spec: Any, namespace: str = "") -> Node:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    inputs = {"metadata": plain(metadata), "spec": plain(spec)}
    return Node(urn=f"urn:pulumi:s::p::{token}::{name}", type=token, name=name, inputs=inputs)


CLUSTER_IP = {"provider": {"kubernetes": {"envoyService": {"type": "ClusterIP"}}}}
ENVOYS = named(ENVOY_PROXY, "models", CLUSTER_IP, "gateway")
CLASS = {
    "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
    "parametersRef": {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy", "name": "models", "namespace": "gateway"},
}


@pytest.mark.parametrize(
    ("gateway", "kind", "known"),
    [
        ({}, {}, True),
        ({"gatewayClassName": "aws-alb"}, {}, False),
        ({"gatewayClassName": UNKNOWN}, {}, False),
        ({"infrastructure": {"parametersRef": {"kind": "EnvoyProxy", "name": "other"}}}, {}, False),
        ({}, {"controllerName": "eks.amazonaws.com/alb"}, False),
        ({}, {"parametersRef": None}, False),
        ({}, {"parametersRef": {**CLASS["parametersRef"], "name": "other"}}, False),  # type: ignore[dict-item]
        ({}, {"parametersRef": {**CLASS["parametersRef"], "namespace": "other"}}, False),  # type: ignore[dict-item]
    ],
)
def test_a_gateway_costs_nothing_only_where_its_class_leads_to_envoys_that_are_inside(
    gateway: dict[str, Any], kind: dict[str, Any], known: bool
) -> None:
    asked = named(GATEWAY, "models", {"gatewayClassName": "modelyard", **gateway})
    assert unpriced(asked, named(GATEWAY_CLASS, "modelyard", {**CLASS, **kind}), ENVOYS) == (0 if known else 1)


def test_a_gateway_beside_no_class_of_the_stack_has_no_price() -> None:
    assert unpriced(named(GATEWAY, "models", {"gatewayClassName": "modelyard"}), ENVOYS) == 1
