"""Who administers the cluster and from where: what is refused, and the last value that is not."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from components.cluster import AccessSpec
from components.spec import Invalid

HAPPY: dict[str, Any] = {"reach": "publicCidrs", "allowed_cidrs": ["203.0.113.0/24"], "admin_roles": ["deployer"]}


@pytest.mark.parametrize(
    ("change", "where", "fix"),
    [
        ({"admin_roles": ["arn:aws:iam::111111111111:role/team/x"]}, "adminRoles[0]", "write x"),
        ({"admin_roles": ["deployer", ""]}, "adminRoles[1]", ""),
        ({"admin_roles": ["r" * 65]}, "adminRoles[0]", ""),
        ({"allowed_cidrs": []}, "allowedCidrs", "name the blocks"),
        ({"allowed_cidrs": ["12.0.0.0/7"]}, "allowedCidrs[0]", "name the blocks"),
        ({"allowed_cidrs": ["203.0.113.7/24"]}, "allowedCidrs[0]", "host bits"),
        ({"reach": "vpcRunner"}, "allowedCidrs", ""),
    ],
)
def test_an_access_that_cannot_be_is_refused_where_it_stands(change: dict[str, Any], where: str, fix: str) -> None:
    with pytest.raises(ValidationError) as found:
        AccessSpec.model_validate({**HAPPY, **change})
    (error,) = found.value.errors()
    refused = error["ctx"]["error"]
    assert isinstance(refused, Invalid)
    (problem,) = refused.problems
    assert problem.where == where
    assert fix in problem.fix


def test_the_last_values_that_can_be_are_taken() -> None:
    for change in ({}, {"admin_roles": ["r" * 64]}, {"allowed_cidrs": ["12.0.0.0/8"]}):
        AccessSpec.model_validate({**HAPPY, **change})
