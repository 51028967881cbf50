"""Manifests of a file: the pods that they make, what is taken along for them, and what leaves the answer undetermined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from core.problem import Refused
from kube.objects import check_object
from kube.pods import items, mapping
from ops.simulate.workload.kinds import HINT, WORKLOADS, Role, role
from ops.simulate.workload.load import Load
from ops.simulate.workload.reduce import Around, Reduced, claim_doubt, reduce

WITHOUT_NAMESPACE = "default"
"""Where `kubectl apply` puts an object that names none."""
_POD_SECURITY = "pod-security.kubernetes.io/"


@dataclass(kw_only=True)
class Found:
    """What manifests come to: loads, objects that are made before them, lines on what makes no pods, and doubts."""

    loads: list[Load] = field(default_factory=list)
    around: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def surroundings(manifests: Iterable[Mapping[str, Any]], storage_class: str) -> Around:
    """What decides about the pods of a file; `storage_class` is the platform's own, "" where it made none."""
    named: dict[str, dict[str, Mapping[str, Any]]] = {}
    for each in manifests:
        if _role(each) is Role.AROUND:
            name = str(mapping(each.get("metadata")).get("name", ""))
            named.setdefault(str(each["kind"]), {})[name] = each
    late = {"", storage_class} if storage_class else set()
    for name, each in named.get("StorageClass", {}).items():
        if each.get("volumeBindingMode") == "WaitForFirstConsumer":
            late.add(name)
        else:
            late.discard(name)
    return Around(named=named, late_classes=frozenset(late))


def take(value: Mapping[str, Any], around: Around, found: Found) -> None:
    """Adds what one manifest comes to. Raises Refused with every problem, each with its path in the manifest."""
    what = f"{value['kind']} {_name(value)}".strip()
    means = _role(value)
    if means is Role.PODS:
        load = _workload(value, what, around)
        found.loads += [load] if isinstance(load, Load) else []
        found.doubts += [] if isinstance(load, Load) else [load]
    elif means is Role.EACH_NODE:
        daemons, doubts = _daemon_set(value, around)
        found.around.append(daemons)
        found.doubts += [f"{what}: {doubt}" for doubt in doubts]
        found.skipped.append(f"{what}: it takes room on each node that it fits, and brings none")
    elif means is Role.AROUND:
        _check(value)
        found.around += [made] if (made := _along(value)) else []
        found.skipped.append(f"{what}: it makes no pods")
    elif means in (Role.CHANGES, Role.UNKNOWN):
        does = means.value if means is Role.UNKNOWN else f"it {means.value}, and that is not simulated"
        found.doubts.append(f"{what}: {does}; {HINT}" if means is Role.UNKNOWN else f"{what}: {does}; take it out")
    else:
        found.skipped.append(f"{what}: it makes no pods")


def _role(value: Mapping[str, Any]) -> Role:
    return role(str(value.get("apiVersion") or ""), str(value.get("kind") or ""))


def _name(value: Mapping[str, Any]) -> str:
    metadata = mapping(value.get("metadata"))
    return "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))


def _check(value: Mapping[str, Any]) -> None:
    problems = [problem for problem in check_object(value) if not problem.where.startswith("metadata")]
    if problems:
        raise Refused(problems)


def _workload(value: Mapping[str, Any], what: str, around: Around) -> Load | str:
    """The load of a manifest; a doubt in words when it keeps its pods' template elsewhere."""
    known = WORKLOADS[str(value["apiVersion"]), str(value["kind"])]
    spec = mapping(value.get("spec"))
    if value["kind"] == "Rollout":
        if spec.get("workloadRef") and not spec.get("template"):
            return f"{what}: its pods are those of another object (workloadRef); {HINT}"
        _check(_as_deployment(value))
    else:
        _check(value)
    template: Mapping[str, Any] = value
    for step in known.template:
        template = mapping(template.get(step))
    reduced = _reduced(template, ".".join(known.template), around)
    doubts = [*reduced.doubts, *_of_claims(spec, around)]
    labels = {**reduced.kept.get("metadata", {}).get("labels", {}), **_labels(value)}
    namespace = mapping(value.get("metadata")).get("namespace") or WITHOUT_NAMESPACE
    return Load(
        name=what,
        replicas=_replicas(str(value["kind"]), spec),
        namespace=str(namespace),
        pod={"metadata": {"labels": labels} if labels else {}, "spec": reduced.kept.get("spec", {})},
        doubts=tuple(doubts),
    )


