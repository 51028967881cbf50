"""The rules between fields that Karpenter's kinds carry in their CRDs (there as CEL), and what an update may not do.

Read from the CRDs of the version named in the fact tables (`data/crds`); single fields are judged by those tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kube.pods import items, mapping
from kube.shape import Walk, is_unknown

_ALIASES = {
    "al2": "AL2",
    "al2023": "AL2023",
    "bottlerocket": "Bottlerocket",
    "windows2019": "Windows2019",
    "windows2022": "Windows2022",
    "windows2025": "Windows2025",
}
_TERMS = {
    "amiSelectorTerms": ("tags", "id", "name", "alias", "ssmParameter"),
    "subnetSelectorTerms": ("tags", "id"),
    "securityGroupSelectorTerms": ("tags", "id", "name"),
    "capacityReservationSelectorTerms": ("tags", "id", "instanceMatchCriteria"),
}
_ALONE = {
    ("amiSelectorTerms", "id"): ("alias", "tags", "name", "owner"),
    ("amiSelectorTerms", "alias"): ("id", "tags", "name", "owner"),
    ("subnetSelectorTerms", "id"): ("tags",),
    ("securityGroupSelectorTerms", "id"): ("tags", "name"),
    ("securityGroupSelectorTerms", "name"): ("tags", "id"),
    ("capacityReservationSelectorTerms", "id"): ("tags", "ownerID", "instanceMatchCriteria"),
}
_BOUNDED = ("Gt", "Lt", "Gte", "Lte")


def _has(value: Mapping[str, Any], name: str) -> bool:
    return value.get(name) is not None


def _requirements(walk: Walk, spec: Mapping[str, Any], path: str) -> None:
    for index, item in enumerate(items(spec.get("requirements"))):
        requirement, at = mapping(item), f"{path}.requirements[{index}]"
        operator, listed = requirement.get("operator"), requirement.get("values")
        if is_unknown(listed) or is_unknown(item):
            continue
        values = items(listed)
        if operator == "In" and not values:
            walk.add(f"{at}.values", "requirements with operator 'In' must have a value defined", fix="list the values")
        if operator in _BOUNDED and not (len(values) == 1 and (is_unknown(values[0]) or str(values[0]).isdecimal())):
            summary = "requirements operator 'Gt', 'Lt', 'Gte', or 'Lte' must have a single positive integer value"
            walk.add(f"{at}.values", summary, list(values))
        least = requirement.get("minValues")
        if operator == "In" and isinstance(least, int | float) and len(values) < least:
            summary = (
                "requirements with 'minValues' must have at least that many values specified in the 'values' field"
            )
            walk.add(f"{at}.minValues", summary, f"{least:g} of {len(values)} values")


def _node_pool(walk: Walk, spec: Mapping[str, Any]) -> None:
    _requirements(walk, mapping(mapping(spec.get("template")).get("spec")), "spec.template.spec")
    for index, item in enumerate(items(mapping(spec.get("disruption")).get("budgets"))):
        budget = mapping(item)
        if _has(budget, "schedule") != _has(budget, "duration"):
            missing = "duration" if _has(budget, "schedule") else "schedule"
            at = f"spec.disruption.budgets[{index}]"
            walk.add(at, "'schedule' must be set with 'duration'", fix=f"set {at}.{missing}, or leave both out")
    if _has(spec, "replicas"):
        if _has(spec, "weight"):
            walk.add("spec.weight", "'weight' is not supported on static NodePools", fix="leave out weight or replicas")
        if mapping(spec.get("limits")).keys() - {"nodes"}:
            walk.add("spec.limits", "only 'limits.nodes' is supported on static NodePools", fix="limit nodes only")


def _node_claim(walk: Walk, spec: Mapping[str, Any]) -> None:
    _requirements(walk, spec, "spec")


def _selectors(walk: Walk, spec: Mapping[str, Any]) -> None:
    for name, keys in _TERMS.items():
        if is_unknown(spec.get(name)) or not _has(spec, name):
            continue
        terms = [mapping(term) for term in items(spec[name]) if not is_unknown(term)]
        if not terms and not items(spec[name]) and name != "capacityReservationSelectorTerms":
            walk.add(f"spec.{name}", f"{name} cannot be empty", fix="add a selector term")
        for index, term in enumerate(terms):
            if not any(_has(term, key) for key in keys):
                walk.add(
                    f"spec.{name}[{index}]", f"expected at least one, got none, {list(keys)}", allowed=", ".join(keys)
                )
        for (where, alone), others in _ALONE.items():
            mixed = [term for term in terms if _has(term, alone) and any(_has(term, other) for other in others)]
            if where == name and mixed and (name == "amiSelectorTerms" or len(mixed) == len(terms)):
                walk.add(f"spec.{name}", f"'{alone}' is mutually exclusive with {', '.join(others)} in one term")


def _images(walk: Walk, spec: Mapping[str, Any]) -> None:
    at, terms, family = "spec.amiSelectorTerms", items(spec.get("amiSelectorTerms")), spec.get("amiFamily")
    aliases = [mapping(term)["alias"] for term in terms if _has(mapping(term), "alias")]
    if aliases and len(terms) != 1:
        walk.add(at, "'alias' is mutually exclusive, cannot be set with a combination of other amiSelectorTerms")
    if terms and not aliases and family is None and not any(is_unknown(term) for term in terms):
        walk.add("spec.amiFamily", "must specify amiFamily if amiSelectorTerms does not contain an alias")
    for alias in (alias for alias in aliases if isinstance(alias, str) and not is_unknown(alias)):
        name, _, version = alias.partition("@")
        if not name.isalnum() or not version:
            walk.add(at, "'alias' is improperly formatted, must match the format 'family@version'", alias)
        elif name not in _ALIASES:
            walk.add(at, "family is not supported", alias, ", ".join(_ALIASES))
        elif name.startswith("windows") and version != "latest":
            walk.add(at, "windows families may only specify version 'latest'", alias)
        elif family is not None and not is_unknown(family) and family not in ("Custom", _ALIASES[name]):
            allowed = f"{_ALIASES[name]}, Custom"
            walk.add("spec.amiFamily", f"does not fit the alias {alias}", family, allowed)


def _kubelet(walk: Walk, kubelet: Mapping[str, Any]) -> None:
    high, low = kubelet.get("imageGCHighThresholdPercent"), kubelet.get("imageGCLowThresholdPercent")
    if isinstance(high, int | float) and isinstance(low, int | float) and high <= low:
        summary = "imageGCHighThresholdPercent must be greater than imageGCLowThresholdPercent"
        walk.add("spec.kubelet.imageGCHighThresholdPercent", summary, f"{high:g} and {low:g}")
    soft, grace = mapping(kubelet.get("evictionSoft")), mapping(kubelet.get("evictionSoftGracePeriod"))
    for key in sorted(soft.keys() ^ grace.keys()):
        walk.add("spec.kubelet.evictionSoft", "evictionSoft and evictionSoftGracePeriod need the same keys", key)


def _node_class(walk: Walk, spec: Mapping[str, Any]) -> None:
    if _has(spec, "role") == _has(spec, "instanceProfile"):
        walk.add("spec", "must specify exactly one of ['role', 'instanceProfile']", fix="set spec.role")
    _selectors(walk, spec)
    _images(walk, spec)
    _kubelet(walk, mapping(spec.get("kubelet")))
    mappings = [mapping(item) for item in items(spec.get("blockDeviceMappings"))]
    if sum(item.get("rootVolume") is True for item in mappings) > 1:
        walk.add("spec.blockDeviceMappings", "must have only one blockDeviceMappings with rootVolume")
    for index, item in enumerate(mappings):
        ebs, at = item.get("ebs"), f"spec.blockDeviceMappings[{index}].ebs"
        if isinstance(ebs, Mapping) and not _has(ebs, "snapshotID") and not _has(ebs, "volumeSize"):
            walk.add(at, "snapshotID or volumeSize must be defined", fix=f"set {at}.volumeSize")
    for key in mapping(spec.get("tags")):
        if key.startswith("kubernetes.io/cluster"):
            walk.add("spec.tags", "tag contains a restricted tag matching kubernetes.io/cluster/", key)


RULES: dict[tuple[str, str], Callable[[Walk, Mapping[str, Any]], None]] = {
    ("karpenter.sh/v1", "NodePool"): _node_pool,
    ("karpenter.sh/v1", "NodeClaim"): _node_claim,
    ("karpenter.k8s.aws/v1", "EC2NodeClass"): _node_class,
}


def check_change(walk: Walk, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """What the API server refuses of an update, given both `spec`s: a claim's whole spec, a pool's class and mode."""
    if kind == "NodeClaim" and old != new:
        walk.add("spec", "spec is immutable", fix="delete the NodeClaim and let Karpenter make another")
    if kind != "NodePool":
        return
    if _has(old, "replicas") != _has(new, "replicas"):
        walk.add("spec.replicas", "Cannot transition NodePool between static and dynamic provisioning modes")
    before, after = (mapping(mapping(mapping(s.get("template")).get("spec")).get("nodeClassRef")) for s in (old, new))
    for name in ("group", "kind"):
        if before.get(name) != after.get(name) and not is_unknown(after.get(name)):
            at = f"spec.template.spec.nodeClassRef.{name}"
            walk.add(at, f"nodeClassRef.{name} is immutable", after.get(name), str(before.get(name)))
