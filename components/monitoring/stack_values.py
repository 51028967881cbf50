"""The values of kube-prometheus-stack: persistent, sized, watching every team's monitors, and entered by name only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.monitoring import stock_alerts
from components.monitoring.routes import SECRETS, configuration
from components.monitoring.spec import MonitoringSpec, OidcSpec, RemoteWriteSpec, Size
from components.nodes.nodepools import POOL_LABEL
from components.resources import small

GRAFANA_ADMIN = "grafana-admin"
GRAFANA_OIDC = "grafana-oidc"
REMOTE_WRITE = "remote-write"
USED_PERCENT = 80
"""Share of a volume (percent) up to which Prometheus fills it: the rest is for what it writes before it compacts, and for the
file system. The chart's own alert looks at volumes with less than 15 % left; at 85 percent a full Prometheus would be one."""

NODE_LABELS = (POOL_LABEL, "karpenter.sh/nodepool", "karpenter.sh/capacity-type", "node.kubernetes.io/instance-type")
"""Labels of nodes that kube-state-metrics passes on."""

NOT_ON_EKS = ("etcd", "kubeControllerManager", "kubeSchedulerAlerting", "kubeSchedulerRecording", "kubeProxy")
"""Rules of the chart about what AWS runs where nobody can read its metrics, and kube-proxy, which listens to itself only."""


@dataclass(frozen=True, kw_only=True)
class _Sized:
    """Requests of one size: processors and memory of Prometheus and memory of kube-state-metrics, memory as its limit too."""

    cpu: str
    memory: str
    state: str


SIZES: Mapping[Size, _Sized] = {
    Size.SMALL: _Sized(cpu="300m", memory="2Gi", state="128Mi"),
    Size.MEDIUM: _Sized(cpu="1", memory="6Gi", state="256Mi"),
    Size.LARGE: _Sized(cpu="2", memory="16Gi", state="512Mi"),
}


def stack_values(spec: MonitoringSpec, *, storage_class: str, nodes_namespace: str, cluster: str) -> dict[str, Any]:
    """The chart's values; `cluster` labels what is sent elsewhere, `nodes_namespace` is where node exporters run."""
    off = {"enabled": False}
    return {
        "crds": {"enabled": True},
        "kubeControllerManager": off,
        "kubeScheduler": off,
        "kubeEtcd": off,
        "kubeProxy": off,
        "defaultRules": {
            "create": True,
            "rules": dict.fromkeys(NOT_ON_EKS, False),
            "disabled": stock_alerts.rules(),
        },
        "prometheusOperator": {"resources": small("50m", "256Mi")},
        "prometheus": _prometheus(spec, storage_class, cluster),
        "alertmanager": _alertmanager(spec, storage_class),
        "grafana": _grafana(spec, storage_class),
        "kube-state-metrics": {
            "metricLabelsAllowlist": [f"nodes=[{','.join(NODE_LABELS)}]"],
            "resources": small("20m", SIZES[spec.size].state),
        },
        "prometheus-node-exporter": {
            "namespaceOverride": nodes_namespace,
            "resources": small("20m", "64Mi"),
            "prometheus": {
                "monitor": {
                    "relabelings": [{"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"}]
                }
            },
        },
    }


def _prometheus(spec: MonitoringSpec, storage_class: str, cluster: str) -> dict[str, Any]:
    sized, gib = SIZES[spec.size], spec.storage_gib.prometheus
    # Without these, only what carries this release's own label would be read.
    selectors = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    return {
        "serviceAccount": {"create": True, "name": "prometheus"},
        "podDisruptionBudget": {"enabled": spec.high_availability, "minAvailable": 1},
        "prometheusSpec": {
            **{f"{selector}SelectorNilUsesHelmValues": False for selector in selectors},
            "replicas": spec.prometheus_replicas,
            "podAntiAffinity": "hard" if spec.high_availability else "soft",
            "retention": f"{spec.retention_days}d",
            "retentionSize": f"{gib * USED_PERCENT // 100}GiB",
            "storageSpec": {"volumeClaimTemplate": _claim(storage_class, gib)},
            "resources": small(sized.cpu, sized.memory),
            "externalLabels": {"cluster": cluster},
            "remoteWrite": [_remote_write(spec.remote_write)] if spec.remote_write else [],
        },
    }


