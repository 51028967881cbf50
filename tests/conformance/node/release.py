"""A release written by hand as components/serving declares it: Rollout, Services, route, monitor, and its judge."""

from __future__ import annotations

from typing import Any

from sandbox.images.catalogue import RECIPES
from sandbox.releases import argo_rollouts, gateway, prometheus

Object = dict[str, Any]
SPACE = gateway.SERVING
HASH = "rollouts_pod_template_hash"
"""What Prometheus calls the label by which Argo tells versions apart."""

_LEAST, _WINDOW = 8, "16s"


def _labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "model-server"}


def objects(name: str) -> list[Object]:
    """Everything of it but the Rollout."""
    return [*(_service(name, role) for role in ("stable", "canary")), _route(name), _monitor(name), _judge(name)]


def rollout(name: str, *, version: str, fault_rate: float = 0.0) -> Object:
    """The Rollout: 10 %, 50 % and 100 %, each step when it is told, judged from the first on.

    `version` is another pod; with a `fault_rate` it is a bad one, by a fault of the image that stands in.
    """
    template = {"metadata": {"labels": {**_labels(name), "version": version}}, "spec": _pod(name, version, fault_rate)}
    hashes = [
        {"name": "canary", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
    ]
    canary = {
        "stableService": f"{name}-stable",
        "canaryService": f"{name}-canary",
        "abortScaleDownDelaySeconds": 3,
        "trafficRouting": {"plugins": {argo_rollouts.PLUGIN: {"httpRoute": name, "namespace": SPACE}}},
        "analysis": {"templates": [{"templateName": name}], "startingStep": 1, "args": hashes},
        "steps": [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}, {"pause": {}}],
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": _labels(name)},
        "strategy": {"canary": canary},
        "template": template,
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": spec,
    }


def _pod(name: str, version: str, fault_rate: float) -> Object:
    container = {
        "name": "server",
        "image": RECIPES["model-server"].image.name,
        "imagePullPolicy": "IfNotPresent",
        "args": [f"--alias={name}", "--host=0.0.0.0", "--port=8080", "--ctx-size=1024", "--parallel=2", "--threads=1"],
        "env": [
            {"name": "VERSION", "value": version},
            {"name": "MODEL_SERVER_FAULT_RATE", "value": str(fault_rate)},
        ],
        "ports": [{"name": "http", "containerPort": 8080}],
        "startupProbe": {
            "httpGet": {"path": "/health", "port": "http"},
            "periodSeconds": 1,
            "timeoutSeconds": 5,
            "failureThreshold": 120,
        },
        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 5},
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108 - a path in the pod
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 40,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "temporary", "emptyDir": {}}],
    }


def _service(name: str, role: str) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    meta = {"name": f"{name}-{role}", "namespace": SPACE}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"selector": _labels(name), "ports": ports},
    }


def _route(name: str) -> Object:
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    backends = [
        {"name": f"{name}-{role}", "port": 80, "weight": weight} for role, weight in (("stable", 100), ("canary", 0))
    ]
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}/"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": rewrite}],
        "backendRefs": backends,
        "timeouts": {"request": "0s"},
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"parentRefs": [{"name": gateway.NAME, "namespace": gateway.NAMESPACE}], "rules": [rule]},
    }


def _monitor(name: str) -> Object:
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {
            "selector": {"matchLabels": _labels(name)},
            "podTargetLabels": ["app.kubernetes.io/name", "rollouts-pod-template-hash"],
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
        },
    }


def _judge(name: str) -> Object:
    """Fails a version that errs more often than stable by a tenth of its requests; too few requests say nothing."""

    def of(version: str, more: str = "") -> str:
        chosen = f'app_kubernetes_io_name="{name}",{HASH}="{{{{args.{version}}}}}"{more}'
        return f"sum(increase(http_requests_total{{{chosen}}}[{_WINDOW}]))"

    def rate(version: str) -> str:
        failed = of(version, ',status="5xx"')
        return f"(({failed} or vector(0)) / {of(version)})"

    known = "len(result) > 0 && !isNaN(result[0])"
    metric = {
        "name": "errors-above-stable",
        "interval": "3s",
        "failureLimit": 1,
        "inconclusiveLimit": 1000,
        "successCondition": f"{known} && result[0] <= 0.1",
        "failureCondition": f"{known} && result[0] > 0.1",
        "provider": {
            "prometheus": {
                "address": prometheus.URL,
                "query": f"({rate('canary')} - {rate('stable')}) and ({of('canary')} >= {_LEAST})",
            }
        },
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "AnalysisTemplate",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {"args": [{"name": "canary"}, {"name": "stable"}], "metrics": [metric]},
    }
