"""What an existing cluster lacks is said before anything is made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from components.cluster.component import kubeconfig
from components.cluster.existing import NEEDED_ADDONS, ExistingClusterSpec, Ownership, Seen, problems
from core.versions import KUBERNETES

HAPPY = Seen(
    name="given", status="ACTIVE", version=KUBERNETES, authentication_mode="API", vpc_id="vpc-1", addons=NEEDED_ADDONS
)
SPEC = ExistingClusterSpec(name="given")


def found(seen: Seen, spec: ExistingClusterSpec = SPEC, vpc_id: str = "vpc-1") -> list[str]:
    return [problem.where for problem in problems(seen, spec, KUBERNETES, vpc_id)]


def test_a_fitting_cluster_has_no_problem() -> None:
    assert found(HAPPY) == []
    assert found(replace(HAPPY, authentication_mode="API_AND_CONFIG_MAP")) == []


@pytest.mark.parametrize(
    ("seen", "where"),
    [
        (replace(HAPPY, status="CREATING"), "cluster.existing"),
        (replace(HAPPY, version="1.30"), "cluster.version"),
        (replace(HAPPY, authentication_mode="CONFIG_MAP"), "cluster.existing"),
        (replace(HAPPY, vpc_id="vpc-2"), "network.existing.vpcId"),
        (replace(HAPPY, addons=NEEDED_ADDONS[1:]), "cluster.existing.addons"),
    ],
)
def test_one_thing_that_is_wrong_is_named(seen: Seen, where: str) -> None:
    assert found(seen) == [where]


def test_missing_add_ons_are_fine_when_the_platform_manages_them() -> None:
    assert found(replace(HAPPY, addons=()), ExistingClusterSpec(name="given", addons=Ownership.MANAGED)) == []


def test_a_kubeconfig_holds_no_credential() -> None:
    (user,) = kubeconfig("us-east-1", "c", "https://x", "Q0E=")["users"]
    assert list(user["user"]) == ["exec"]
