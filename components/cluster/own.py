"""A Kubernetes cluster of one's own, outside AWS: kind, k3d, or whatever a kubeconfig knows under a name."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as k8s

from components.kinds.kubernetes import Context
from components.spec import Spec


class OwnClusterSpec(Spec):
    """A cluster that somebody else made and pays for; the platform makes objects in it and nothing around it."""

    context: Context
    """Context of the deployer's kubeconfig. It is required: the current context is never used."""


def provider(name: str, spec: OwnClusterSpec, opts: pulumi.ResourceOptions) -> k8s.Provider:
    """The provider of the cluster that the context names, in the kubeconfig of whoever runs the program."""
    return k8s.Provider(
        name,
        context=spec.context,
        # A cluster that is made anew under its old name gets another port; its objects are the same ones all the same.
        cluster_identifier=f"context/{spec.context}",
        enable_server_side_apply=True,
        enable_config_map_mutable=True,
        opts=opts,
    )
