"""Argo Rollouts with the plugin that moves an HTTPRoute's weights, fetched by the controller and checked against a digest."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
from pydantic import Field

from components.resources import resources
from components.spec import Spec
from core.problem import Problem
from core.versions import CHARTS, ROLLOUTS_PLUGIN

NAMESPACE = "argo-rollouts"
_PLUGIN_MIB = 512
"""Room (MiB) for the plugin's program, which has about 80 MB, and the log."""


class Architecture(enum.StrEnum):
    """Processors that the plugin is built for, as Kubernetes calls them."""

    AMD64 = "amd64"
    ARM64 = "arm64"


class RolloutsSpec(Spec):
    """The controller of rollouts; there is one when there are releases."""

    replicas: int = Field(default=1, ge=1, le=5)
    """Controllers, of which one leads; with two, the loss of a node causes no outage."""
    architecture: Architecture = Architecture.AMD64
    """Processor of the nodes that it runs on, for which its plugin is built; on AWS one that the general pool has."""


@dataclass(frozen=True, kw_only=True)
class RolloutsArgs:
    """What the controller is made from."""

    spec: RolloutsSpec
    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: Sequence[pulumi.Resource]


@pulumi.type_token("modelyard:index:Rollouts")
class Rollouts(pulumi.ComponentResource):
    """The controller, ready for Rollouts that name the plugin."""

    release: k8s.helm.v3.Release

    def __init__(self, name: str, args: RolloutsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:Rollouts", name, {"spec": args.spec.to_inputs()}, opts)
        levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
        child = pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=list(args.needs))
        space = k8s.core.v1.Namespace(
            NAMESPACE, metadata={"name": NAMESPACE, "labels": {**args.labels, **levels}}, opts=child
        )
        chart = CHARTS["argo-rollouts"]
        self.release = k8s.helm.v3.Release(
            chart.name,
            name=chart.name,
            namespace=space.metadata["name"],
            chart=chart.reference,
            version=chart.version,
            repository_opts={"repo": chart.repository},
            values=controller_values(args.spec),
            timeout=600,
            opts=child,
        )
        self.register_outputs({})


def unpinned(architecture: Architecture) -> list[Problem]:
    """Why the plugin cannot be fetched for a processor; empty when its digest is known."""
    if ROLLOUTS_PLUGIN.sha256.get(architecture.value):
        return []
    return [
        Problem(
            summary=f"nobody has read the digest of {ROLLOUTS_PLUGIN.name} {ROLLOUTS_PLUGIN.version} for this processor",
            where="rollouts.architecture",
            found=architecture.value,
            allowed=", ".join(sorted(each for each, digest in ROLLOUTS_PLUGIN.sha256.items() if digest))
            or "none is known",
            fix="add it to ROLLOUTS_PLUGIN in core/versions.py, from the release's own page",
        )
    ]


def controller_values(spec: RolloutsSpec) -> dict[str, Any]:
    """The chart's values. The controller checks the plugin only under exactly the key `sha256`, and takes any other for none."""
    plugin = {
        "name": ROLLOUTS_PLUGIN.name,
        "location": ROLLOUTS_PLUGIN.address + spec.architecture.value,
        "sha256": ROLLOUTS_PLUGIN.sha256[spec.architecture.value],
    }
    return {
        "installCRDs": True,
        # Somebody's Rollouts outlive a release that is taken away by mistake.
        "keepCRDs": True,
        "controller": {
            "replicas": spec.replicas,
            "trafficRouterPlugins": [plugin],
            "nodeSelector": {"kubernetes.io/arch": spec.architecture.value},
            "resources": resources("50m", "192Mi", _PLUGIN_MIB, memory_limit="512Mi"),
            **({"pdb": {"enabled": True, "minAvailable": 1}} if spec.replicas > 1 else {}),
        },
        "dashboard": {"enabled": False},
        "notifications": {"configmap": {"create": False}, "secret": {"create": False}},
    }
