"""The base of a stack: a cluster, and the AWS parts around it where there is AWS.

A component that has neighbours in AWS takes them as an argument that may be None, and its Spec says whether it needs them
(`Spec.needs_aws`). So the wiring asks once, here and in `build`, and no component asks at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.own import OwnClusterSpec, provider


class HostCluster(Protocol):
    """A cluster with nodes; everything that runs on it is declared after it."""

    provider: k8s.Provider
    """The cluster's provider; it comes after what makes the cluster reachable and able to run pods."""
    on_it: pulumi.ResourceOptions
    """Options of a component that stands on it: its parent and its providers."""

    def nodes(self, labels: Mapping[str, str]) -> list[pulumi.Resource]:
        """Declares the nodes that are the platform's own; gives what must be there before a pod without a GPU finds one."""

    def promise(self) -> dict[str, Any]:
        """Its part of the outputs contract."""


class OwnCluster:
    """A cluster outside AWS, as its context in a kubeconfig names it; nodes and storage it brings itself."""

    def __init__(self, spec: OwnClusterSpec, root: pulumi.Resource) -> None:
        self.provider = provider("cluster", spec, pulumi.ResourceOptions(parent=root))
        self.on_it = pulumi.ResourceOptions(parent=root, providers=[self.provider])

    def nodes(self, labels: Mapping[str, str]) -> list[pulumi.Resource]:  # noqa: ARG002
        """Declares nothing."""
        return []

    def promise(self) -> dict[str, Any]:
        """Nothing of AWS; its readers have a kubeconfig of their own. Readers of contract version 1 would miss the rest."""
        return {"contractVersion": 2}
