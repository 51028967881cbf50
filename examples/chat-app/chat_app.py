"""The chat service, deployed as any team's app would be: in the team's namespace, on what the platform promises.

The platform has made the namespace (`namespaces.names` in its stack file), closed it, and let it reach the registry. This
program adds the app and the one way that it needs: to the gateway of the models. Which version runs, and by which steps the
next one comes in, is in `release.yaml` beside it; Argo Rollouts takes the steps.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import yaml
from modelyard_contract import PlatformOutputs

HERE = Path(__file__).resolve().parent
NAME, PORT, EXPERIMENT = "chat-app", 8080, "shop-assistant"
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "app"}
GATEWAY, SCRAPER = "modelyard-gateway", "monitoring"
IMAGE = r"\S+@sha256:[0-9a-f]{64}"


@dataclass(frozen=True)
class Release:
    """Which version runs, in how many pods, and the steps of the next one: its share (percent) and for how long (seconds)."""

    version: str
    image: str
    replicas: int
    steps: tuple[tuple[int, int], ...]


def released(file: Path) -> Release:
    """What the release file says. Raises RunError when it cannot be used, and while no image has been built."""
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        steps = tuple((int(step["weight"]), int(step["pauseSeconds"])) for step in said["rollout"]["steps"])
        release = Release(str(said["version"]), str(said["image"]), int(said["replicas"]), steps)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        why = " ".join(str(error).split())
        raise pulumi.RunError(f"{file.name} cannot be used: {type(error).__name__}: {why}") from None
    if not release.image:
        raise pulumi.RunError(f"{file.name} names no image yet: the workflow `app` opens a pull request that does")
    if not re.fullmatch(IMAGE, release.image):
        raise pulumi.RunError(
            f"{file.name}: an image is named by its digest, NAME@sha256:DIGEST, and not {release.image}"
        )
    return release


def canary(release: Release) -> dict[str, Any]:
    """The steps as Argo takes them: by pods, because a team's namespace has no route on the gateway that could be weighted."""
    steps: list[dict[str, Any]] = []
    for weight, seconds in release.steps:
        steps += [{"setWeight": weight}, {"pause": {"duration": f"{seconds}s"}}]
    return {"maxSurge": 1, "maxUnavailable": 0, "steps": steps}


def settings(promised: PlatformOutputs, release: str) -> dict[str, str]:
    """The app's environment, from what the platform promises. Raises RunError for what it does not."""
    if release not in promised.releases:
        raise pulumi.RunError(f"no release {release}: the platform has {', '.join(promised.releases) or 'none'}")
    if promised.registry is None:
        raise pulumi.RunError("the platform has no registry, and the prompts are in one")
    return {
        "MODEL_URL": promised.releases[release].url,
        "MODEL": release,
        "REGISTRY_URL": promised.registry.url,
    }


def namespaced(promised: PlatformOutputs, wanted: str) -> str:
    """The namespace, if the platform has made it. Raises RunError when it has not."""
    if wanted not in promised.namespaces:
        raise pulumi.RunError(f"no namespace {wanted}: name it under namespaces.names in the platform's stack file")
    return wanted


def pod(image: str, environment: list[dict[str, Any]]) -> dict[str, Any]:
    """A pod that Pod Security `restricted` takes; it starts to serve when its prompts are there."""
    container = {
        "name": "app",
        "image": image,
        "env": environment,
        "ports": [{"name": "http", "containerPort": PORT}],
        "startupProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 2, "failureThreshold": 60},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5, "timeoutSeconds": 5},
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10, "timeoutSeconds": 5},
        # The endpoint is taken out of the Service first, then the app finishes its answers.
        "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "flags", "mountPath": "/etc/chat", "readOnly": True},
            {"name": "temporary", "mountPath": "/tmp"},  # noqa: S108 - a path in the pod
        ],
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 40,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "flags", "configMap": {"name": NAME}}, {"name": "temporary", "emptyDir": {}}],
    }


def of_secret(variable: str, secret: str, key: str) -> dict[str, Any]:
    """A variable whose value stays in the cluster."""
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def space(name: str) -> dict[str, Any]:
    """Every pod of a namespace, as a NetworkPolicy names it."""
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


config = pulumi.Config()
platform = PlatformOutputs.of(pulumi.StackReference(config.require("platform")))
model, release = config.get("release") or "chat", released(HERE / "release.yaml")
inside = platform.apply(lambda promised: namespaced(promised, config.require("namespace")))
flags = (HERE / "flags.json").read_text(encoding="utf-8")
cluster = k8s.Provider("platform", context=config.require("context"))
opts = pulumi.ResourceOptions(provider=cluster)
metadata: Any = {"name": NAME, "namespace": inside, "labels": LABELS}

fixed = {
    "FLAGS_FILE": "/etc/chat/flags.json",
    "EXPERIMENT": EXPERIMENT,
    "PROMPT_VARIABLES": json.dumps({"company": config.get("company") or "Example Shop"}),
    "TRACE_EXPERIMENT_ID": config.get("traceExperimentId") or "",
    "VERSION": release.version,
}
environment: pulumi.Output[list[dict[str, Any]]] = platform.apply(
    lambda promised: [
        *({"name": key, "value": value} for key, value in {**settings(promised, model), **fixed}.items()),
        *(
            of_secret(variable, config.get("registrySecret") or "chat-app-registry", key)
            for variable, key in (("REGISTRY_USER", "username"), ("REGISTRY_PASSWORD", "password"))
        ),
    ]
)
carried = k8s.core.v1.ConfigMap("flags", metadata=metadata, data={"flags.json": flags}, opts=opts)
# Another flag is another digest, and so another pod: the app reads its flags when it starts.
annotations = {"chat-app/flags": hashlib.sha256(flags.encode()).hexdigest()}
spec: Any = {
    "replicas": release.replicas,
    "selector": {"matchLabels": LABELS},
    "strategy": {"canary": canary(release)},
    "template": {
        "metadata": {"labels": LABELS, "annotations": annotations},
        "spec": environment.apply(lambda found: pod(release.image, found)),
    },
}
k8s.apiextensions.CustomResource(
    "app",
    api_version="argoproj.io/v1alpha1",
    kind="Rollout",
    metadata=metadata,
    spec=spec,
    opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=carried)),
)
service_spec: Any = {"selector": LABELS, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
service = k8s.core.v1.Service("app", metadata=metadata, spec=service_spec, opts=opts)
policy: Any = {
    "podSelector": {"matchLabels": LABELS},
    "policyTypes": ["Ingress", "Egress"],
    "ingress": [
        {"from": [space(SCRAPER), {"podSelector": {}}, space(GATEWAY)], "ports": [{"protocol": "TCP", "port": PORT}]}
    ],
    # No port: a policy sees the port of Envoy's pod, which is another than that of its Service.
    "egress": [{"to": [space(GATEWAY)]}],
}
k8s.networking.v1.NetworkPolicy("app", metadata=metadata, spec=policy, opts=opts)
monitor = {
    "selector": {"matchLabels": LABELS},
    "podMetricsEndpoints": [{"port": "http", "path": "/metrics", "interval": "30s"}],
}
k8s.apiextensions.CustomResource(
    "app",
    api_version="monitoring.coreos.com/v1",
    kind="PodMonitor",
    metadata=metadata,
    spec=monitor,
    opts=opts,
)

pulumi.export("namespace", inside)
pulumi.export("service", service.metadata["name"])
