"""NVIDIA's device plugin, for GPU nodes whose image does not bring one: it is what makes a GPU something a pod can ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.nodes.nodepools import GPU_TAINT, PLUGIN_LABEL
from components.nodes.sharing import SharingSpec, plugin_configs
from components.resources import small
from core.versions import CHARTS

NAMESPACE = "kube-system"


@dataclass(frozen=True, kw_only=True)
class DevicePluginArgs:
    """What the plugin is made from: how each pool that needs it shares its GPUs."""

    sharing: Mapping[str, SharingSpec]
    provider: k8s.Provider
    needs: list[pulumi.Resource]


@pulumi.type_token("modelyard:index:DevicePlugin")
class DevicePlugin(pulumi.ComponentResource):
    """One release for all pools; a node picks its pool's sharing by label."""

    def __init__(self, name: str, args: DevicePluginArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        sharing = {pool: spec.to_inputs() for pool, spec in args.sharing.items()}
        super().__init__("modelyard:index:DevicePlugin", name, {"sharing": sharing}, opts)
        chart = CHARTS["nvidia-device-plugin"]
        k8s.helm.v3.Release(
            chart.name,
            name=chart.name,
            namespace=NAMESPACE,
            chart=chart.reference,
            version=chart.version,
            repository_opts={"repo": chart.repository},
            values=plugin_values(args.sharing),
            timeout=600,
            # No node may have a GPU yet, and a DaemonSet without nodes is complete.
            opts=pulumi.ResourceOptions(parent=self, provider=args.provider, depends_on=args.needs),
        )
        self.register_outputs({})


def plugin_values(sharing: Mapping[str, SharingSpec]) -> dict[str, Any]:
    """The chart's values: on GPU nodes that need it and nowhere else, with a configuration for each way of sharing."""
    chart = CHARTS["nvidia-device-plugin"]
    return {
        # The chart joins repository and tag with a colon, so a digest stands behind the tag.
        "image": {"tag": f"{chart.image_tag}@{chart.image_digest}"},
        "config": {"map": plugin_configs(sharing), "default": "default"},
        "gfd": {"enabled": False},
        "nodeSelector": {PLUGIN_LABEL: "true"},
        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "priorityClassName": "system-node-critical",
        "resources": small("10m", "64Mi", "256Mi"),
    }