def _reduced(template: Mapping[str, Any], at: str, around: Around) -> Reduced:
    found = reduce({key: template.get(key) for key in ("metadata", "spec")}, around)
    if at:
        found.doubts = [f"{at}.{doubt}" for doubt in found.doubts]
        found.problems = [replace(problem, where=f"{at}.{problem.where}") for problem in found.problems]
    if found.problems:
        raise Refused(found.problems)
    return found


def _of_claims(spec: Mapping[str, Any], around: Around) -> list[str]:
    """Doubts about the claims that a StatefulSet makes for its pods."""
    found = []
    for index, claim in enumerate(items(spec.get("volumeClaimTemplates"))):
        if why := claim_doubt(mapping(claim), around):
            found.append(f"spec.volumeClaimTemplates[{index}]: {why}")
    return found


def _labels(value: Mapping[str, Any]) -> dict[str, str]:
    """Labels that a kind's own controller gives its pods, as far as a selector may name them."""
    name = str(mapping(value.get("metadata")).get("name", ""))
    return {"job-name": name, "batch.kubernetes.io/job-name": name} if value["kind"] == "Job" and name else {}


def _as_deployment(value: Mapping[str, Any]) -> dict[str, Any]:
    """A Rollout as the Deployment that it stands in for, so that its pods are judged by the API's own schema."""
    spec = mapping(value.get("spec"))
    kept = {key: spec[key] for key in ("replicas", "selector", "template") if key in spec}
    labels = mapping(mapping(mapping(spec.get("template")).get("metadata")).get("labels"))
    kept.setdefault("selector", {"matchLabels": dict(labels)})
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": value.get("metadata"), "spec": kept}


def _daemon_set(value: Mapping[str, Any], around: Around) -> tuple[dict[str, Any], list[str]]:
    _check(value)
    spec, metadata = mapping(value.get("spec")), mapping(value.get("metadata"))
    reduced = _reduced(mapping(spec.get("template")), "spec.template", around)
    made = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": metadata.get("name"), "namespace": metadata.get("namespace") or WITHOUT_NAMESPACE},
        "spec": {"selector": spec.get("selector"), "template": reduced.kept},
    }
    return made, reduced.doubts


def _along(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The object as it is made before the pods; None for one that the reading alone is about."""
    if value["kind"] in ("PersistentVolumeClaim", "StorageClass"):
        return None
    metadata = mapping(value.get("metadata"))
    labels = mapping(metadata.get("labels"))
    # What a namespace refuses for safety's sake is not about room.
    kept = {key: each for key, each in labels.items() if not key.startswith(_POD_SECURITY)}
    rest = {key: each for key, each in value.items() if key not in ("metadata", "status", "spec")}
    return {**rest, "metadata": {"name": metadata.get("name"), "labels": kept}}


def _replicas(kind: str, spec: Mapping[str, Any]) -> int:
    if kind == "CronJob":
        return 0 if spec.get("suspend") else _replicas("Job", mapping(mapping(spec.get("jobTemplate")).get("spec")))
    if kind == "Job":
        at_once, runs = spec.get("parallelism", 1), spec.get("completions")
        if spec.get("suspend"):
            return 0
        return int(at_once if runs is None else min(at_once, runs))
    replicas = spec.get("replicas", 1) if kind != "Pod" else 1
    return 1 if replicas is None else int(replicas)
