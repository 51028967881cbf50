"""The SDK's own types decide what is accepted: every unknown, missing or wrongly typed property, at any depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.marks import UNKNOWN
from sandbox.aws.schema import Schemas
from sandbox.values import Secret
from tests.roots import ROOT

CLUSTER = "aws:eks/cluster:Cluster"
CACHE = ROOT / ".sandbox" / "cache"


def _happy() -> dict[str, Any]:
    return {"roleArn": "r", "vpcConfig": {"subnetIds": ["a", "b"], "endpointPublicAccess": True}, "tags": {"a": "b"}}


@pytest.fixture
def schemas(tmp_path: Path) -> Schemas:
    return Schemas(tmp_path)


def test_a_well_formed_cluster_is_accepted(schemas: Schemas) -> None:
    shape = schemas.shape(CLUSTER)
    assert shape is not None
    assert shape.faults(_happy()) == []
    assert shape.outputs["endpoint"].required
    assert "endpoint" not in shape.inputs


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["rolArn"], "x", 'Did you mean "roleArn"'),
        (["roleArn"], None, 'the argument "roleArn" is required'),
        (["roleArn"], 3, "a string is required, found a number"),
        (["vpcConfig", "subnetIds"], None, 'the argument "subnetIds" is required'),
        (["vpcConfig", "subnetId"], ["a"], 'Did you mean "subnetIds"'),
        (["vpcConfig", "subnetIds"], "a", "a list is required, found a string"),
        (["vpcConfig", "subnetIds"], ["a", True], "a string is required, found a boolean"),
        (["vpcConfig", "endpointPublicAccess"], "true", "a boolean is required, found a string"),
        (["vpcConfig"], ["x"], "an object is required, found a list"),
        (["tags", "a"], 5, "a string is required, found a number"),
    ],
)
def test_one_broken_property_is_refused_with_its_path(schemas: Schemas, path: list[str], value: Any, said: str) -> None:
    news = _happy()
    place: dict[str, Any] = news
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    shape = schemas.shape(CLUSTER)
    assert shape is not None
    faults = shape.faults(news)
    assert faults[0].path.startswith(".".join(path))
    assert said in faults[0].reason


def test_unknown_and_secret_values_are_accepted_wherever_their_type_fits(schemas: Schemas) -> None:
    shape = schemas.shape(CLUSTER)
    assert shape is not None
    assert shape.faults({"roleArn": Secret("r"), "vpcConfig": UNKNOWN}) == []
    assert (
        shape.faults({"roleArn": UNKNOWN, "vpcConfig": {"subnetIds": UNKNOWN, "endpointPublicAccess": UNKNOWN}}) == []
    )


@pytest.mark.parametrize("value", ["{}", {"Version": "2012-10-17", "Statement": []}])
def test_a_policy_is_taken_as_text_and_as_an_object(schemas: Schemas, value: Any) -> None:
    shape = schemas.shape("aws:iam/policy:Policy")
    assert shape is not None
    assert shape.faults({"policy": value}) == []


def test_a_whole_number_is_required_where_the_sdk_says_int(schemas: Schemas) -> None:
    shape = schemas.shape("aws:eks/nodeGroup:NodeGroup")
    assert shape is not None
    sizes = {"minSize": 1, "maxSize": 2, "desiredSize": 1.5}
    faults = shape.faults({"clusterName": "c", "nodeRoleArn": "r", "subnetIds": ["s"], "scalingConfig": sizes})
    assert [fault.path for fault in faults] == ["scalingConfig.desiredSize"]


def test_a_type_that_the_sdk_does_not_have_has_no_shape(schemas: Schemas) -> None:
    assert schemas.shape("aws:eks/cluster:Clutser") is None
    assert schemas.shape("aws:nope/nope:Nope") is None


def test_what_was_read_once_comes_from_the_cache_the_same(tmp_path: Path) -> None:
    first = Schemas(tmp_path).shape("aws:ec2/launchTemplate:LaunchTemplate")
    again = Schemas(tmp_path)
    again.root = Path("nowhere")
    assert again.shape("aws:ec2/launchTemplate:LaunchTemplate") == first


def test_every_type_of_the_table_exists_and_names_only_properties_that_it_has() -> None:
    from engine.paths import steps
    from sandbox.aws.rules.limits import table as limits
    from sandbox.aws.table import table

    schemas = Schemas(CACHE)
    for token, row in table().items():
        shape = schemas.shape(token)
        assert shape is not None, token
        assert {*row.computed, *row.defaults} <= set(shape.outputs), token
        unique = row.unique.by if row.unique else ()
        named = {str(steps(path)[0]) for path in (*row.replaces, *row.once, *row.volatile, *unique)}
        assert named <= {*shape.inputs, *shape.outputs}, (token, named - set(shape.inputs))
        for link in (*row.blocked, *row.cascades):
            other = schemas.shape(link.type)
            assert other is not None, (token, link)
            assert link.by.split(".")[0].removesuffix("[*]") in other.inputs, (token, link)
    for token, paths in limits().items():
        shape = schemas.shape(token)
        assert shape is not None, token
        assert {path.split(".")[0].removesuffix("[*]") for path in paths} <= set(shape.inputs), token
