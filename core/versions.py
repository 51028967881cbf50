"""Every version the platform pins: Kubernetes, charts, images, node images and the sandbox's own toolchain.

Every room may import it, and it imports nothing. To upgrade, change it here and read the diff of the golden files.
"""

from __future__ import annotations

from dataclasses import dataclass

KUBERNETES = "1.36"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A container image at one tag; `digest` is empty when it has not been read, and then a rule refuses it in prod.

    `architectures` is empty until `modelyard images refresh` has read them.
    """

    name: str
    repository: str
    tag: str
    digest: str = ""
    architectures: tuple[str, ...] = ()

    @property
    def reference(self) -> str:
        """What a container says for its image."""
        return f"{self.repository}:{self.tag}" + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A Helm chart at one version.

    `digest` is that of the chart in its OCI registry: Helm refuses another one under the same version. It is empty where it
    has not been read, or where the chart lies in an HTTP repository, which Helm cannot ask for a digest; in prod a rule
    refuses such a chart. The others are those of the chart's own image, the tag only where it is not the version; what
    else a chart runs is in `CHART_IMAGES`. `architectures` is empty until `modelyard images refresh` has read them.
    """

    name: str
    version: str
    repository: str
    crds: tuple[str, ...] = ()
    digest: str = ""
    image_repository: str = ""
    image_tag: str = ""
    image_digest: str = ""
    architectures: tuple[str, ...] = ()

    @property
    def image(self) -> Image | None:
        """The chart's own image, where the platform names it by its digest."""
        if not self.image_repository:
            return None
        return Image(
            name=self.name,
            repository=self.image_repository,
            tag=self.image_tag or self.version,
            digest=self.image_digest,
            architectures=self.architectures,
        )

    @property
    def reference(self) -> str:
        """What a release says for its chart: an OCI reference with the digest, or the plain name beside `repository`."""
        if not self.repository.startswith("oci://"):
            return self.name
        pin = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}/{self.name}{pin}"


CHARTS = {
    chart.name: chart
    for chart in (
        Chart(
            name="karpenter-crd",
            version="1.14.1",
            repository="oci://public.ecr.aws/karpenter",
            digest="sha256:c05c566740802506a34f3500b33e2fa3c9254f60469e84e5e294a3bd8adefb9f",
            crds=(
                "capacitybuffers.autoscaling.x-k8s.io",
                "ec2nodeclasses.karpenter.k8s.aws",
                "nodeclaims.karpenter.sh",
                "nodeoverlays.karpenter.sh",
                "nodepools.karpenter.sh",
            ),
        ),
        # Digests of both charts and of the images: public repositories that pin them, two agreeing (read 2026-11-24).
        Chart(
            name="karpenter",
            version="1.14.1",
            repository="oci://public.ecr.aws/karpenter",
            digest="sha256:91434e00fb102d6ee0d1bd34a4457a32fe01a8fa833fe1a2a37da4f50272079b",
            image_repository="public.ecr.aws/karpenter/controller",
            image_digest="sha256:445baefaaa689029cc12ac1f659b916b0b82fb14308ce536f8521fcf079116fa",
        ),
        Chart(
            name="nvidia-device-plugin",
            version="0.20.0",
            repository="https://nvidia.github.io/k8s-device-plugin",
            image_repository="nvcr.io/nvidia/k8s-device-plugin",
            image_tag="v0.20.0",
            image_digest="sha256:a61ba9fd8efb82f3a79f877f7580e02c1e8e7593f62473644bc9c79e315c3312",
        ),
        Chart(
            name="external-secrets",
            version="2.9.0",
            repository="https://charts.external-secrets.io",
            crds=(
                "clustersecretstores.external-secrets.io",
                "externalsecrets.external-secrets.io",
                "passwords.generators.external-secrets.io",
            ),
        ),
        Chart(
            name="kube-prometheus-stack",
            version="88.5.3",
            repository="https://prometheus-community.github.io/helm-charts",
            crds=(
                "podmonitors.monitoring.coreos.com",
                "prometheusrules.monitoring.coreos.com",
                "servicemonitors.monitoring.coreos.com",
            ),
        ),
        Chart(
            name="argo-rollouts",
            version="2.41.0",
            repository="https://argoproj.github.io/argo-helm",
            crds=("rollouts.argoproj.io",),
        ),
        # Envoy Gateway's own charts lie in Docker Hub; there is no digest for this processor of this one yet.
        Chart(
            name="gateway-helm",
            version="v1.9.0",
            repository="oci://docker.io/envoyproxy",
            crds=(
                "envoyproxies.gateway.envoyproxy.io",
                *(f"{kind}.gateway.networking.k8s.io" for kind in ("gatewayclasses", "gateways", "httproutes")),
            ),
        ),
        # The digest: five public repositories that pin this tag agree (read 2026-11-24).
        Chart(
            name="dcgm-exporter",
            version="4.8.2",
            repository="https://nvidia.github.io/dcgm-exporter/helm-charts",
            image_repository="nvcr.io/nvidia/k8s/dcgm-exporter",
            image_tag="4.5.3-4.8.2-distroless",
            image_digest="sha256:60d3b00ac80b4ae77f94dae2f943685605585ad9e92fdccda3154d009ae317cc",
        ),
    )
}


