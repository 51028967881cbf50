"""Load balancers that a controller makes: one kind has a price, when nothing else is asked of it."""

from __future__ import annotations

from typing import Any

import pytest

from pricing.items.graph import UNKNOWN
from pricing.meters.network.balancers import BALANCER
from tests.pricing.bills import amounts, bill, why

SERVICE = "kubernetes:core/v1:Service"


def service(spec: Any = None, **asked: Any) -> tuple[str, dict[str, Any]]:
    said = {"type": "nlb", "internal": "true", **asked}
    annotations = {f"{BALANCER}{key.replace('_', '-')}": value for key, value in said.items() if value is not None}
    return SERVICE, {
        "metadata": {"annotations": annotations},
        "spec": {"type": "LoadBalancer"} if spec is None else spec,
    }


# 0.0225 x 730 + 730 x 0.006, at most three times as many units
@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"ssl_cert": "arn", "ssl_ports": "443", "healthcheck_path": "/"},
        {"additional_resource_tags": "a=b", "cross_zone_load_balancing_enabled": "true"},
    ],
)
def test_an_internal_network_load_balancer_is_priced_with_what_changes_nothing(asked: dict[str, Any]) -> None:
    assert amounts(service(**asked)) == ("16.43", "20.81", "29.57")


@pytest.mark.parametrize(
    "asked",
    [
        {"internal": "false"},
        {"internal": None},
        {"type": "external"},
        {"scheme": "internal"},
        {"eip_allocations": "eipalloc-1"},
        {"access_log_enabled": "true"},
        {"attributes": "access_logs.s3.enabled=true"},
        {"minimum_load_balancer_capacity": "CapacityUnits=100"},
    ],
)
def test_what_may_cost_more_leaves_it_without_a_price(asked: dict[str, Any]) -> None:
    assert bill(service(**asked)).totals.unpriced


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort", "ExternalName", None])
def test_a_service_without_a_load_balancer_costs_nothing(kind: str | None) -> None:
    assert bill(service({"type": kind} if kind else {"ports": []})).items == ()


@pytest.mark.parametrize("spec", [{"type": UNKNOWN}, UNKNOWN, {"type": "LoadBalancer", "loadBalancerClass": "x"}])
def test_a_service_that_may_have_one_has_no_price(spec: Any) -> None:
    assert bill(service(spec)).totals.unpriced


def test_an_ingress_has_no_price() -> None:
    assert "a controller makes a load balancer" in why(("kubernetes:networking.k8s.io/v1:Ingress", {"spec": {}}))
