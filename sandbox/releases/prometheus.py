"""Prometheus, in place of the one that the chart `kube-prometheus-stack` brings: it scrapes what PodMonitors select.

No operator is here: PodMonitors are read once, when this is installed, and again when it is installed again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from sandbox.images.catalogue import RECIPES
from sandbox.releases import manifests as parts
from sandbox.releases.manifests import LOOK, Object, may

NAMESPACE, NAME = "monitoring", "prometheus"
SERVICE, PORT = "kube-prometheus-stack-prometheus", 9090
"""The name and port under which the chart's release of that name serves it."""

URL = f"http://{SERVICE}.{NAMESPACE}.svc:{PORT}"
_META = "__meta_kubernetes_pod"
_RULES = [may("core", "pods services endpoints namespaces", *LOOK), may("discovery.k8s.io", "endpointslices", *LOOK)]


def objects(monitors: Iterable[Mapping[str, Any]], *, interval: str = "2s") -> list[Object]:
    """Everything of it; every endpoint of every PodMonitor is scraped each `interval`, whatever the monitor says."""
    jobs = [job for monitor in monitors for job in _jobs(monitor)]
    config = yaml.safe_dump(
        {"global": {"scrape_interval": interval, "scrape_timeout": interval}, "scrape_configs": jobs}
    )
    labels = {"app.kubernetes.io/name": NAME}
    arguments = ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"]
    container = parts.container(
        NAME,
        RECIPES[NAME].image.name,
        arguments,
        ports=[{"name": "http-web", "containerPort": PORT}],
        readinessProbe={"httpGet": {"path": "/-/ready", "port": PORT}, "periodSeconds": 1},
        resources={"requests": {"cpu": "20m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
        volumeMounts=parts.mounts(config="/etc/prometheus", data="/data"),
    )
    volumes: dict[str, Object] = {"config": {"configMap": {"name": NAME}}, "data": {"emptyDir": {}}}
    digest = hashlib.sha256(config.encode()).hexdigest()
    return [
        parts.namespace(NAMESPACE),
        parts.account(NAMESPACE, NAME),
        *parts.rights(NAMESPACE, NAME, _RULES),
        parts.config(NAMESPACE, NAME, {"prometheus.yml": config}),
        parts.deployment(NAMESPACE, NAME, labels, parts.pod(NAME, [container], volumes, group=65534), digest=digest),
        parts.service(NAMESPACE, SERVICE, labels, {"http-web": PORT}),
    ]


def _jobs(monitor: Mapping[str, Any]) -> list[Object]:
    """A PodMonitor's endpoints as scrape configurations, named and labelled as Prometheus' operator does."""
    meta, spec = monitor["metadata"], monitor["spec"]
    chosen = spec.get("namespaceSelector") or {}
    spaces = {} if chosen.get("any") else {"namespaces": {"names": chosen.get("matchNames") or [meta["namespace"]]}}
    kept = [
        {"action": "keep", "source_labels": [f"{_META}_label_{_label(key)}"], "regex": value}
        for key, value in spec["selector"].get("matchLabels", {}).items()
    ]
    found = []
    for number, endpoint in enumerate(spec["podMetricsEndpoints"]):
        named = [
            {"action": "keep", "source_labels": [f"{_META}_container_port_name"], "regex": endpoint["port"]},
            {"action": "keep", "source_labels": [f"{_META}_phase"], "regex": "Running"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": [f"{_META}_name"], "target_label": "pod"},
            {"source_labels": [f"{_META}_container_name"], "target_label": "container"},
        ]
        copied = [
            {"source_labels": [f"{_META}_label_{_label(key)}"], "target_label": _label(key)}
            for key in spec.get("podTargetLabels", ())
        ]
        own = [_relabelling(relabeling) for relabeling in endpoint.get("relabelings", ())]
        found.append(
            {
                "job_name": f"podMonitor/{meta['namespace']}/{meta['name']}/{number}",
                "metrics_path": endpoint.get("path", "/metrics"),
                "kubernetes_sd_configs": [{"role": "pod", **spaces}],
                "relabel_configs": [*kept, *named, *copied, *own],
            }
        )
    return found


def _label(key: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in key)


_FIELDS = {"sourceLabels": "source_labels", "targetLabel": "target_label"}


def _relabelling(declared: Mapping[str, Any]) -> Object:
    return {_FIELDS.get(key, key): value for key, value in declared.items()}