IMAGES = {
    image.name: image
    for image in (
        Image(name="efa-device-plugin", repository="public.ecr.aws/eks/aws-efa-k8s-device-plugin", tag="v0.5.20"),
        # `-full` has PostgreSQL's driver, boto3, the users' app and the metrics exporter; the plain image has none of them.
        # Nobody has read whether there is one for arm64, which prod's general pool (m7g) needs: `modelyard images refresh` does.
        Image(name="mlflow", repository="ghcr.io/mlflow/mlflow", tag="v3.17.2-full"),
        # The Envoy that Envoy Gateway 1.9.0 is built for (its `api/v1alpha1/shared_types.go`).
        Image(name="envoy", repository="docker.io/envoyproxy/envoy", tag="distroless-v1.39.0"),
        # Model servers: tags that several public repositories pin (read 2026-11-30); their digests have not been read.
        Image(name="llama-cpp", repository="ghcr.io/ggml-org/llama.cpp", tag="server-b11206"),
        Image(name="vllm", repository="docker.io/vllm/vllm-openai", tag="v0.30.0"),
    )
}


CHART_IMAGES = {
    "external-secrets": (
        Image(
            name="external-secrets",
            repository="ghcr.io/external-secrets/external-secrets",
            tag="v2.9.0",
        ),
    ),
    "kube-prometheus-stack": (
        Image(name="prometheus", repository="quay.io/prometheus/prometheus", tag="v3.14.0-distroless"),
        Image(name="alertmanager", repository="quay.io/prometheus/alertmanager", tag="v0.34.0"),
        Image(name="prometheus-operator", repository="quay.io/prometheus-operator/prometheus-operator", tag="v0.93.1"),
        Image(
            name="prometheus-config-reloader",
            repository="quay.io/prometheus-operator/prometheus-config-reloader",
            tag="v0.93.1",
        ),
        Image(
            name="kube-state-metrics",
            repository="registry.k8s.io/kube-state-metrics/kube-state-metrics",
            tag="v2.20.0",
        ),
        Image(name="node-exporter", repository="quay.io/prometheus/node-exporter", tag="v1.12.1-distroless"),
        Image(name="grafana", repository="docker.io/grafana/grafana", tag="13.2.0"),
        Image(name="k8s-sidecar", repository="quay.io/kiwigrid/k8s-sidecar", tag="2.10.1"),
        Image(name="kube-webhook-certgen", repository="ghcr.io/jkroepke/kube-webhook-certgen", tag="1.8.7"),
    ),
    "argo-rollouts": (Image(name="argo-rollouts", repository="quay.io/argoproj/argo-rollouts", tag="v1.9.0"),),
    "gateway-helm": (Image(name="envoy-gateway", repository="docker.io/envoyproxy/gateway", tag="v1.9.0"),),
}
"""What else a chart runs with the values that it is given, by the tag that the chart itself names: no digest pins these.

Repositories and tags are those of the charts' own values (`kube/data/charts`); a test compares both.
"""


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """A program that a controller fetches at its start and checks: `sha256` by the processor that it is built for."""

    name: str
    version: str
    address: str
    """Where the release's programs are; the processor's name comes behind it."""
    sha256: dict[str, str]


