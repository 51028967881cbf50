"""The wiring of what only AWS has: network, cluster, system nodes and add-ons, Karpenter and the pools of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.alerts.rule import Severity, Team
from components.budget.component import Budget, BudgetArgs
from components.cluster.addons import Addons, AddonsArgs
from components.cluster.component import Cluster, ClusterArgs
from components.karpenter.component import Karpenter, KarpenterArgs, karpenter_role
from components.network.component import Network, NetworkArgs
from components.nodes.device_plugin import DevicePlugin, DevicePluginArgs
from components.nodes.efa_plugin import EfaPlugin, EfaPluginArgs
from components.nodes.general_pool import GeneralPool, GeneralPoolArgs
from components.nodes.gpu_pool import GpuPool, GpuPoolArgs
from components.nodes.system_nodes import SystemNodes, SystemNodesArgs
from components.registry.artifacts import RegistryArtifacts, RegistryArtifactsArgs
from components.registry.component import RegistrySpec
from components.registry.database import RegistryDatabase, RegistryDatabaseArgs
from components.registry.pods import NAMESPACE as REGISTRY
from components.registry.pods import SERVICE_ACCOUNT
from components.registry.secrets import AwsSecrets
from components.secrets.component import ExternalSecrets
from components.stack import Aws
from infra.stack.settings import Settings
from infra.stack.stack import Stack
from pricing.capacity.announced import Plugin, plugin


class OnAws:
    """A network and an EKS cluster with its nodes, made or found; what stands beside them takes its neighbours from here."""

    def __init__(self, stack: Stack, parts: Aws, root: pulumi.Resource, account: str | None = None) -> None:
        self._stack, self._parts = stack, parts
        self._name = stack.settings.full_name
        self._karpenter: Karpenter | None = None
        under = pulumi.ResourceOptions(parent=root)
        region, tags = aws.Region(parts.region), tags_of(stack.settings)
        allowed = [account] if account else None
        self.cloud = aws.Provider(
            "aws", region=region, allowed_account_ids=allowed, default_tags={"tags": tags}, opts=under
        )
        self._in_cloud = pulumi.ResourceOptions(parent=root, providers=[self.cloud])
        self.account_id = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=self.cloud)).account_id

        args = NetworkArgs(spec=parts.network, name=self._name, region=parts.region)
        self.network = Network("network", args, self._in_cloud)
        self.cluster = Cluster("cluster", self._cluster(), self._in_cloud)
        nodes = self._ready()
        name = parts.cluster_name(self._name)
        self.provider = k8s.Provider(
            "cluster",
            kubeconfig=self.cluster.kubeconfig(),
            cluster_identifier=f"arn:aws:eks:{parts.region}:{self.account_id}:cluster/{name}",
            enable_server_side_apply=True,
            enable_config_map_mutable=True,
            # Whatever is in the cluster comes after, and goes before, what makes the cluster reachable and able to run it.
            opts=pulumi.ResourceOptions(
                parent=root, depends_on=[*self.cluster.entries, *nodes, *self.network.ways_out]
            ),
        )
        self.on_it = pulumi.ResourceOptions(parent=root, providers=[self.cloud, self.provider])

    def _cluster(self) -> ClusterArgs:
        existing = self._parts.network.existing
        return ClusterArgs(
            spec=self._parts.cluster,
            name=self._name,
            region=self._parts.region,
            account_id=self.account_id,
            existing_vpc_id=existing.vpc_id if existing else None,
            subnet_ids=self.network.intra_subnet_ids,
        )

    def _ready(self) -> list[pulumi.Resource]:
        """The system nodes and the add-ons around them, as far as they are the platform's; gives the nodes."""
        spec, own_addons = self._parts.cluster, self._parts.makes_addons
        before = self._addons("addons-before-nodes", before_nodes=True).ready if own_addons else []
        nodes: list[pulumi.Resource] = []
        if self._parts.makes_system_nodes:
            args = SystemNodesArgs(
                spec=spec.system_nodes,
                name=self._name,
                version=spec.version,
                cluster_name=self.cluster.cluster_name,
                subnet_ids=self.network.private_subnet_ids,
                tags=tags_of(self._stack.settings),
                needs=[*before, *self.network.ways_out],
            )
            nodes = [SystemNodes("system-nodes", args, self._in_cloud).group]
        self._resolving: list[pulumi.Resource] = []
        if own_addons:
            self._resolving = self._addons("addons-after-nodes", before_nodes=False, needs=nodes).ready
        return nodes

    def _addons(self, role: str, *, before_nodes: bool, needs: list[pulumi.Resource] | None = None) -> Addons:
        args = AddonsArgs(
            spec=self._parts.cluster.addons,
            name=self._name,
            version=self._parts.cluster.version,
            cluster_name=self.cluster.cluster_name,
            tags=tags_of(self._stack.settings),
            engine=self._stack.engine,
            before_nodes=before_nodes,
            needs=needs or [],
        )
        return Addons(role, args, self._in_cloud)

    def nodes(self, labels: Mapping[str, str]) -> list[pulumi.Resource]:
        """Declares Karpenter, the general pool, the GPU pools and what shares their GPUs."""
        autoscaler = self._autoscaler()
        general_pool = self._general_pool(autoscaler, labels)
        pools = self._stack.settings.gpu_pools
        for pool in pools:
            self._gpu_pool(pool, autoscaler, labels)
        sharing = {pool: spec.sharing for pool, spec in pools.items() if plugin(spec.ami_family) is Plugin.CHART}
        if sharing:
            args = DevicePluginArgs(sharing=sharing, provider=self.provider, needs=list(autoscaler.needs))
            DevicePlugin("device-plugin", args, self.on_it)
        if any(spec.efa for spec in pools.values()):
            fabric = EfaPluginArgs(labels=labels, provider=self.provider, needs=list(autoscaler.needs))
            EfaPlugin("efa-plugin", fabric, self.on_it)
        return [general_pool]

    def _autoscaler(self) -> _Autoscaler:
        existing = self._parts.cluster.existing
        if existing is not None and existing.node_role is not None:
            return _Autoscaler(existing.node_role, tuple(self._resolving))
        args = KarpenterArgs(
            spec=self._parts.karpenter,
            name=self._name,
            region=self._parts.region,
            account_id=self.account_id,
            cluster=self._parts.cluster_name(self._name),
            cluster_name=self.cluster.cluster_name,
            provider=self.provider,
            needs=self._resolving,
        )
        self._karpenter = karpenter = Karpenter("karpenter", args, self.on_it)
        return _Autoscaler(karpenter.node_role_name, (karpenter.release,))

    def _general_pool(self, autoscaler: _Autoscaler, labels: Mapping[str, str]) -> GeneralPool:
        args = GeneralPoolArgs(
            spec=self._parts.general_pool,
            bound=self._parts.general,
            zones=[f"{self._parts.region}{zone}" for zone in self._parts.network.zones],
            **self._for_nodes(autoscaler, labels),
        )
        return GeneralPool("general-pool", args, self.on_it)

    def _gpu_pool(self, pool: str, autoscaler: _Autoscaler, labels: Mapping[str, str]) -> None:
        args = GpuPoolArgs(
            spec=self._stack.settings.gpu_pools[pool],
            bound=self._stack.pools[pool],
            pool=pool,
            region=self._parts.region,
            network_zones=self._parts.network.zones,
            vpc_id=self.network.vpc_id,
            **self._for_nodes(autoscaler, labels),
        )
        GpuPool(f"gpu-pool-{pool}", args, self.on_it)

    def _for_nodes(self, autoscaler: _Autoscaler, labels: Mapping[str, str]) -> dict[str, Any]:
        return {
            "name": self._name,
            "subnet_ids": self.network.private_subnet_ids,
            "security_group_id": self.cluster.security_group_id,
            "node_role": autoscaler.node_role,
            "tags": tags_of(self._stack.settings),
            "labels": labels,
            "provider": self.provider,
            "needs": list(autoscaler.needs),
        }

    def _registry_topic(self) -> str | None:
        monitoring = self._stack.settings.monitoring
        told = monitoring.alerts.topic(Team.REGISTRY, Severity.CRITICAL, self._parts.region)
        return told if monitoring.enabled else None

    def registry(self, spec: RegistrySpec, secrets: ExternalSecrets) -> InAwsToo:
        """Declares what the registry keeps in AWS, its database and its artifacts; `secrets` brings their passwords."""
        database = RegistryDatabase(
            "registry-database",
            RegistryDatabaseArgs(
                spec=spec.database,
                name=self._name,
                vpc_id=self.network.vpc_id,
                subnet_ids=self.network.intra_subnet_ids,
                cluster_security_group_id=self.cluster.security_group_id,
                topic_arn=self._registry_topic(),
            ),
            self.on_it,
        )
        artifacts = RegistryArtifacts(
            "registry-artifacts",
            RegistryArtifactsArgs(
                spec=spec.artifacts,
                name=self._name,
                region=self._parts.region,
                account_id=self.account_id,
                cluster_name=self.cluster.cluster_name,
                namespace=REGISTRY,
                service_account=SERVICE_ACCOUNT,
            ),
            self.on_it,
        )
        kept = AwsSecrets(
            name=self._name,
            region=self._parts.region,
            protect=spec.database.deletion_protection,
            # A final snapshot is of use only with the passphrase that its secrets are encrypted with.
            recovery_days=30 if spec.database.deletion_protection or spec.database.final_snapshot else 0,
            database_address=database.address,
            database_secret_arn=database.secret_arn,
            key_arn=database.key_arn,
            reader_role=secrets.stores[REGISTRY].role.name,
            reader=bool(self._stack.settings.releases),
        )
        return InAwsToo(secrets=kept, bucket=artifacts.bucket, needs=[*artifacts.access, database])

    def budget(self, limit_usd: Decimal) -> None:
        """Declares the budget (USD a month) that AWS watches, where the stack wants one."""
        spec = self._stack.settings.budget.watch
        if not spec.enabled:
            return
        args = BudgetArgs(
            spec=spec,
            limit_usd=limit_usd,
            name=self._name,
            region=self._parts.region,
            account_id=self.account_id,
            tags=list(tags_of(self._stack.settings)),
            karpenter_role=karpenter_role(self._name) if self._karpenter else "",
            needs=[self._karpenter] if self._karpenter else [],
        )
        Budget("budget", args, self._in_cloud)

    def promise(self) -> dict[str, Any]:
        """Where in AWS the platform is, and how to reach its cluster: all that contract version 1 has."""
        return {
            "contractVersion": 1,
            "region": self._parts.region,
            "accountId": self.account_id,
            "network": {"vpcId": self.network.vpc_id, "privateSubnetIds": self.network.private_subnet_ids},
            "cluster": {
                "name": self.cluster.cluster_name,
                "arn": self.cluster.arn,
                "endpoint": self.cluster.endpoint,
                "certificateAuthority": self.cluster.certificate_authority,
                "securityGroupId": self.cluster.security_group_id,
                "version": self._parts.cluster.version,
            },
        }


@dataclass(frozen=True, kw_only=True)
class InAwsToo:
    """What the registry's servers take from AWS: their secrets, their bucket, and what must be there before they start."""

    secrets: AwsSecrets
    bucket: str
    needs: list[pulumi.Resource]


@dataclass(frozen=True)
class _Autoscaler:
    """What pools need of Karpenter: the role of its nodes, and what must be there before a NodePool."""

    node_role: pulumi.Input[str]
    needs: tuple[pulumi.Resource, ...]


def tags_of(settings: Settings) -> dict[str, str]:
    """The tags of everything in AWS."""
    return {
        "Environment": settings.environment.value,
        "ManagedBy": "modelyard",
        "Owner": settings.owner,
        "Platform": settings.full_name,
    }
