"""Whether Kubernetes would take an object: the checks of the API server that need no cluster.

Field names, types, enums and bounds come from the API's own schemas (`kube.builtin`) and from the CRDs' facts
(`kube.custom`); names, labels and pods are judged by the rules that the server has in code. A kind that neither knows
is refused: an object that nobody can judge must not pass for a good one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Set
from typing import Any

from core.problem import Problem
from engine.marks import UNKNOWN
from kube import builtin, custom, karpenter
from kube.pods import check_images, check_restricted, containers, items, mapping, pod_template
from kube.shape import Walk, is_unknown, nearest, under

__all__ = [
    "UNKNOWN",
    "check_change",
    "check_images",
    "check_object",
    "check_restricted",
    "crd_of",
    "identity",
    "is_namespaced",
    "token_to_gvk",
]

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = re.compile(rf"^{_LABEL}(\.{_LABEL})*$")
_DNS_LABEL = re.compile(rf"^{_LABEL}$")
_SERVICE = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
_PATH_SEGMENT = re.compile(r"^(?!\.{1,2}$)[^/%]+$")
_QUALIFIED = re.compile(r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")
_VALUE = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
_RULES_BY_KIND = {
    "Namespace": (_DNS_LABEL, 63),
    "Service": (_SERVICE, 63),
    "ClusterRole": (_PATH_SEGMENT, 253),
    "ClusterRoleBinding": (_PATH_SEGMENT, 253),
    "Role": (_PATH_SEGMENT, 253),
    "RoleBinding": (_PATH_SEGMENT, 253),
}
_RESTARTS = {"Job": ("Never", "OnFailure"), "CronJob": ("Never", "OnFailure"), "Pod": ("Always", "Never", "OnFailure")}
_SELECTED = frozenset(("DaemonSet", "Deployment", "ReplicaSet", "Rollout", "StatefulSet"))
_COMPONENTS = frozenset(("helm.sh", "kustomize", "yaml"))
_TOKEN = re.compile(r"^kubernetes:(?P<group>[^:]+)/(?P<version>[^:/]+):(?P<kind>[A-Za-z0-9]+)$")


def identity(obj: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """(apiVersion, kind, namespace, name) of an object; the namespace of a namespaced one defaults to `default`."""
    metadata = mapping(obj.get("metadata"))
    api_version, kind = str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
    namespace = str(metadata.get("namespace") or "default") if is_namespaced(api_version, kind) else ""
    return api_version, kind, namespace, str(metadata.get("name") or "")


def token_to_gvk(token: str) -> tuple[str, str]:
    """(apiVersion, kind) of a Pulumi token such as `kubernetes:core/v1:Namespace`; ValueError for any other token."""
    found = _TOKEN.match(token)
    if found is None or found["group"] in _COMPONENTS:
        raise ValueError(f"{token!r} is not the token of a Kubernetes object")
    group, version = found["group"], found["version"]
    return (version if group == "core" else f"{group}/{version}"), found["kind"]


def is_namespaced(api_version: str, kind: str) -> bool:
    """Whether objects of a kind live in a namespace; True for kinds that nothing is known of."""
    known = custom.custom(api_version, kind)
    if known is not None:
        return known.namespaced
    return not (kind in builtin.facts()["cluster_scoped"] and (api_version, kind) in builtin.schemas().kinds())


def crd_of(api_version: str, kind: str) -> str:
    """The name of the CRD that brings a custom kind, or an empty string for a built-in or unknown one."""
    known = custom.custom(api_version, kind)
    return known.crd if known else ""


def _unknown_kind(api_version: str, kind: str) -> Problem:
    known = builtin.schemas().kinds().keys() | custom.kinds()
    same = sorted(version for version, name in known if name == kind)
    guess = nearest(kind, {name for version, name in known if version == api_version})
    return Problem(
        summary=f'no matches for kind "{kind}" in version "{api_version}"',
        where="apiVersion" if same else "kind",
        found=f"{api_version} {kind}",
        allowed=", ".join(same),
        fix=f'did you mean "{guess}"?' if guess and not same else "run `python -m kube.facts` if it is a custom kind",
    )


def check_object(obj: Mapping[str, Any]) -> list[Problem]:
    """Everything the API server would refuse about an object, each problem with its path inside the object.

    Values that are not known yet (`UNKNOWN`) are accepted anywhere. Values of Secrets are never quoted.
    """
    api_version, kind = str(obj.get("apiVersion") or ""), str(obj.get("kind") or "")
    walk = Walk(show=kind != "Secret")
    shape = builtin.schemas().shape(api_version, kind)
    known = custom.custom(api_version, kind) if shape is None else None
    if shape is not None:
        walk.visit(shape, obj, "")
    elif known is not None:
        _custom(walk, known, obj)
        rule, spec = karpenter.RULES.get((api_version, kind)), obj.get("spec")
        if rule and isinstance(spec, Mapping):
            rule(walk, spec)
    else:
        return [_unknown_kind(api_version, kind)]
    _metadata(walk, api_version, kind, mapping(obj.get("metadata")))
    if kind == "Secret":
        _secret(walk, mapping(obj.get("data")))
    _workload(walk, kind, obj)
    return walk.problems


def check_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Problem]:
    """What the API server would refuse of changing `old` into `new` in place, beyond what `check_object` says."""
    walk = Walk(show=new.get("kind") != "Secret")
    karpenter.check_change(walk, str(new.get("kind")), mapping(old.get("spec")), mapping(new.get("spec")))
    return walk.problems


def _custom(walk: Walk, known: custom.Custom, obj: Mapping[str, Any]) -> None:
    for key in obj.keys() - {"apiVersion", "kind", "metadata", "spec", "status"}:
        guess = nearest(key, {"metadata", "spec"})
        walk.add(
            key, "field not declared in schema", key, "metadata, spec", f'did you mean "{guess}"?' if guess else ""
        )
    walk.visit(builtin.schemas().metadata(), obj.get("metadata"), "metadata")
    for name in known.required:
        if obj.get(name) is None:
            walk.add(name, "Required value", fix=f"set {name}")
    walk.visit(known.spec, obj.get("spec"), "spec")
    if found := pod_template(obj):
        template = builtin.schemas().shape("v1", "PodTemplate")
        assert template is not None  # noqa: S101 - every version of Kubernetes has it
        walk.visit(template.fields["template"], dict(found[1]), found[0])


def _metadata(walk: Walk, api_version: str, kind: str, metadata: Mapping[str, Any]) -> None:
    name = metadata.get("name")
    if isinstance(name, str) and not is_unknown(name):
        pattern, longest = _RULES_BY_KIND.get(kind, (_SUBDOMAIN, 253))
        if not pattern.match(name) or len(name) > longest:
            allowed = f"at most {longest} characters matching {pattern.pattern}"
            walk.add("metadata.name", "Invalid value: not a valid name", name, allowed)
    namespace = metadata.get("namespace")
    if namespace is not None and not is_namespaced(api_version, kind):
        walk.add("metadata.namespace", "namespaces are not allowed on this type", namespace, fix="remove it")
    elif isinstance(namespace, str) and not is_unknown(namespace) and not _DNS_LABEL.match(namespace):
        walk.add("metadata.namespace", "Invalid value: not a valid namespace name", namespace, _DNS_LABEL.pattern)
    _labels(walk, metadata, "metadata")


def _labels(walk: Walk, metadata: Mapping[str, Any], path: str) -> None:
    for group in ("labels", "annotations"):
        for key, value in mapping(metadata.get(group)).items():
            prefix, slash, name = key.rpartition("/")
            at = under(f"{path}.{group}", key)
            if not _QUALIFIED.match(name) or (slash and (not _SUBDOMAIN.match(prefix) or len(prefix) > 253)):
                walk.add(at, "Invalid value: not a valid key", key, "[prefix/]name, the name at most 63 characters")
            if group == "labels" and isinstance(value, str) and not is_unknown(value) and not _VALUE.match(value):
                walk.add(at, "Invalid value: not a valid label value", value, _VALUE.pattern)


def _secret(walk: Walk, data: Mapping[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, str) and not is_unknown(value):
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                walk.add(under("data", key), "illegal base64 data", fix="encode it, or put it into stringData")


def _workload(walk: Walk, kind: str, obj: Mapping[str, Any]) -> None:
    found = pod_template(obj)
    if found is None:
        return
    path, template = found
    metadata, spec = mapping(template.get("metadata")), mapping(template.get("spec"))
    at = f"{path}.spec" if path else "spec"
    if path:
        _labels(walk, metadata, f"{path}.metadata")
    if kind in _SELECTED and UNKNOWN not in (template.get("metadata"), metadata.get("labels")):
        labels = mapping(metadata.get("labels"))
        for key, value in mapping(mapping(mapping(obj.get("spec")).get("selector")).get("matchLabels")).items():
            if labels.get(key) != value and not is_unknown(value) and not is_unknown(labels.get(key)):
                summary = "Invalid value: `selector` does not match template `labels`"
                walk.add(under(f"{path}.metadata.labels", key), summary, labels.get(key), str(value))
    restart, allowed = spec.get("restartPolicy"), _RESTARTS.get(kind, ("Always",))
    if restart is None and kind in ("Job", "CronJob") and spec:
        walk.add(f"{at}.restartPolicy", "Required value: valid values: OnFailure, Never", fix='set it to "Never"')
    elif restart is not None and not is_unknown(restart) and restart not in allowed:
        walk.add(f"{at}.restartPolicy", "Unsupported value", restart, ", ".join(allowed))
    claims = items(mapping(obj.get("spec")).get("volumeClaimTemplates")) if kind == "StatefulSet" else ()
    _containers(walk, spec, at, {mapping(mapping(claim).get("metadata")).get("name") for claim in claims})


def _containers(walk: Walk, spec: Mapping[str, Any], at: str, claimed: Set[Any]) -> None:
    if spec and not is_unknown(spec.get("containers")) and not items(spec.get("containers")):
        walk.add(f"{at}.containers", "Required value", fix="a pod has at least one container")
    names: set[str] = set()
    volumes = claimed | {mapping(volume).get("name") for volume in items(spec.get("volumes"))}
    any_volume = is_unknown(spec.get("volumes")) or UNKNOWN in volumes or UNKNOWN in items(spec.get("volumes"))
    for path, container in containers(spec):
        name = container.get("name")
        if isinstance(name, str) and not is_unknown(name):
            if name in names:
                walk.add(f"{at}.{path}.name", "Duplicate value", name)
            if not _DNS_LABEL.match(name):
                walk.add(f"{at}.{path}.name", "Invalid value: not a valid name", name, _DNS_LABEL.pattern)
            names.add(name)
        for index, mount in enumerate(items(container.get("volumeMounts"))):
            volume = mapping(mount).get("name")
            if volume is not None and not is_unknown(volume) and not any_volume and volume not in volumes:
                listed = ", ".join(sorted(map(str, volumes)))
                walk.add(f"{at}.{path}.volumeMounts[{index}].name", f'Not found: "{volume}"', volume, listed)
        resources = mapping(container.get("resources"))
        requests, limits = mapping(resources.get("requests")), mapping(resources.get("limits"))
        for resource in requests.keys() | limits.keys():
            extended = "/" in resource and not resource.startswith(("kubernetes.io/", "requests."))
            asked, limit = requests.get(resource), limits.get(resource)
            if not extended or UNKNOWN in (asked, limit, resources.get("requests"), resources.get("limits")):
                continue
            if limit is None or (asked is not None and str(asked) != str(limit)):
                where = under(f"{at}.{path}.resources.limits", resource)
                walk.add(
                    where, f"must be equal to {resource} request", limit, str(asked), "an extended resource needs both"
                )
