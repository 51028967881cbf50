"""A Rollout, an EnvoyProxy and a Gateway cost nothing only as the platform declares them; whatever brings more has no price."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from pricing.book import PriceBook
from pricing.estimate import estimate
from pricing.gateways import ENVOY_PROXY, GATEWAY, ROLLOUT
from pricing.graph import UNKNOWN, Graph, Node, plain


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


def test_a_gateway_costs_nothing_only_beside_envoys_that_are_all_inside() -> None:
    gateway = node(GATEWAY, {"gatewayClassName": "modelyard"})
    assert unpriced(gateway) == 1
    assert unpriced(gateway, proxy("ClusterIP")) == 0
    assert unpriced(gateway, proxy("ClusterIP"), proxy("LoadBalancer")) == 2
