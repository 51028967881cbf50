"""A stack as its parts see it: the Specs that they read, what only AWS has, and the bounds of its pools.

`infra.stack.settings.Stack` is one. Parts name this instead, so that no part depends on the stack file or on the wiring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from components.budget.spec import BudgetSpec
from components.cluster.component import ClusterSpec
from components.cluster.existing import Ownership
from components.karpenter.component import KarpenterSpec
from components.monitoring.spec import MonitoringSpec
from components.network.component import NetworkSpec
from components.nodes.general_pool import GeneralPoolSpec
from components.nodes.gpu_pool import GpuPoolSpec
from components.publication.component import PublicationSpec
from components.registry.component import RegistrySpec
from components.serving.spec import ReleaseSpec
from components.storage.component import StorageSpec
from pricing.capacity.pool import PoolBound
from pricing.meters.compute.general_pool import GeneralBound


@dataclass(frozen=True, kw_only=True)
class Aws:
    """The parts of a stack that only AWS has, none of them missing; `general` is what bounds the general pool."""

    region: str
    network: NetworkSpec
    cluster: ClusterSpec
    karpenter: KarpenterSpec
    general_pool: GeneralPoolSpec
    general: GeneralBound

    def cluster_name(self, own: str) -> str:
        """The cluster's name: the existing one's, or `own`, the platform's."""
        return self.cluster.existing.name if self.cluster.existing else own

    @property
    def makes_addons(self) -> bool:
        """Whether the platform installs the cluster's add-ons."""
        existing = self.cluster.existing
        return existing is None or existing.addons is Ownership.MANAGED

    @property
    def makes_system_nodes(self) -> bool:
        """Whether the platform runs the system nodes."""
        existing = self.cluster.existing
        return existing is None or existing.system_nodes is Ownership.MANAGED

    @property
    def makes_karpenter(self) -> bool:
        """Whether the platform installs Karpenter."""
        existing = self.cluster.existing
        return existing is None or existing.node_role is None


class Settings(Protocol):
    """The Specs of a stack that its parts read."""

    @property
    def budget(self) -> BudgetSpec: ...
    @property
    def storage(self) -> StorageSpec: ...
    @property
    def publication(self) -> PublicationSpec: ...
    @property
    def monitoring(self) -> MonitoringSpec: ...
    @property
    def registry(self) -> RegistrySpec | None: ...
    @property
    def gpu_pools(self) -> Mapping[str, GpuPoolSpec]: ...
    @property
    def uses_secrets(self) -> bool: ...


class Stack(Protocol):
    """A stack: its settings, what only AWS has where there is AWS, the bound of each GPU pool, and its releases."""

    @property
    def settings(self) -> Settings: ...
    @property
    def aws(self) -> Aws | None: ...
    @property
    def pools(self) -> Mapping[str, PoolBound]: ...
    @property
    def releases(self) -> Mapping[str, ReleaseSpec]: ...
