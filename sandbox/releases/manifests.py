"""Pieces that every stand-in for a release is written from: rights, a restricted pod, a Service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Object = dict[str, Any]

LOOK = ("get", "list", "watch")
_RBAC = "rbac.authorization.k8s.io"


def namespace(name: str, **labels: str) -> Object:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def account(space: str, name: str) -> Object:
    """A service account whose token only a pod that asks for it gets."""
    meta = {"name": name, "namespace": space}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta, "automountServiceAccountToken": False}


def may(groups: str, resources: str, *verbs: str) -> Object:
    """A rule of a role; groups and resources are words in one string, `core` is the group without a name."""
    named = ["" if each == "core" else each for each in groups.split()]
    return {"apiGroups": named, "resources": resources.split(), "verbs": list(verbs)}


def rights(space: str, name: str, rules: Sequence[Object], *, within: str = "") -> list[Object]:
    """A role and its binding for the account of that name in `space`; cluster-wide, or in the namespace `within` only."""
    kind = "Role" if within else "ClusterRole"
    meta: Object = {"name": name, **({"namespace": within} if within else {})}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": space}
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": meta,
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": name},
        "subjects": [subject],
    }
    return [{"apiVersion": f"{_RBAC}/v1", "kind": kind, "metadata": meta, "rules": list(rules)}, binding]


def config(space: str, name: str, data: Mapping[str, str]) -> Object:
    """A ConfigMap."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": space},
        "data": dict(data),
    }


def service(space: str, name: str, labels: Mapping[str, str], ports: Mapping[str, int]) -> Object:
    """A Service for the pods with these labels."""
    listed = [{"name": key, "port": port} for key, port in ports.items()]
    spec = {"selector": dict(labels), "ports": listed}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": space}, "spec": spec}


def container(name: str, image: str, args: Sequence[str], **more: Any) -> Object:
    """A restricted container; its image is on the node or nowhere."""
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "Never",
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "args": list(args),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        **more,
    }


def mounts(**paths: str) -> list[Object]:
    """Volume mounts by the volume's name; `_` in a name is `-`."""
    return [{"name": name.replace("_", "-"), "mountPath": path} for name, path in paths.items()]


def pod(user: str, containers: Sequence[Object], volumes: Mapping[str, Object], *, group: int = 65532) -> Object:
    """A restricted pod that signs in to the API server as the account `user`."""
    return {
        "serviceAccountName": user,
        "automountServiceAccountToken": True,
        "terminationGracePeriodSeconds": 10,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": group,
            "runAsGroup": group,
            "fsGroup": group,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": list(containers),
        "volumes": [{"name": name, **source} for name, source in volumes.items()],
    }


def deployment(space: str, name: str, labels: Mapping[str, str], spec: Object, *, digest: str = "") -> Object:
    """A Deployment of one pod; `digest` is that of its configuration, and another one brings another pod."""
    meta = {"labels": dict(labels), "annotations": {"dev.modelyard/configuration": digest}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": dict(labels)},
            "strategy": {"type": "Recreate"},
            "template": {"metadata": meta, "spec": spec},
        },
    }
