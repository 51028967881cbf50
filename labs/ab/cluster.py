"""The model behind the app: the real node, Envoy Gateway, and two pods with llama.cpp, at the address of a release.

A Deployment and no Rollout: nothing is rolled out here, so Argo Rollouts is not built and not started for this lab.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from sandbox import lab
from sandbox.images.catalogue import RECIPES
from sandbox.releases import gateway
from sandbox.releases import manifests as parts

Say = Callable[[str], None]
Object = dict[str, Any]
NAME, REPLICAS = "chat", 2
_LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "model-server"}
_SPACE = gateway.SERVING


@contextlib.contextmanager
def answering(root: Path, folder: Path, say: Say) -> Iterator[tuple[str, list[str]]]:
    """The cluster while the block runs: the release's base URL on 127.0.0.1, and lines that say what is behind it.

    Raises Refused (`UNAVAILABLE`) with the line that installs what is missing.
    """
    with lab.started(root, folder, say=say, images=["model-server"], charts=["gateway-helm"]) as running:
        running.apply(*objects())
        url = f"{running.url}/{NAME}/v1"

        def answers() -> bool:
            with contextlib.suppress(requests.RequestException):
                return requests.get(f"{url}/models", timeout=5).status_code == requests.codes.ok and all_ready()
            return False

        def all_ready() -> bool:
            found = running.get("deployment", _SPACE, NAME) or {}
            return bool(found.get("status", {}).get("readyReplicas") == REPLICAS)

        say(
            f"model: {REPLICAS} pods answer through Envoy ({running.until('the model does not answer', answers):.1f} s)"
        )
        chain = f"Envoy (Gateway {gateway.NAMESPACE}/{gateway.NAME}), then {REPLICAS} pods of {_SPACE}/{NAME} on a real node"
        yield url, [chain, *running.stands_in]


def objects() -> list[Object]:
    """The release's objects: Deployment, Service and route."""
    container = parts.container(
        "server",
        RECIPES["model-server"].image.name,
        [f"--alias={NAME}", "--port=8080", "--ctx-size=1024", "--parallel=2", "--threads=1"],
        ports=[{"name": "http", "containerPort": 8080}],
        startupProbe=_probe(periodSeconds=1, failureThreshold=120),
        readinessProbe=_probe(periodSeconds=5),
        resources={"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
        volumeMounts=parts.mounts(temporary="/tmp"),  # noqa: S108 - a path in the pod
    )
    pod = parts.pod("default", [container], {"temporary": {"emptyDir": {}}}, group=10001)
    pod = {**pod, "automountServiceAccountToken": False}
    deployed = parts.deployment(_SPACE, NAME, _LABELS, pod)
    deployed["spec"]["replicas"] = REPLICAS
    return [deployed, _service(), _route()]


def _probe(**more: int) -> Object:
    return {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": 5, **more}


def _service() -> Object:
    spec = {"selector": _LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    meta = {"name": f"{NAME}-stable", "namespace": _SPACE}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": spec}


def _route() -> Object:
    rewrite = {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}
    rule = {
        "matches": [{"path": {"type": "PathPrefix", "value": f"/{NAME}/"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": rewrite}],
        "backendRefs": [{"name": f"{NAME}-stable", "port": 80}],
        # The default of a minute would cut a stream.
        "timeouts": {"request": "0s"},
    }
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": NAME, "namespace": _SPACE},
        "spec": {"parentRefs": [{"name": gateway.NAME, "namespace": gateway.NAMESPACE}], "rules": [rule]},
    }
