"""A pod as somebody wrote it, reduced to what decides where it goes; with it, what cannot be known and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.problem import Problem
from kube.pods import items, mapping
from ops.simulate.workload.fields import FATES, WHY, Fate

_BUILT_IN_PRIORITY = ("system-cluster-critical", "system-node-critical")
_NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Around:
    """What else a file holds that decides about its pods: by kind, the names of its objects.

    `late_classes` are storage classes whose volumes are made where the pod runs; "" stands for the cluster's default.
    """

    named: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    late_classes: frozenset[str] = frozenset()

    def has(self, kind: str, name: str) -> bool:
        """Whether the file has that object."""
        return name in self.named.get(kind, {})


@dataclass(kw_only=True)
class Reduced:
    """What is left of a pod, the doubts about it (each with its path), and why it is refused."""

    kept: dict[str, Any] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def reduce(template: Mapping[str, Any], around: Around) -> Reduced:
    """The pod of a template (its `metadata` and `spec`); paths are relative to the template."""
    found = Reduced()
    walk = _Walk(found, around)
    for part in ("metadata", "spec"):
        if template.get(part):
            found.kept[part] = walk.map(template[part], part, part)
    return found


def claim_doubt(claim: Mapping[str, Any], around: Around) -> str:
    """Why the zone of a claim's volume is not known; empty when the volume is made where the pod runs."""
    spec = mapping(claim.get("spec"))
    name = spec.get("storageClassName")
    if spec.get("volumeName") or spec.get("dataSource") or spec.get("dataSourceRef"):
        return "its volume is there already, or made from one, and nobody here knows its zone"
    if name == "" or (name or "") not in around.late_classes:
        return (
            f"nobody here knows whether a volume of storage class {name or 'of the cluster'} is made where its pod runs: put "
            "the StorageClass into the file"
        )
    return ""


class _Walk:
    def __init__(self, found: Reduced, around: Around) -> None:
        self._found, self._around = found, around

    def map(self, value: Mapping[str, Any], at: str, path: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, inner in value.items():
            if inner in (None, {}, [], "", False):
                continue
            here, known = f"{at}.{key}", f"{path}.{key}"
            fate = FATES.get(known, Fate.UNDETERMINED)
            if fate is Fate.WITHIN:
                kept[key] = self._within(inner, here, known)
            elif fate is Fate.KEPT:
                kept[key] = inner
            elif fate is Fate.JUDGED:
                if _JUDGES[known](self, inner, here):
                    kept[key] = inner
            elif fate is Fate.REFUSED:
                self.refuse(here, WHY[known])
            elif fate is Fate.UNDETERMINED:
                self.doubt(here, WHY.get(known, "nobody here knows what it decides"))
        return {key: inner for key, inner in kept.items() if inner not in ({}, [])}

    def _within(self, value: Any, at: str, path: str) -> Any:
        if isinstance(value, Mapping):
            return self.map(value, at, path)
        made = [self.map(mapping(each), f"{at}[{index}]", f"{path}[]") for index, each in enumerate(items(value))]
        return [each for each in made if each]

    def doubt(self, at: str, why: str) -> None:
        self._found.doubts.append(f"{at}: {why}")

    def refuse(self, at: str, why: str, fix: str = "take it out") -> None:
        self._found.problems.append(Problem(summary=f"it cannot be simulated: {why}", where=at, fix=fix))

    def scheduler(self, value: Any, at: str) -> bool:
        if value != "default-scheduler":
            self.doubt(at, f"only the scheduler default-scheduler is simulated, and {value} decides otherwise")
        return False

    def system(self, value: Any, at: str) -> bool:
        if mapping(value).get("name") != "linux":
            self.refuse(f"{at}.name", "the platform has nodes with Linux only", "run it elsewhere")
        return False

    def priority_class(self, value: Any, at: str) -> bool:
        if value in _BUILT_IN_PRIORITY or self._around.has("PriorityClass", str(value)):
            return True
        self.doubt(at, "a PriorityClass decides which pods get a place first: put it into the file")
        return False

    def priority(self, value: Any, _at: str) -> bool:
        # The API server computes it from the class, and refuses another value.
        return value not in (0, "PreemptLowerPriority")

    def runtime_class(self, value: Any, at: str) -> bool:
        if self._around.has("RuntimeClass", str(value)):
            return True
        self.doubt(at, "a RuntimeClass may add to what the pod asks for, and choose its nodes: put it into the file")
        return False

    def overhead(self, _value: Any, at: str) -> bool:
        if self._around.named.get("RuntimeClass"):
            return True
        self.doubt(at, "it comes from a RuntimeClass: put that into the file")
        return False

    def claim(self, value: Any, at: str) -> bool:
        name = str(mapping(value).get("claimName", ""))
        claims = self._around.named.get("PersistentVolumeClaim", {})
        if name in claims:
            if why := claim_doubt(claims[name], self._around):
                self.doubt(at, why)
        else:
            self.doubt(at, f"nobody here knows the zone of claim {name}: put it into the file if it is new")
        return False

    def ephemeral(self, value: Any, at: str) -> bool:
        if why := claim_doubt(mapping(mapping(value).get("volumeClaimTemplate")), self._around):
            self.doubt(at, why)
        return False

    def affinity(self, value: Any, at: str) -> bool:
        for path, term in _pod_terms(mapping(value), at):
            keys = set(_selector_keys(mapping(term.get("namespaceSelector"))))
            if keys - {_NAMESPACE_NAME} and not self._around.named.get("Namespace"):
                why = "the labels of namespaces are not known: put the Namespaces into the file, or name them"
                self.doubt(f"{path}.namespaceSelector", why)
        return True


def _pod_terms(affinity: Mapping[str, Any], at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for side in ("podAffinity", "podAntiAffinity"):
        for when in (
            "requiredDuringSchedulingIgnoredDuringExecution",
            "preferredDuringSchedulingIgnoredDuringExecution",
        ):
            for index, term in enumerate(items(mapping(affinity.get(side)).get(when))):
                path = f"{at}.{side}.{when}[{index}]"
                inner = mapping(term).get("podAffinityTerm")
                yield (f"{path}.podAffinityTerm", mapping(inner)) if inner else (path, mapping(term))


def _selector_keys(selector: Mapping[str, Any]) -> Sequence[str]:
    expressions = items(selector.get("matchExpressions"))
    return [*mapping(selector.get("matchLabels")), *(str(mapping(expression).get("key")) for expression in expressions)]


_JUDGES: Mapping[str, Callable[[_Walk, Any, str], bool]] = {
    "spec.affinity": _Walk.affinity,
    "spec.os": _Walk.system,
    "spec.overhead": _Walk.overhead,
    "spec.preemptionPolicy": _Walk.priority,
    "spec.priority": _Walk.priority,
    "spec.priorityClassName": _Walk.priority_class,
    "spec.runtimeClassName": _Walk.runtime_class,
    "spec.schedulerName": _Walk.scheduler,
    "spec.volumes[].persistentVolumeClaim": _Walk.claim,
    "spec.volumes[].ephemeral": _Walk.ephemeral,
}
"""What judges a value of a field whose fate is `JUDGED`; it says whether the field is kept."""
