"""AWS's device plugin for EFA: it is what makes a network interface of a training node something that a pod can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pulumi
import pulumi_kubernetes as k8s

from components.nodes.nodepools import EFA_LABEL, GPU_TAINT
from components.resources import small
from core.versions import IMAGES

NAMESPACE = "kube-system"
NAME = "efa-device-plugin"


@dataclass(frozen=True, kw_only=True)
class EfaPluginArgs:
    """What the plugin is made from: labels of its objects, and what must be in the cluster before it."""

    labels: Mapping[str, str]
    provider: k8s.Provider
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:EfaPlugin")
class EfaPlugin(pulumi.ComponentResource):
    """One DaemonSet for all pools with EFA; on every other node it does not run."""

    def __init__(self, name: str, args: EfaPluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelyard:index:EfaPlugin", name, {}, opts)
        k8s.apps.v1.DaemonSet(
            NAME,
            metadata={"name": NAME, "namespace": NAMESPACE, "labels": args.labels},
            spec=cast(Any, daemon_set()),
            # No node may have EFA yet, and a DaemonSet without nodes is complete.
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.needs),
        )
        self.register_outputs({})


def daemon_set() -> dict[str, Any]:
    """The DaemonSet's spec: the host's network, its devices and the kubelet's plugin socket are what such a plugin works on.

    What it needs of the host: the user guide of EKS, "Run machine learning training with Elastic Fabric Adapter", and the
    plugin's chart as its users describe it (read 2026-11-24).
    """
    selector = {"app.kubernetes.io/name": NAME}
    return {
        "selector": {"matchLabels": selector},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": {
            "metadata": {"labels": selector},
            "spec": {
                "automountServiceAccountToken": False,
                "hostNetwork": True,
                "nodeSelector": {EFA_LABEL: "true"},
                "priorityClassName": "system-node-critical",
                "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
                "containers": [
                    {
                        "name": NAME,
                        "image": IMAGES["efa-device-plugin"].reference,
                        "securityContext": {"privileged": True},
                        "resources": small("10m", "20Mi", "64Mi"),
                        "volumeMounts": [
                            {"name": "plugins", "mountPath": "/var/lib/kubelet/device-plugins"},
                            {"name": "infiniband", "mountPath": "/dev/infiniband"},
                        ],
                    }
                ],
                "volumes": [
                    {"name": "plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}},
                    {"name": "infiniband", "hostPath": {"path": "/dev/infiniband"}},
                ],
            },
        },
    }
