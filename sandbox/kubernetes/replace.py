"""Which changes of a Kubernetes object mean another object: what the API server holds immutable.

The list follows the fields that the provider for Kubernetes replaces an object for. Its default for ConfigMaps and
Secrets is to replace them too, so that whoever mounts one sees the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.paths import differences, steps
from sandbox.provider import Change

AUTONAMED = "pulumi.com/autonamed"
_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")
_IMMUTABLE = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.completionMode", "spec.completions", "spec.selector", "spec.template"),
    "PersistentVolumeClaim": (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.volumeName",
    ),
    "Pod": ("spec.containers", "spec.initContainers", "spec.nodeName", "spec.volumes"),
    "PriorityClass": ("preemptionPolicy", "value"),
    "ReplicaSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": ("spec.podManagementPolicy", "spec.selector", "spec.serviceName", "spec.volumeClaimTemplates"),
    "StorageClass": ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}
_MOUNTED = {
    "ConfigMap": (("binaryData", "data"), "enableConfigMapMutable"),
    "Secret": (("data", "stringData"), "enableSecretMutable"),
}
_RELEASE = ("name", "namespace")


def _on(setting: Any) -> bool:
    return str(setting).lower() == "true"


def change(kind: str, olds: Mapping[str, Any], news: Mapping[str, Any], settings: Mapping[str, Any]) -> Change:
    """What a new version of an object changes, and which of it makes a new object."""
    immutable = [*_IDENTITY, *_IMMUTABLE.get(kind, ())]
    fields, setting = _MOUNTED.get(kind, ((), ""))
    if not _on(settings.get(setting)):
        immutable += fields
    found = _change(olds, news, immutable)
    metadata, before = news.get("metadata") or {}, olds.get("metadata") or {}
    same = all(metadata.get(key) == before.get(key) for key in ("name", "namespace"))
    fixed = AUTONAMED not in (metadata.get("annotations") or {})
    return Change(found.changed, found.replaces, delete_before_replace=bool(found.replaces) and same and fixed)


def release_change(olds: Mapping[str, Any], news: Mapping[str, Any]) -> Change:
    """What a new version of a Helm release changes; another name or namespace is another release."""
    return _change(olds, news, _RELEASE)


def _change(olds: Mapping[str, Any], news: Mapping[str, Any], immutable: Iterable[str]) -> Change:
    changed = tuple(path for path in differences(olds, news) if not path.startswith("__"))
    fixed = [steps(path) for path in immutable]
    replaces = tuple(path for path in changed if any(steps(path)[: len(start)] == start for start in fixed))
    return Change(changed, replaces)
