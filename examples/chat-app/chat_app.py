"""The chat service, deployed as any team's app would be: in the team's namespace, on what the platform promises.

The platform has made the namespace (`namespaces.names` in its stack file), closed it, and let it reach the registry. This
program adds the app and the one way that it needs: to the gateway of the models.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from modelyard_contract import PlatformOutputs

HERE = Path(__file__).resolve().parent
NAME, PORT, EXPERIMENT = "chat-app", 8080, "shop-assistant"
LABELS = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": "app"}
GATEWAY, SCRAPER = "modelyard-gateway", "monitoring"


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
release, version = config.get("release") or "chat", config.require("version")
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
    "VERSION": version,
}
environment: pulumi.Output[list[dict[str, Any]]] = platform.apply(
    lambda promised: [
        *({"name": key, "value": value} for key, value in {**settings(promised, release), **fixed}.items()),
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
    "replicas": config.get_int("replicas") or 2,
    "selector": {"matchLabels": LABELS},
    "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
    "template": {
        "metadata": {"labels": LABELS, "annotations": annotations},
        "spec": environment.apply(lambda found: pod(config.require("image"), found)),
    },
}
deployed = k8s.apps.v1.Deployment(
    "app",
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
