"""Every field of what decides a price in Kubernetes is classified, and what is free cannot make what costs."""

from __future__ import annotations

import pytest
from pulumi._types import input_type_py_to_pulumi_names
from pulumi_kubernetes.helm.v3 import ReleaseArgs

from pricing.bill import inputs
from pricing.bill.free import FREE
from pricing.bill.inputs import Table
from pricing.bill.priced import CLASSIFIED
from tests.pricing.published_kubernetes import CLAIM, POD, SERVICE, fields, shape

RELEASE = "kubernetes:helm.sh/v3:Release"
DECIDING = sorted(
    token for token in {*CLASSIFIED, *inputs.tables()} if token.startswith("kubernetes:") and token != RELEASE
)


def unclassified(table: Table, published: dict[str, bool]) -> list[str]:
    """The fields that no entry covers; what is named as a whole covers what stands below it."""
    return [path for path, has_parts in published.items() if not has_parts and table.covering(path) is None]


@pytest.mark.parametrize("token", DECIDING)
def test_every_field_of_a_kind_is_classified_and_every_classified_field_exists(token: str) -> None:
    table, published = inputs.tables()[token], fields(token)
    assert not unclassified(table, published)
    assert not [path for path in table.inputs if path not in published]


def test_a_field_that_a_new_version_adds_is_unclassified() -> None:
    table, published = inputs.tables()["kubernetes:apps/v1:Deployment"], fields("kubernetes:apps/v1:Deployment")
    pod = "spec.template.spec"
    new = {f"{pod}.newField": False, f"{pod}.volumes.newSource": False, f"{pod}.containers.newField": False}
    assert unclassified(table, {**published, **new}) == [f"{pod}.newField", f"{pod}.volumes.newSource"]


@pytest.mark.parametrize("token", sorted(token for token in FREE if token.startswith("kubernetes:")))
def test_a_kind_that_is_free_makes_no_pods_no_claims_and_no_services(token: str) -> None:
    if shape(token) is None:
        assert token in WITHOUT_SCHEMA
        return
    names = {path.rpartition(".")[2] for path in fields(token)}
    assert not names & {CLAIM, POD, SERVICE}


def test_every_input_of_a_helm_release_is_classified_and_exists() -> None:
    published = set(input_type_py_to_pulumi_names(ReleaseArgs).values())
    assert set(inputs.tables()[RELEASE].inputs) == published


WITHOUT_SCHEMA: frozenset[str] = frozenset()
"""Free kinds whose CRD the repository does not keep: none."""