def _alertmanager(spec: MonitoringSpec, storage_class: str) -> dict[str, Any]:
    secret = any(receiver.secret for receiver in spec.alerts.receivers.values())
    return {
        "serviceAccount": {"create": True, "name": "alertmanager"},
        "podDisruptionBudget": {"enabled": spec.high_availability, "minAvailable": 2 if spec.high_availability else 1},
        "config": configuration(spec.alerts),
        "alertmanagerSpec": {
            "replicas": spec.alertmanager_replicas,
            "podAntiAffinity": "hard" if spec.high_availability else "soft",
            "storage": {"volumeClaimTemplate": _claim(storage_class, spec.storage_gib.alertmanager)},
            "resources": small("20m", "128Mi"),
            "secrets": [SECRETS] if secret else [],
        },
    }


def _grafana(spec: MonitoringSpec, storage_class: str) -> dict[str, Any]:
    ini: dict[str, Any] = {
        "auth.anonymous": {"enabled": False},
        "users": {"allow_sign_up": False},
        "security": {"cookie_secure": (spec.grafana.root_url or "").startswith("https://")},
        "analytics": {"reporting_enabled": False, "check_for_updates": False},
    }
    values: dict[str, Any] = {
        "admin": {"existingSecret": GRAFANA_ADMIN, "userKey": "admin-user", "passwordKey": "admin-password"},
        # One replica on a volume of its own: a second could not have it, not even while the first is replaced.
        "deploymentStrategy": {"type": "Recreate"},
        "persistence": {"enabled": True, "storageClassName": storage_class, "size": f"{spec.storage_gib.grafana}Gi"},
        # It would run as root; the pod's fsGroup gives the volume to Grafana.
        "initChownData": {"enabled": False},
        "testFramework": {"enabled": False},
        "defaultDashboardsTimezone": "utc",
        "resources": small("50m", "256Mi"),
        # Its containers copy every dashboard and data source into emptyDirs.
        "sidecar": {
            "resources": small("10m", "128Mi"),
            **{each: {"sizeLimit": "64Mi"} for each in ("dashboards", "datasources")},
        },
    }
    if spec.grafana.root_url:
        ini["server"] = {"root_url": spec.grafana.root_url}
    if spec.grafana.oidc:
        ini["auth.generic_oauth"] = _oidc(spec.grafana.oidc)
        values["envFromSecrets"] = [{"name": GRAFANA_OIDC, "optional": False}]
    return {**values, "grafana.ini": ini}


def _oidc(spec: OidcSpec) -> dict[str, Any]:
    # The client secret comes by environment, as GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET.
    return {
        "enabled": True,
        "name": spec.name,
        "client_id": spec.client_id,
        "auth_url": spec.auth_url,
        "token_url": spec.token_url,
        "api_url": spec.api_url,
        "scopes": " ".join(spec.scopes),
        "role_attribute_path": spec.roles,
        "role_attribute_strict": True,
        "allow_sign_up": True,
        "use_pkce": True,
    }


def _remote_write(spec: RemoteWriteSpec) -> dict[str, Any]:
    write: dict[str, Any] = {"url": spec.url}
    if spec.secret:
        write["basicAuth"] = {
            part: {"name": REMOTE_WRITE, "key": key} for part, key in (("username", "user"), ("password", "password"))
        }
    return write


def _claim(storage_class: str, gib: int) -> dict[str, Any]:
    return {
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": f"{gib}Gi"}},
        }
    }
