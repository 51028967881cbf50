"""Argo Rollouts, as the chart `argo-rollouts` installs it: the controller, its rights, and the plugins that it is told to load.

Read against the chart's role and Deployment in the controller's own module (v1.10.2, 2026-11-30); rights for routers that
are not here (Istio, ALB, SMI and others) are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import yaml

from core.versions import ROLLOUTS_PLUGIN
from sandbox.images.catalogue import RECIPES
from sandbox.releases import manifests as parts
from sandbox.releases.manifests import LOOK, Object, may

NAMESPACE, NAME = "argo-rollouts", "argo-rollouts"
PLUGIN = ROLLOUTS_PLUGIN.name
STAND_IN = "file:///usr/local/bin/httproute"
"""Where the image has the stand-in for Argo's Gateway API plugin, which no Go module serves."""

_ARGO, _HOME = "argoproj.io", "/srv/argo-rollouts"
_WRITE = ("create", "update", "patch")
_RULES = [
    may(_ARGO, "rollouts rollouts/status rollouts/finalizers", *LOOK, "update", "patch"),
    may(
        _ARGO,
        "analysisruns analysisruns/finalizers experiments experiments/finalizers",
        *LOOK,
        *_WRITE,
        "delete",
    ),
    may(_ARGO, "analysistemplates clusteranalysistemplates", *LOOK),
    may("apps", "replicasets", *LOOK, *_WRITE, "delete"),
    may("apps", "deployments", *LOOK, "update"),
    may("core", "podtemplates secrets configmaps endpoints", *LOOK),
    may("core", "services", *LOOK, "create", "patch", "delete"),
    may("core", "pods", "list", "watch", "update"),
    may("core", "pods/eviction", "create"),
    may("core", "events", *_WRITE),
    may("batch", "jobs", *LOOK, *_WRITE, "delete"),
    may("networking.k8s.io", "ingresses", *LOOK),
    may("coordination.k8s.io", "leases", "get", "create", "update"),
    may("gateway.networking.k8s.io", "httproutes", *LOOK, "update"),
]


def objects(values: Mapping[str, Any]) -> list[Object]:
    """Everything but the CRDs. Of a release's values, `controller.trafficRouterPlugins` and `controller.resources` apply.

    The Gateway API plugin is loaded under its own name from the image, wherever the values fetch it from: it is a stand-in.
    """
    controller = values.get("controller") or {}
    declared = controller.get("trafficRouterPlugins") or [{"name": PLUGIN}]
    plugins = [_stood_in(each) if each["name"] == PLUGIN else dict(each) for each in declared]
    config = yaml.safe_dump(plugins, sort_keys=False)
    container = parts.container(
        NAME,
        RECIPES[NAME].image.name,
        ["--leader-elect=false", "--loglevel=info", "--kloglevel=0"],
        ports=[{"name": "metrics", "containerPort": 8090}, {"name": "healthz", "containerPort": 8080}],
        livenessProbe={"httpGet": {"path": "/healthz", "port": "healthz"}, "initialDelaySeconds": 30},
        readinessProbe={"httpGet": {"path": "/healthz", "port": "healthz"}, "periodSeconds": 1},
        resources=controller.get("resources") or {"requests": {"cpu": "20m", "memory": "96Mi"}},
        volumeMounts=parts.mounts(plugin_bin=f"{_HOME}/plugin-bin", tmp="/tmp"),  # noqa: S108 - a path in the pod
    )
    labels = {"app.kubernetes.io/name": NAME}
    spec = parts.pod(NAME, [container], {"plugin-bin": {"emptyDir": {}}, "tmp": {"emptyDir": {}}})
    return [
        parts.namespace(NAMESPACE),
        parts.account(NAMESPACE, NAME),
        *parts.rights(NAMESPACE, NAME, _RULES),
        parts.config(NAMESPACE, "argo-rollouts-config", {"trafficRouterPlugins": config}),
        parts.deployment(NAMESPACE, NAME, labels, spec, digest=hashlib.sha256(config.encode()).hexdigest()),
        parts.service(NAMESPACE, "argo-rollouts-metrics", labels, {"metrics": 8090}),
    ]


def _stood_in(plugin: Mapping[str, Any]) -> Object:
    """The plugin's entry without what says which file it is fetched as."""
    return {**{key: value for key, value in plugin.items() if key != "sha256"}, "location": STAND_IN}
