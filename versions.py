"""Every version the platform pins: Kubernetes, charts, images, node images and the sandbox's own toolchain.

A floor that every room may import and that imports nothing. To upgrade something, change it here and read the diff of
the golden files; nowhere else does a version stand.
"""

from __future__ import annotations

from dataclasses import dataclass

KUBERNETES = "1.36"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart at one version; `digest` (of the chart archive) is empty when it has not been read from its registry."""

    name: str
    version: str
    repository: str
    crds: tuple[str, ...] = ()
    digest: str = ""
    architectures: tuple[str, ...] = ("amd64", "arm64")


CHARTS = {
    chart.name: chart
    for chart in (
        Chart(
            name="karpenter-crd",
            version="1.14.1",
            repository="oci://public.ecr.aws/karpenter",
            crds=(
                "capacitybuffers.autoscaling.x-k8s.io",
                "ec2nodeclasses.karpenter.k8s.aws",
                "nodeclaims.karpenter.sh",
                "nodeoverlays.karpenter.sh",
                "nodepools.karpenter.sh",
            ),
        ),
        Chart(name="karpenter", version="1.14.1", repository="oci://public.ecr.aws/karpenter"),
        Chart(
            name="nvidia-device-plugin",
            version="0.20.0",
            repository="https://nvidia.github.io/k8s-device-plugin",
        ),
    )
}


@dataclass(frozen=True, kw_only=True)
class Addon:
    """An EKS add-on at one version; `before_nodes` when no node is ready without it."""

    name: str
    version: str
    before_nodes: bool = False


ADDONS = {
    "1.36": (
        Addon(name="vpc-cni", version="v1.22.4-eksbuild.3", before_nodes=True),
        Addon(name="kube-proxy", version="v1.36.0-eksbuild.25", before_nodes=True),
        Addon(name="eks-pod-identity-agent", version="v1.3.10-eksbuild.3", before_nodes=True),
        Addon(name="coredns", version="v1.14.3-eksbuild.23"),
        Addon(name="aws-ebs-csi-driver", version="v1.66.0-eksbuild.1"),
        Addon(name="eks-node-monitoring-agent", version="v1.7.2-eksbuild.1"),
        Addon(name="metrics-server", version="v0.9.0-eksbuild.11"),
    ),
}
"""Add-ons by the Kubernetes minor that they were read for (public platform repositories, read 2026-11-24)."""

AMI_ALIASES = {"AL2023": "al2023@v20260903", "Bottlerocket": "bottlerocket@v1.63.0"}
"""Node images by AMI family, pinned: `@latest` would replace a fleet on someone else's day (read 2026-11-24)."""

PULUMI = "3.259.0"
PULUMI_MINIMUM = "3.247.0"
PULUMI_LANGUAGE_PYTHON = "3.78.1"

GO_MODULES = {
    "etcd": "v3.6.16",
    "kubernetes": "v1.36.0",
    "kwok": "v0.8.0",
    "karpenter-kwok": "v1.15.0",
    "prometheus": "v0.307.0",
    "actionlint": "v1.7.12",
}
"""What the tools that only tests run are built from: one pinned Go module each in `sandbox/go/` (read 2026-11-24)."""
