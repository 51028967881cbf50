"""Changes of objects: in place where the API server allows it, another object where it does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.marks import UNKNOWN
from sandbox.kubernetes.replace import AUTONAMED, change


def obj(kind: str, **body: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a", "namespace": "n"}, **body}


@pytest.mark.parametrize(
    ("old", "path", "value", "replaces"),
    [
        (obj("Deployment", spec={"replicas": 1}), ("spec", "replicas"), 2, ()),
        (obj("Deployment", spec={"selector": {"a": "b"}}), ("spec", "selector"), {"a": "c"}, ("spec.selector.a",)),
        (obj("Deployment", spec={}), ("metadata", "name"), "b", ("metadata.name",)),
        (obj("Deployment", spec={}), ("metadata", "namespace"), UNKNOWN, ("metadata.namespace",)),
        (obj("Deployment", spec={}), ("metadata", "labels"), {"a": "b"}, ()),
        (obj("Service", spec={"clusterIP": "None"}), ("spec", "clusterIP"), "10.0.0.1", ("spec.clusterIP",)),
        (obj("Job", spec={"template": {"x": 1}}), ("spec", "template"), {"x": 2}, ("spec.template.x",)),
        (obj("Job", spec={"parallelism": 1}), ("spec", "parallelism"), 2, ()),
        (obj("StorageClass", parameters={"type": "gp2"}), ("parameters", "type"), "gp3", ("parameters.type",)),
        (obj("StorageClass", parameters={}), ("allowVolumeExpansion",), True, ()),
        (obj("ConfigMap", data={"a": "1"}), ("data", "a"), "2", ("data.a",)),
        (obj("Secret", stringData={"a": "1"}), ("stringData", "a"), "2", ("stringData.a",)),
        (obj("NodePool", spec={"weight": 1}), ("spec", "weight"), 2, ()),
    ],
)
def test_a_change_replaces_only_where_the_field_is_immutable(
    old: dict[str, Any], path: tuple[str, ...], value: Any, replaces: tuple[str, ...]
) -> None:
    new = copy.deepcopy(old)
    place = new
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    found = change(old["kind"], old, new, {})
    assert found.replaces == replaces
    assert found.changed


def test_no_change_is_no_change() -> None:
    assert change("Deployment", obj("Deployment"), obj("Deployment"), {}).changed == ()


def test_config_maps_change_in_place_when_the_provider_is_told_so() -> None:
    old, new = obj("ConfigMap", data={"a": "1"}), obj("ConfigMap", data={"a": "2"})
    assert change("ConfigMap", old, new, {"enableConfigMapMutable": "true"}).replaces == ()


def test_the_old_object_goes_first_only_when_the_new_one_needs_its_name() -> None:
    old, new = obj("ConfigMap", data={"a": "1"}), obj("ConfigMap", data={"a": "2"})
    assert change("ConfigMap", old, new, {}).delete_before_replace
    new["metadata"] = {**new["metadata"], "annotations": {AUTONAMED: "true"}}
    assert not change("ConfigMap", old, new, {}).delete_before_replace
    moved = obj("ConfigMap")
    moved["metadata"] = {"name": "b", "namespace": "n"}
    assert not change("ConfigMap", old, moved, {}).delete_before_replace
