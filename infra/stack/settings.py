"""What a stack file may say about a platform: one field for each part, with the part's own Spec."""

from __future__ import annotations

import hashlib
import json

from pydantic import Field

from components.budget.spec import BudgetSpec
from components.cluster.component import ClusterSpec
from components.cluster.own import OwnClusterSpec
from components.gateway.component import GatewaySpec
from components.karpenter.component import KarpenterSpec
from components.kinds.kubernetes import ReleaseName
from components.kinds.words import PlatformName, PoolName, Team
from components.monitoring.spec import MonitoringSpec
from components.namespaces.component import NamespacesSpec
from components.network.component import NetworkSpec
from components.nodes.general_pool import GeneralPoolSpec
from components.nodes.gpu_pool import GpuPoolSpec
from components.publication.component import PublicationSpec
from components.registry.component import RegistrySpec
from components.rollouts.component import RolloutsSpec
from components.secrets.component import ExternalSecretsSpec
from components.spec import Environment, Spec
from components.storage.component import StorageSpec
from components.usage import UsageSpec


class Settings(Spec):
    """One environment of the platform."""

    environment: Environment
    """Which profile of defaults applies."""
    owner: Team
    """Team that answers for the platform; tagged on everything."""
    name: PlatformName = "modelyard"
    """First part of every name in the cloud; the environment follows it."""
    budget: BudgetSpec
    """What the environment may cost."""
    usage: UsageSpec = Field(default_factory=UsageSpec)
    """Expected use of what is paid by use."""
    kubernetes: OwnClusterSpec | None = None
    """A cluster outside AWS to run on; `network`, `cluster`, `karpenter` and `generalPool` are null then."""
    network: NetworkSpec | None = Field(default_factory=NetworkSpec)
    """The VPC, its zones and its ways out."""
    cluster: ClusterSpec | None = Field(default_factory=ClusterSpec)
    """The control plane, its add-ons and its system nodes."""
    karpenter: KarpenterSpec | None = Field(default_factory=KarpenterSpec)
    """The autoscaler of every other node."""
    namespaces: NamespacesSpec = Field(default_factory=NamespacesSpec)
    """Where workloads live."""
    storage: StorageSpec = Field(default_factory=StorageSpec)
    """How volumes are made."""
    publication: PublicationSpec = Field(default_factory=PublicationSpec)
    """Where app teams read the outputs."""
    external_secrets: ExternalSecretsSpec = Field(default_factory=ExternalSecretsSpec)
    """How secrets reach the cluster."""
    monitoring: MonitoringSpec = Field(default_factory=MonitoringSpec)
    """Prometheus, Alertmanager, Grafana, and who gets which alert."""
    general_pool: GeneralPoolSpec | None = Field(default_factory=GeneralPoolSpec)
    """Nodes without GPUs."""
    gpu_pools: dict[PoolName, GpuPoolSpec] = Field(default_factory=dict, max_length=200)
    """GPU pools by name."""
    registry: RegistrySpec | None = None
    """The MLflow registry; without it there is none."""
    releases: list[ReleaseName] = Field(default_factory=list, max_length=50)
    """Releases, each a file `releases/STACK/NAME.yaml` that says which model version answers there."""
    gateway: GatewaySpec = Field(default_factory=GatewaySpec)
    """The gateway before the models."""
    rollouts: RolloutsSpec = Field(default_factory=RolloutsSpec)
    """The controller that rolls releases out."""

    @property
    def full_name(self) -> str:
        """The name that everything in the cloud starts with, for example `modelyard-dev`."""
        return f"{self.name}-{self.environment.value}"

    @property
    def uses_secrets(self) -> bool:
        """Whether anything here needs secrets in the cluster."""
        return self.monitoring.enabled or self.registry is not None

    @property
    def digest(self) -> str:
        """SHA-256 of the settings, so that a gate can tell whether two plans are of the same settings."""
        return hashlib.sha256(json.dumps(self.to_inputs(), sort_keys=True).encode()).hexdigest()
