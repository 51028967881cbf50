"""Who administers the cluster and from where: what is refused, and the last value that is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from components.cluster.access import AccessSpec, Reach
from components.cluster.component import kubeconfig
from infra.stack.explain import problems_of

HAPPY: dict[str, Any] = {"reach": "publicCidrs", "allowedCidrs": ["203.0.113.0/24"], "adminRoles": ["deployer"]}


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        ({"adminRoles": ["arn:aws:iam::111111111111:role/team/x"]}, "adminRoles[0]", "write team/x"),
        ({"adminRoles": ["deployer", "team/deployer"]}, "adminRoles", "keep one"),
        ({"adminRoles": ["deployer", ""]}, "adminRoles[1]", ""),
        ({"adminRoles": ["r" * 65]}, "adminRoles[0]", ""),
        ({"allowedCidrs": []}, "allowedCidrs", "name the blocks"),
        ({"allowedCidrs": ["12.0.0.0/7"]}, "allowedCidrs[0]", "name the blocks"),
        ({"allowedCidrs": ["203.0.113.7/24"]}, "allowedCidrs[0]", "write 203.0.113.0/24"),
        ({"allowedCidrs": ["203.0.113.7"]}, "allowedCidrs[0]", "write 203.0.113.7/32"),
        ({"reach": "vpcRunner"}, "allowedCidrs[0]", "the subnet that the runner is in"),
        (
            {"reach": "vpcRunner", "allowedCidrs": ["10.0.0.0/8", "11.0.0.0/8"]},
            "allowedCidrs[1]",
            "reach: publicCidrs",
        ),
        ({"reach": "vpcRunner", "allowedCidrs": ["172.32.0.0/16"]}, "allowedCidrs[0]", "reach: publicCidrs"),
        ({"reach": "vpcRunner", "allowedCidrs": ["10.0.0.0/16"] * 2}, "allowedCidrs", "name each once"),
        ({"reach": "ssmTunnel"}, "allowedCidrs", ""),
        ({"allowedSecurityGroupIds": ["sg-0123456789abcdef0"]}, "allowedSecurityGroupIds", ""),
        (
            {"reach": "vpcRunner", "allowedCidrs": [], "allowedSecurityGroupIds": ["sg-01234567", "runner"]},
            "allowedSecurityGroupIds[1]",
            "",
        ),
    ],
)
def test_an_access_that_cannot_be_is_refused_where_it_stands(change: dict[str, Any], where: str, fix: str) -> None:
    with pytest.raises(ValidationError) as found:
        AccessSpec.model_validate({**HAPPY, **change})
    (problem,) = problems_of(found.value, AccessSpec)
    assert problem.where == where
    assert fix in problem.fix


def test_only_a_tunnel_changes_where_the_endpoint_is_reached_and_not_who_it_must_be() -> None:
    assert AccessSpec.model_validate(HAPPY).tunnel is None
    tunnel = AccessSpec(reach=Reach.SSM_TUNNEL, tunnel_port=9443).tunnel
    for port, way in (
        (None, {"server": "https://abc.eks.amazonaws.com"}),
        (tunnel, {"server": "https://127.0.0.1:9443", "tls-server-name": "abc.eks.amazonaws.com"}),
    ):
        (cluster,) = kubeconfig("us-east-1", "dev", "https://abc.eks.amazonaws.com", "CA", port)["clusters"]
        assert cluster["cluster"] == {**way, "certificate-authority-data": "CA"}


def test_the_last_values_that_can_be_are_taken() -> None:
    for change in ({}, {"adminRoles": ["r" * 64]}, {"allowedCidrs": ["12.0.0.0/8"]}):
        AccessSpec.model_validate({**HAPPY, **change})
