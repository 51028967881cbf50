"""What runs in a release's pods, as plain values: the init container that fetches and checks, and the model server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.gateway.component import SERVER_PORT
from components.nodes.nodepools import GPU_TAINT, POOL_LABEL
from components.registry import pods as registry_pods
from components.resources import resources
from components.serving import fit, timing
from components.serving.in_cluster import model_fetch
from components.serving.spec import ReleaseSpec, Runtime
from core.versions import IMAGES
from pricing.capacity.announced import GPU_RESOURCE

NAMESPACE = "modelyard-serving"
PORT = SERVER_PORT
READER = "registry-reader"
"""The Secret with the name and the password of the user who reads the registry."""
FETCH, FETCH_DIR, FETCH_FILE = "model-fetch", "/etc/serving", "model_fetch.py"
"""The ConfigMap with the program that fetches, where pods have it, and its file."""
MODELS_DIR, TEMPORARY_DIR = "/models", "/tmp"  # noqa: S108 - a volume of the pod's own
SERVED = f"{MODELS_DIR}/{model_fetch.SERVED}"
SLOTS = 2
"""Requests that one llama.cpp server answers at once; it divides its context among them."""
DRAIN_SECONDS, STOP_SECONDS = 90, 120
"""How long answers under way may take when a pod ends, and when it is ended whatever happens."""
_USERS = {Runtime.LLAMACPP: 10001, Runtime.VLLM: 2000}
"""Users that the pods run as; 2000 is the one that vLLM's image has a home for."""
_FETCHERS = {Runtime.LLAMACPP: ("mlflow", "python"), Runtime.VLLM: ("vllm", "python3")}
"""Image and program that fetch: what runs there anyway where it has Python, else the registry's, which the cluster has."""


def fetch_source() -> str:
    """The program that fetches and checks."""
    return Path(model_fetch.__file__).read_text(encoding="utf-8")


def labels(name: str) -> dict[str, str]:
    """What a release's Services, policies and budgets select its pods by."""
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/component": "model-server"}


def pod_annotations(spec: ReleaseSpec) -> dict[str, str]:
    """What a pod says of its model, for whoever looks; a new version of it is a new pod."""
    return {"modelyard.dev/model": f"{spec.model}/{spec.version}", "modelyard.dev/model-digest": spec.weights.digest}


def pod(name: str, spec: ReleaseSpec) -> dict[str, Any]:
    """A restricted pod that serves one model version, and that can write only into volumes of its own."""
    user = _USERS[spec.runtime]
    return {
        "serviceAccountName": name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": user,
            "runAsGroup": user,
            "fsGroup": user,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **_placed(spec),
        "topologySpreadConstraints": [_spread(name, key) for key in _SPREAD],
        "initContainers": [_fetcher(spec)],
        "containers": [_server(name, spec)],
        "volumes": [
            {"name": "fetch", "configMap": {"name": FETCH}},
            {"name": "models", "emptyDir": {"sizeLimit": f"{fit.disk_mib(spec)}Mi"}},
            {"name": "temporary", "emptyDir": {"sizeLimit": f"{fit.TEMPORARY_MIB[spec.runtime]}Mi"}},
        ],
    }


_SPREAD = ("topology.kubernetes.io/zone", "kubernetes.io/hostname")


def _spread(name: str, key: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(name)},
    }


def _placed(spec: ReleaseSpec) -> dict[str, Any]:
    if spec.runtime is not Runtime.VLLM:
        return {}
    return {
        "nodeSelector": {POOL_LABEL: spec.pool},
        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
    }


def _hardened() -> dict[str, Any]:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def _fetcher(spec: ReleaseSpec) -> dict[str, Any]:
    image, program = _FETCHERS[spec.runtime]
    plain = {
        "REGISTRY_URL": registry_pods.url(),
        "MODEL": spec.model,
        "MODEL_VERSION": str(spec.version),
        "MODEL_DIGEST": spec.weights.digest,
        "RUNTIME": spec.runtime.value,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    keys = {"REGISTRY_USER": "user", "REGISTRY_PASSWORD": "password"}
    return {
        "name": "fetch",
        "image": IMAGES[image].reference,
        "command": [program, f"{FETCH_DIR}/{FETCH_FILE}", MODELS_DIR],
        # `kubectl describe pod` then says why the files are not served.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "env": [
            *({"name": key, "value": value} for key, value in plain.items()),
            *(
                {"name": variable, "valueFrom": {"secretKeyRef": {"name": READER, "key": key}}}
                for variable, key in keys.items()
            ),
        ],
        "resources": resources("100m", "256Mi", fit.held_mib(spec)),
        "securityContext": _hardened(),
        "volumeMounts": [
            {"name": "fetch", "mountPath": FETCH_DIR, "readOnly": True},
            {"name": "models", "mountPath": MODELS_DIR},
        ],
    }


def _server(name: str, spec: ReleaseSpec) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/health", "port": "http"}, "timeoutSeconds": 5}
    on_gpu = spec.runtime is Runtime.VLLM
    return {
        "name": "server",
        "image": IMAGES["vllm" if on_gpu else "llama-cpp"].reference,
        **(_vllm(name, spec) if on_gpu else _llamacpp(name, spec)),
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {
            **probe,
            "periodSeconds": timing.PERIOD_SECONDS,
            "failureThreshold": timing.start_seconds(spec) // timing.PERIOD_SECONDS,
        },
        "readinessProbe": {**probe, "periodSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**probe, "periodSeconds": 10, "failureThreshold": 6},
        # Endpoints are told of a pod's end at the time that the pod is; what still arrives is answered.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "securityContext": _hardened(),
        "volumeMounts": [
            {"name": "models", "mountPath": MODELS_DIR, "readOnly": True},
            {"name": "temporary", "mountPath": TEMPORARY_DIR},
        ],
    }


def _llamacpp(name: str, spec: ReleaseSpec) -> dict[str, Any]:
    """llama.cpp's server by its own image's program: only arguments."""
    return {
        "args": [
            f"--model={SERVED}",
            f"--alias={name}",
            "--host=0.0.0.0",
            f"--port={PORT}",
            f"--ctx-size={spec.context * SLOTS}",
            f"--parallel={SLOTS}",
            f"--threads={spec.threads}",
            "--metrics",
        ],
        "env": [{"name": "HOME", "value": TEMPORARY_DIR}],
        "resources": resources(spec.cpu or "1", f"{fit.server_mib(spec, SLOTS)}Mi", fit.held_mib(spec)),
    }


def _vllm(name: str, spec: ReleaseSpec) -> dict[str, Any]:
    """vLLM's OpenAI-compatible server; it ends what it is answering before the pod is ended."""
    # torch asks who the user is, and takes its cache's place from it.
    env = {"HOME": TEMPORARY_DIR, "USER": "vllm", "VLLM_NO_USAGE_STATS": "1", "HF_HUB_OFFLINE": "1"}
    asked = resources("2", "12Gi", fit.held_mib(spec))
    return {
        "command": ["vllm", "serve", SERVED],
        "args": [
            f"--served-model-name={name}",
            "--host=0.0.0.0",
            f"--port={PORT}",
            f"--max-model-len={spec.context}",
            f"--gpu-memory-utilization={fit.GPU_SHARE_PERCENT / 100}",
            f"--shutdown-timeout={DRAIN_SECONDS}",
        ],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": {kind: {**said, GPU_RESOURCE: "1"} for kind, said in asked.items()},
    }
