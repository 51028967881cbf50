"""A Prometheus pod in place of the one that the recorded chart would bring: it scrapes what a ServiceMonitor says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from sandbox.images.catalogue import RECIPES

IMAGE = RECIPES["prometheus"].image.name
NAMESPACE, NAME = "monitoring", "prometheus-stand-in"
_ACCOUNT = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}


def scrape_config(monitor: Mapping[str, Any], password: str, user: str) -> dict[str, Any]:
    """A ServiceMonitor's one endpoint as a scrape config, every second, as Prometheus' operator would write it."""
    (endpoint,) = monitor["spec"]["endpoints"]
    wanted = monitor["spec"]["selector"]["matchLabels"]
    kept = [
        {
            "action": "keep",
            "source_labels": [
                "__meta_kubernetes_service_label_" + key.replace(".", "_").replace("/", "_").replace("-", "_")
            ],
            "regex": value,
        }
        for key, value in wanted.items()
    ]
    named = [
        {"source_labels": ["__meta_kubernetes_endpointslice_port_name"], "action": "keep", "regex": endpoint["port"]},
        {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        {"source_labels": ["__meta_kubernetes_service_name"], "target_label": "job"},
    ]
    own = [
        {
            "source_labels": relabeling["sourceLabels"],
            "target_label": relabeling["targetLabel"],
            "regex": relabeling["regex"],
            "replacement": relabeling["replacement"],
        }
        for relabeling in endpoint["relabelings"]
    ]
    return {
        "job_name": monitor["metadata"]["name"],
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "metrics_path": endpoint["path"],
        "basic_auth": {"username": user, "password": password},
        "kubernetes_sd_configs": [
            {"role": "endpointslice", "namespaces": {"names": [monitor["metadata"]["namespace"]]}}
        ],
        "relabel_configs": [*kept, *named, *own],
    }


def objects(monitor: Mapping[str, Any], password: str, user: str) -> list[dict[str, Any]]:
    """Everything of it: what it may read, its configuration, the pod and its Service."""
    rbac, space, labels = "rbac.authorization.k8s.io", monitor["metadata"]["namespace"], {"app": NAME}
    look = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": look},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": look},
    ]
    config = {"scrape_configs": [scrape_config(monitor, password, user)]}
    container = {
        "name": "prometheus",
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
        "readinessProbe": {"httpGet": {"path": "/-/ready", "port": 9090}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}, {"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "serviceAccountName": NAME,
        "securityContext": {"runAsNonRoot": True, "fsGroup": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "config", "secret": {"secretName": NAME}}, {"name": "data", "emptyDir": {}}],
    }
    meta = {"name": NAME, "namespace": NAMESPACE}
    spec = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    role = {"apiGroup": rbac, "kind": "Role", "name": NAME}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": NAME, "namespace": space}, "rules": rules},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": NAME, "namespace": space},
            "roleRef": role,
            "subjects": [_ACCOUNT],
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": meta,
            "stringData": {"prometheus.yml": yaml.safe_dump(config)},
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": labels, "ports": [{"port": 9090}]},
        },
    ]
