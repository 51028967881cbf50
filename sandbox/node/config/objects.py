"""What every cluster has before anything is deployed to it: DNS, the rights of the policies' enforcer, a storage class."""

from __future__ import annotations

from typing import Any

from sandbox.node.layout import DNS_SERVICE, DOMAIN

DNS = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "coredns", "namespace": "kube-system"}}
STORAGE_CLASS, PROVISIONER = "standard", "modelyard.dev/folder"
_RBAC = "rbac.authorization.k8s.io"
_LOOK = ["list", "watch"]
_COREFILE = f"""\
.:53 {{
    errors
    health :8080
    ready :8181
    kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{
        pods insecure
        ttl 5
    }}
    prometheus :9153
    cache 5
}}
"""


def objects(dns_image: str) -> list[dict[str, Any]]:
    """All of them, in the order in which they are applied."""
    enforcer = {"kind": "User", "name": "system:kube-router", "apiGroup": _RBAC}
    resolver = {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}
    named = {"apiGroups": [""], "resources": ["namespaces", "pods", "services", "endpoints"], "verbs": _LOOK}
    slices = {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": _LOOK}
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", *_LOOK]}
    policies = {"apiGroups": ["networking.k8s.io"], "resources": ["networkpolicies"], "verbs": _LOOK}
    return [
        *_rights("system:kube-router", enforcer, [named, slices, nodes, policies]),
        *_rights("system:coredns", resolver, [named, slices]),
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "coredns", "namespace": "kube-system"}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "coredns", "namespace": "kube-system"},
            "data": {"Corefile": _COREFILE},
        },
        _resolver(dns_image),
        _service(),
        _storage(),
    ]


def _rights(name: str, subject: dict[str, str], rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    version = f"{_RBAC}/v1"
    role = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name}
    return [
        {"apiVersion": version, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        {
            "apiVersion": version,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": role,
            "subjects": [subject],
        },
    ]


def _resolver(image: str) -> dict[str, Any]:
    labels = {"k8s-app": "kube-dns"}
    container = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "resources": {"requests": {"cpu": "20m", "memory": "40Mi"}, "limits": {"memory": "170Mi"}},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 5},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return {**DNS, "spec": spec}


def _service() -> dict[str, Any]:
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        {"name": "metrics", "port": 9153, "protocol": "TCP"},
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": DNS_SERVICE, "selector": {"k8s-app": "kube-dns"}, "ports": ports},
    }


def _storage() -> dict[str, Any]:
    """The class that kind calls `standard`: a folder of the node, made when a pod first wants it."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
