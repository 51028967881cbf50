"""Every field of a pod is kept, judged, left out for a reason, refused, or makes the answer undetermined: none is dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kube import builtin
from kube.shape import Shape
from ops.simulate.workload.fields import FATES, WHY, Fate
from ops.simulate.workload.reduce import _JUDGES, Around, reduce


def published() -> Iterator[str]:
    """Every field of a pod down to where the table decides, by the API's own schema."""
    pod = builtin.schemas().shape("v1", "Pod")
    assert pod is not None
    yield from (path for part in ("metadata", "spec") for path in [part, *_under(pod.fields[part], part)])


def _under(shape: Shape, path: str) -> Iterator[str]:
    for name, inner in shape.fields.items():
        here = f"{path}.{name}"
        yield here
        if FATES.get(here) is Fate.WITHIN:
            yield from _under(inner.items, f"{here}[]") if inner.items else _under(inner, here)


def test_every_field_that_the_api_publishes_for_a_pod_is_in_the_table_and_the_table_has_no_other() -> None:
    fields = list(published())
    assert [field for field in fields if field not in FATES] == [], "classify it in ops/simulate/workload/fields.py"
    assert set(FATES) == set(fields)
    assert len(fields) > 140


def test_what_is_refused_or_undetermined_says_why_and_what_is_judged_has_a_judge() -> None:
    told = {path for path, fate in FATES.items() if fate in (Fate.REFUSED, Fate.UNDETERMINED)}
    assert told == set(WHY)
    assert {path for path, fate in FATES.items() if fate is Fate.JUDGED} == set(_JUDGES)


def placed(path: str, value: Any) -> dict[str, Any]:
    """A template that has one field, and a container."""
    template: dict[str, Any] = {"metadata": {}, "spec": {}}
    place: Any = template
    *parents, last = path.split(".")
    for step in parents:
        name = step.removesuffix("[]")
        place = place.setdefault(name, [{}] if step.endswith("[]") else {})
        place = place[0] if step.endswith("[]") else place
    place[last] = value
    return template


def found_at(kept: Any, path: str) -> Any:
    for step in path.replace("[]", ".0").split("."):
        if kept is None:
            return None
        kept = (kept[int(step)] if kept else None) if step.isdecimal() else kept.get(step)
    return kept


@pytest.mark.parametrize("path", [path for path, fate in FATES.items() if fate not in (Fate.WITHIN, Fate.JUDGED)])
def test_a_field_fares_as_its_line_in_the_table_says(path: str) -> None:
    value = {"x": "y"}
    reduced = reduce(placed(path, value), Around())
    fate = FATES[path]
    assert (found_at(reduced.kept, path) == value) == (fate is Fate.KEPT)
    assert bool(reduced.problems) == (fate is Fate.REFUSED)
    assert bool(reduced.doubts) == (fate is Fate.UNDETERMINED)
    if fate is Fate.UNDETERMINED:
        assert reduced.doubts[0].startswith(path.replace("[]", "[0]"))


def test_a_field_that_a_newer_api_brings_is_a_doubt_until_somebody_has_classified_it() -> None:
    assert reduce({"spec": {"somethingNew": 1}}, Around()).doubts == [
        "spec.somethingNew: nobody here knows what it decides"
    ]


CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
LATE = frozenset({"", "gp3"})


@pytest.mark.parametrize(
    ("path", "value", "around", "doubt"),
    [
        ("spec.schedulerName", "default-scheduler", Around(), ""),
        ("spec.schedulerName", "volcano", Around(), "volcano decides otherwise"),
        ("spec.priorityClassName", "system-node-critical", Around(), ""),
        ("spec.priorityClassName", "high", Around(), "put it into the file"),
        ("spec.priorityClassName", "high", Around(named={"PriorityClass": {"high": {}}}), ""),
        ("spec.runtimeClassName", "nvidia", Around(), "put it into the file"),
        ("spec.runtimeClassName", "nvidia", Around(named={"RuntimeClass": {"nvidia": {}}}), ""),
        ("spec.overhead", {"cpu": "1"}, Around(), "RuntimeClass"),
        ("spec.os", {"name": "linux"}, Around(), ""),
        (
            "spec.volumes[].persistentVolumeClaim",
            {"claimName": "data"},
            Around(late_classes=LATE),
            "zone of claim data",
        ),
        (
            "spec.volumes[].persistentVolumeClaim",
            {"claimName": "data"},
            Around(named={"PersistentVolumeClaim": {"data": CLAIM}}, late_classes=LATE),
            "",
        ),
        ("spec.volumes[].ephemeral", {"volumeClaimTemplate": CLAIM}, Around(late_classes=LATE), ""),
        ("spec.volumes[].ephemeral", {"volumeClaimTemplate": CLAIM}, Around(), "put the StorageClass into the file"),
        (
            "spec.volumes[].ephemeral",
            {"volumeClaimTemplate": {"spec": {"storageClassName": "io2"}}},
            Around(late_classes=LATE),
            "storage class io2",
        ),
        (
            "spec.volumes[].ephemeral",
            {"volumeClaimTemplate": {"spec": {"volumeName": "pv-1"}}},
            Around(late_classes=LATE),
            "there already",
        ),
    ],
)
def test_a_judged_field_is_certain_only_with_what_it_goes_by(path: str, value: Any, around: Around, doubt: str) -> None:
    found = reduce(placed(path, value), around).doubts
    assert (doubt in found[0]) if doubt else not found, found


def test_namespaces_of_an_affinity_are_kept_and_chosen_by_label_only_where_their_labels_are_known() -> None:
    term = {"topologyKey": "kubernetes.io/hostname", "namespaces": ["team-b"], "labelSelector": {}}

    def affinity(**more: Any) -> dict[str, Any]:
        required = "requiredDuringSchedulingIgnoredDuringExecution"
        return placed("spec.affinity", {"podAntiAffinity": {required: [{**term, **more}]}})

    plain = reduce(affinity(), Around())
    assert plain.doubts == [] and plain.kept == {"spec": affinity()["spec"]}
    by_name = affinity(namespaceSelector={"matchLabels": {"kubernetes.io/metadata.name": "team-b"}})
    assert reduce(by_name, Around()).doubts == []
    by_label = affinity(namespaceSelector={"matchExpressions": [{"key": "team", "operator": "Exists"}]})
    assert "podAntiAffinity" in reduce(by_label, Around()).doubts[0]
    assert reduce(by_label, Around(named={"Namespace": {"team-b": {}}})).doubts == []


def test_windows_is_refused_as_no_node_of_the_platform_has_it() -> None:
    (problem,) = reduce(placed("spec.os", {"name": "windows"}), Around()).problems
    assert problem.where == "spec.os.name"