ROLLOUTS_PLUGIN = Plugin(
    name="argoproj-labs/gatewayAPI",
    version="v0.17.0",
    address="https://github.com/argoproj-labs/rollouts-plugin-trafficrouter-gatewayapi/releases/download/v0.17.0/"
    "gatewayapi-plugin-linux-",
    sha256={
        "amd64": "1904ca787d33107c140521899d61fff030ee75d99908bd175fca5a4647759061",
        "arm64": "5221279f7bf2c9b2c0ff6ed7ff12718ecce1d4892f1ff5e5224bb723cfd0fd92",
    },
)
"""What sets an HTTPRoute's weights for Argo Rollouts. Digests: public repositories that pin them, two for amd64 (2026-11-30)."""


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
    "coredns": "v1.15.0",
    "kube-router": "v2.1.0",
    "kwok": "v0.8.0",
    "karpenter-kwok": "v1.15.0",
    "prometheus": "v0.307.0",
    "argo-rollouts": "v1.10.2",
    "envoy-gateway": "v1.9.1",
    "actionlint": "v1.7.12",
}
"""What the tools that only tests run are built from: one pinned Go module each in `sandbox/go/` (read 2026-11-24)."""

POSTGRESQL = "17"
"""Major version of the registry's database; RDS takes minor ones by itself."""


@dataclass(frozen=True, kw_only=True)
class CrdModule:
    """A Go module that holds a chart's CRDs as files; `sum` is its hash in `go.sum`'s form, `folder` where they stand.

    `go_version` is the compiler that the module asks for, where that is a newer one. `also` are the modules of the chart's
    other CRDs.
    """

    module: str
    version: str
    sum: str
    folder: str
    go_version: str = ""
    also: tuple[CrdModule, ...] = ()


CRD_MODULES = {
    "karpenter-crd": CrdModule(
        module="github.com/aws/karpenter-provider-aws",
        version="v1.14.1",
        sum="h1:WGtIQTQcxpElYMdWfWuPwaF2+9muR+hYhPZsTtoY8Gs=",
        folder="pkg/apis/crds",
    ),
    "karpenter-kwok": CrdModule(
        module="sigs.k8s.io/karpenter",
        version="v1.15.0",
        sum="h1:5SEptlAvsOZbNg4qg8OSdF1qi6BEZHZLA020nXY7jGw=",
        folder="kwok/charts/crds",
        go_version="go1.27.3",
    ),
    "karpenter-kwok-nodeclass": CrdModule(
        module="sigs.k8s.io/karpenter",
        version="v1.15.0",
        sum="h1:5SEptlAvsOZbNg4qg8OSdF1qi6BEZHZLA020nXY7jGw=",
        folder="kwok/apis/crds",
        go_version="go1.27.3",
    ),
    "kube-prometheus-stack": CrdModule(
        module="github.com/prometheus-operator/prometheus-operator",
        version="v0.93.1",
        sum="h1:4Juk8v93RdG1DSGD/mGp+SeQKPmnlLIj2iq3blLZgFY=",
        folder="jsonnet/prometheus-operator",
    ),
    # The chart's own version cannot be fetched as a module; both serve the same `v1` of what the platform uses.
    "external-secrets": CrdModule(
        module="github.com/external-secrets/external-secrets",
        version="v1.3.2",
        sum="h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
        folder="config/crds/bases",
    ),
    "argo-rollouts": CrdModule(
        module="github.com/argoproj/argo-rollouts",
        version="v1.9.0",
        sum="h1:bXgBpwCByXyAUcgBnyP0fxkSW2CEot78InTFjFlag5g=",
        folder="manifests/crds",
    ),
    "gateway-helm": CrdModule(
        module="github.com/envoyproxy/gateway",
        version="v1.9.0",
        sum="h1:PaOpud15v3kDCl3L5yc1TdYzggCMpRm1yRjNKmLkzHA=",
        folder="charts/gateway-crds-helm/templates/generated",
        also=(
            CrdModule(
                module="sigs.k8s.io/gateway-api",
                version="v1.6.1",
                sum="h1:mock6phZbI6rvZerwrVNk7hVNymQgHo+6sJ81Ia7ftY=",
                folder="config/crd/experimental",
            ),
        ),
    ),
}
"""Where the CRDs of a chart are read from when it is recorded and not installed (read 2026-11-24)."""
