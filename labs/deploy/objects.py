"""The app as Kubernetes objects: Rollout, Services, route, monitor and judge, and its neighbours: the model and the registry."""

from __future__ import annotations

from typing import Any

from labs.deploy.release import Release
from sandbox.images.catalogue import RECIPES
from sandbox.releases import argo_rollouts, gateway, prometheus
from sandbox.releases import manifests as parts

Object = dict[str, Any]
NAME, MODEL, REGISTRY = "assistant", "chat", "mlflow"
SPACE = gateway.SERVING
PROMPT = "assistant"
REGISTRY_PORT = 5000
TEMPORARY = "/tmp"  # noqa: S108 - a path in the pod

_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "app"}
_HASH = "rollouts_pod_template_hash"
_ROUTE = "/v1/chat/completions"
_LEAST, _WINDOW, _WORSE = 5, "20s", 0.1
"""Of the judge: fewest requests that say something, over how long, and by how much worse than stable (share) is too bad."""


def neighbours() -> list[Object]:
    """What the app calls: a model behind the gateway, and MLflow with the prompts."""
    model = parts.container(
        "server",
        RECIPES["model-server"].image.name,
        [f"--alias={MODEL}", "--port=8080", "--ctx-size=1024", "--parallel=2", "--threads=1"],
        ports=[{"name": "http", "containerPort": 8080}],
        startupProbe=_probe("/health", periodSeconds=1, failureThreshold=240),
        readinessProbe=_probe("/health", periodSeconds=5),
        resources={"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        volumeMounts=parts.mounts(temporary=TEMPORARY),
    )
    registry = parts.container(
        "server",
        RECIPES["mlflow"].image.name,
        [
            "server",
            "--host=0.0.0.0",
            f"--port={REGISTRY_PORT}",
            "--workers=1",
            f"--backend-store-uri=sqlite:///{TEMPORARY}/mlflow.db",
            "--allowed-hosts=*",
        ],
        env=[
            {"name": "HOME", "value": TEMPORARY},
            {"name": "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "value": "false"},
        ],
        ports=[{"name": "http", "containerPort": REGISTRY_PORT}],
        startupProbe=_probe("/health", periodSeconds=1, failureThreshold=240),
        readinessProbe=_probe("/health", periodSeconds=5),
        resources={"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"memory": "2Gi"}},
        volumeMounts=parts.mounts(temporary=TEMPORARY),
    )
    found: list[Object] = []
    for name, container, port, target in ((MODEL, model, 80, "http"), (REGISTRY, registry, REGISTRY_PORT, "http")):
        labels = {"app.kubernetes.io/name": name}
        pod = parts.pod("default", [container], {"temporary": {"emptyDir": {}}}, group=10001)
        found.append(parts.deployment(SPACE, name, labels, {**pod, "automountServiceAccountToken": False}))
        service = parts.service(SPACE, name, labels, {"http": port})
        service["spec"]["ports"][0]["targetPort"] = target
        found.append(service)
    return [*found, _route(MODEL, [{"name": MODEL, "port": 80}])]


def app(release: Release) -> list[Object]:
    """Everything of the app at a release, the Rollout last."""
    backends = [
        {"name": f"{NAME}-{role}", "port": 80, "weight": weight} for role, weight in (("stable", 100), ("canary", 0))
    ]
    services = []
    for role in ("stable", "canary"):
        each = parts.service(SPACE, f"{NAME}-{role}", _LABELS, {"http": 80})
        each["spec"]["ports"][0]["targetPort"] = "http"
        services.append(each)
    return [*services, _route(NAME, backends), _monitor(), *judges(), rollout(release)]


def rollout(release: Release) -> Object:
    """The Rollout: the release's steps, each for its time, judged from the first on; at the end the judge has to be sure."""
    steps: list[Object] = []
    for step in release.rollout.steps:
        steps += [{"setWeight": step.weight}, {"pause": {"duration": f"{step.pause_seconds}s"}}]
    hashes = [
        {"name": "canary", "valueFrom": {"podTemplateHashValue": "Latest"}},
        {"name": "stable", "valueFrom": {"podTemplateHashValue": "Stable"}},
    ]
    steps.append({"analysis": {"templates": [{"templateName": f"{NAME}-sure"}], "args": hashes}})
    canary = {
        "stableService": f"{NAME}-stable",
        "canaryService": f"{NAME}-canary",
        "abortScaleDownDelaySeconds": 5,
        "trafficRouting": {"plugins": {argo_rollouts.PLUGIN: {"httpRoute": NAME, "namespace": SPACE}}},
        "analysis": {"templates": [{"templateName": NAME}], "startingStep": 1, "args": hashes},
        "steps": steps,
    }
    spec = {
        "replicas": release.replicas,
        "selector": {"matchLabels": _LABELS},
        "strategy": {"canary": canary},
        "template": {"metadata": {"labels": {**_LABELS, "version": release.version}}, "spec": _pod(release)},
    }
    return _named("argoproj.io/v1alpha1", "Rollout", NAME, spec)


def _pod(release: Release) -> Object:
    settings = {
        "MODEL_URL": f"http://{gateway.NAME}.{gateway.NAMESPACE}/{MODEL}/v1",
        "MODEL": MODEL,
        "REGISTRY_URL": f"http://{REGISTRY}:{REGISTRY_PORT}",
        "PROMPT": f"prompts:/{PROMPT}/1",
        "VERSION": release.version,
    }
    container = parts.container(
        "app",
        release.image,
        [],
        env=[{"name": key, "value": value} for key, value in settings.items()],
        ports=[{"name": "http", "containerPort": 8080}],
        startupProbe=_probe("/healthz", periodSeconds=1, failureThreshold=120),
        readinessProbe=_probe("/readyz", periodSeconds=2),
        # Envoy hears that a pod is going a moment after it is told to go.
        lifecycle={"preStop": {"sleep": {"seconds": 5}}},
        resources={"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
        volumeMounts=parts.mounts(temporary=TEMPORARY),
    )
    pod = parts.pod(
        "default", [container | {"imagePullPolicy": "IfNotPresent"}], {"temporary": {"emptyDir": {}}}, group=10001
    )
    return {**pod, "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 40}


def judges() -> list[Object]:
    """Two questions with one query: all along, is it worse than stable by a tenth of its requests? At the end, is it known?"""

    def of(version: str, more: str = "") -> str:
        chosen = f'route="{_ROUTE}",{_HASH}="{{{{args.{version}}}}}"{more}'
        return f"sum(increase(app_requests_total{{{chosen}}}[{_WINDOW}]))"

    def rate(version: str) -> str:
        failed = of(version, ',code=~"5.."')
        return f"(({failed} or vector(0)) / {of(version)})"

    known = "len(result) > 0 && !isNaN(result[0])"
    query = f"({rate('canary')} - {rate('stable')}) and ({of('canary')} >= {_LEAST})"
    common = {
        "name": "errors-above-stable",
        "successCondition": f"{known} && result[0] <= {_WORSE}",
        "failureCondition": f"{known} && result[0] > {_WORSE}",
        "provider": {"prometheus": {"address": prometheus.URL, "query": query}},
    }
    along = {**common, "interval": "3s", "failureLimit": 1, "inconclusiveLimit": 1000}
    # Too few requests are no success: then the rollout waits for somebody.
    sure = {**common, "count": 1, "failureLimit": 0, "inconclusiveLimit": 0}
    return [
        _named(
            "argoproj.io/v1alpha1",
            "AnalysisTemplate",
            name,
            {"args": [{"name": "canary"}, {"name": "stable"}], "metrics": [metric]},
        )
        for name, metric in ((NAME, along), (f"{NAME}-sure", sure))
    ]


def _monitor() -> Object:
    spec = {
        "selector": {"matchLabels": _LABELS},
        "podTargetLabels": ["rollouts-pod-template-hash"],
        "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
    }
    return _named("monitoring.coreos.com/v1", "PodMonitor", NAME, spec)


def _route(name: str, backends: list[Object]) -> Object:
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{name}/"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": rewrite}],
        "backendRefs": backends,
        # The default of a minute would cut a stream.
        "timeouts": {"request": "0s"},
    }
    spec = {"parentRefs": [{"name": gateway.NAME, "namespace": gateway.NAMESPACE}], "rules": [rule]}
    return _named("gateway.networking.k8s.io/v1", "HTTPRoute", name, spec)


def _probe(path: str, **more: int) -> Object:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 5, **more}


def _named(version: str, kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": SPACE}, "spec": spec}
