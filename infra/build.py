"""The only wiring: which components there are, and what each takes from its neighbours."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as k8s

from components.addons import Addons, AddonsArgs
from components.cluster import Cluster, ClusterArgs
from components.device_plugin import DevicePlugin, DevicePluginArgs
from components.existing_cluster import Part
from components.general_pool import GeneralPool, GeneralPoolArgs
from components.gpu_pool import GpuPool, GpuPoolArgs
from components.karpenter import Karpenter, KarpenterArgs
from components.namespaces import Namespaces, NamespacesArgs
from components.network import Network, NetworkArgs
from components.node_class import AmiFamily
from components.platform import Platform, PlatformArgs
from components.pools import GPU_TAINT, POOL_LABEL
from components.publication import Publication, PublicationArgs
from components.registry import NAMESPACE as REGISTRY
from components.registry import SERVICE_ACCOUNT, RegistrySpec
from components.registry_artifacts import RegistryArtifacts, RegistryArtifactsArgs
from components.registry_database import RegistryDatabase, RegistryDatabaseArgs
from components.storage import STORAGE_CLASS, Storage, StorageArgs
from components.system_nodes import SystemNodes, SystemNodesArgs
from infra.outputs import deployed_maximum, export, export_cost
from infra.plan import Plan, hold, plan
from infra.settings import Settings, Stack
from pricing.pool import PoolBound


def build(stack: Stack) -> None:
    """Declares everything that the stack's settings ask for, and exports the contract."""
    settings, name = stack.settings, stack.settings.full_name
    planned = plan(stack)
    bounds = planned.bounds(datetime.date.today(), stack=pulumi.get_stack(), deployed=deployed_maximum())
    for warned in hold(planned, bounds):
        pulumi.log.warn(warned.text())
    root = Platform("platform", _plan(stack, planned))
    under = pulumi.ResourceOptions(parent=root)
    cloud = aws.Provider("aws", region=_region(stack), default_tags={"tags": _tags(settings)}, opts=under)
    in_cloud = pulumi.ResourceOptions(parent=root, providers=[cloud])
    account_id = aws.get_caller_identity(opts=pulumi.InvokeOptions(provider=cloud)).account_id

    network = Network("network", NetworkArgs(spec=settings.network, name=name, region=stack.region), in_cloud)
    cluster = Cluster(
        "cluster",
        ClusterArgs(
            spec=settings.cluster,
            name=name,
            region=stack.region,
            account_id=account_id,
            existing_vpc_id=settings.network.existing.vpc_id if settings.network.existing else None,
            subnet_ids=network.intra_subnet_ids,
        ),
        in_cloud,
    )
    ready = _ready(settings, network, cluster, in_cloud)
    in_cluster = k8s.Provider(
        "cluster",
        kubeconfig=cluster.kubeconfig(),
        cluster_identifier=f"arn:aws:eks:{stack.region}:{account_id}:cluster/{settings.cluster_name}",
        enable_server_side_apply=True,
        enable_config_map_mutable=True,
        # Whatever is in the cluster comes after, and goes before, what makes the cluster reachable and able to run it.
        opts=pulumi.ResourceOptions(parent=root, depends_on=[*cluster.entries, *ready.nodes, *network.ways_out]),
    )
    both = pulumi.ResourceOptions(parent=root, providers=[cloud, in_cluster])
    labels = {"app.kubernetes.io/managed-by": "modelyard", "app.kubernetes.io/part-of": name}
    namespaces = Namespaces(
        "namespaces", NamespacesArgs(spec=settings.namespaces, provider=in_cluster, labels=labels), both
    )
    Storage("storage", StorageArgs(spec=settings.storage, provider=in_cluster, labels=labels), both)
    autoscaler = _autoscaler(stack, account_id, cluster, in_cluster, ready.addons, both)
    for_nodes = _ForNodes(stack, network, cluster, autoscaler, in_cluster, labels)
    for_nodes.general_pool(both)
    for pool in settings.gpu_pools:
        for_nodes.gpu_pool(pool, both)
    sharing = {pool: spec.sharing for pool, spec in settings.gpu_pools.items() if spec.ami_family is AmiFamily.AL2023}
    if sharing:
        args = DevicePluginArgs(sharing=sharing, provider=in_cluster, needs=list(autoscaler.needs))
        DevicePlugin("device-plugin", args, both)
    if settings.registry is not None:
        _registry(stack, settings.registry, network, cluster, account_id, both)
    export_cost(planned.totals)
    document = export(_promise(stack, account_id, network, cluster, namespaces))
    Publication("publication", PublicationArgs(document=document, name=name, labels=labels, provider=in_cluster), both)


@dataclass(frozen=True)
class _Ready:
    """What must be there before anything runs in the cluster, and before anything resolves a name in it."""

    nodes: tuple[pulumi.Resource, ...]
    addons: tuple[pulumi.Resource, ...]


def _ready(settings: Settings, network: Network, cluster: Cluster, opts: pulumi.ResourceOptions) -> _Ready:
    existing = settings.cluster.existing
    own_addons = existing is None or existing.addons is Part.MANAGED
    before = _addons("addons-before-nodes", settings, cluster, opts, before_nodes=True).ready if own_addons else []
    nodes: list[pulumi.Resource] = []
    if existing is None or existing.system_nodes is Part.MANAGED:
        args = SystemNodesArgs(
            spec=settings.cluster.system_nodes,
            name=settings.full_name,
            version=settings.cluster.version,
            cluster_name=cluster.cluster_name,
            subnet_ids=network.private_subnet_ids,
            tags=_tags(settings),
            needs=[*before, *network.ways_out],
        )
        nodes = [SystemNodes("system-nodes", args, opts).group]
    after = (
        _addons("addons-after-nodes", settings, cluster, opts, before_nodes=False, needs=nodes).ready
        if own_addons
        else []
    )
    return _Ready(nodes=tuple(nodes), addons=tuple(after))


@dataclass(frozen=True)
class _Autoscaler:
    """What pools need of Karpenter: the role of its nodes, and what must be there before a NodePool."""

    node_role: pulumi.Input[str]
    needs: tuple[pulumi.Resource, ...]


def _autoscaler(
    stack: Stack,
    account_id: str,
    cluster: Cluster,
    provider: k8s.Provider,
    needs: tuple[pulumi.Resource, ...],
    opts: pulumi.ResourceOptions,
) -> _Autoscaler:
    existing = stack.settings.cluster.existing
    if existing is not None and existing.node_role is not None:
        return _Autoscaler(existing.node_role, needs)
    args = KarpenterArgs(
        spec=stack.settings.karpenter,
        name=stack.settings.full_name,
        region=stack.region,
        account_id=account_id,
        cluster=stack.settings.cluster_name,
        cluster_name=cluster.cluster_name,
        provider=provider,
        needs=list(needs),
    )
    karpenter = Karpenter("karpenter", args, opts)
    return _Autoscaler(karpenter.node_role_name, (karpenter.release,))


@dataclass(frozen=True)
class _ForNodes:
    """What every pool of nodes takes from its neighbours."""

    stack: Stack
    network: Network
    cluster: Cluster
    autoscaler: _Autoscaler
    provider: k8s.Provider
    labels: Mapping[str, str]

    def general_pool(self, opts: pulumi.ResourceOptions) -> None:
        settings = self.stack.settings
        args = GeneralPoolArgs(
            spec=settings.general_pool,
            bound=self.stack.general,
            zones=[f"{self.stack.region}{zone}" for zone in settings.network.zones],
            **self._common(),
        )
        GeneralPool("general-pool", args, opts)

    def gpu_pool(self, pool: str, opts: pulumi.ResourceOptions) -> None:
        settings = self.stack.settings
        args = GpuPoolArgs(
            spec=settings.gpu_pools[pool],
            bound=self.stack.pools[pool],
            pool=pool,
            region=self.stack.region,
            network_zones=settings.network.zones,
            vpc_id=self.network.vpc_id,
            **self._common(),
        )
        GpuPool(f"gpu-pool-{pool}", args, opts)

    def _common(self) -> dict[str, Any]:
        return {
            "name": self.stack.settings.full_name,
            "subnet_ids": self.network.private_subnet_ids,
            "security_group_id": self.cluster.security_group_id,
            "node_role": self.autoscaler.node_role,
            "tags": _tags(self.stack.settings),
            "labels": self.labels,
            "provider": self.provider,
            "needs": list(self.autoscaler.needs),
        }


def _registry(
    stack: Stack,
    spec: RegistrySpec,
    network: Network,
    cluster: Cluster,
    account_id: str,
    opts: pulumi.ResourceOptions,
) -> None:
    name = stack.settings.full_name
    RegistryDatabase(
        "registry-database",
        RegistryDatabaseArgs(
            spec=spec.database,
            name=name,
            vpc_id=network.vpc_id,
            subnet_ids=network.intra_subnet_ids,
            cluster_security_group_id=cluster.security_group_id,
        ),
        opts,
    )
    RegistryArtifacts(
        "registry-artifacts",
        RegistryArtifactsArgs(
            spec=spec.artifacts,
            name=name,
            region=stack.region,
            account_id=account_id,
            cluster_name=cluster.cluster_name,
            namespace=REGISTRY,
            service_account=SERVICE_ACCOUNT,
        ),
        opts,
    )


def _addons(
    role: str,
    settings: Settings,
    cluster: Cluster,
    opts: pulumi.ResourceOptions,
    *,
    before_nodes: bool,
    needs: list[pulumi.Resource] | None = None,
) -> Addons:
    return Addons(
        role,
        AddonsArgs(
            spec=settings.cluster.addons,
            name=settings.full_name,
            version=settings.cluster.version,
            cluster_name=cluster.cluster_name,
            before_nodes=before_nodes,
            needs=needs or [],
        ),
        opts,
    )


def _plan(stack: Stack, planned: Plan) -> PlatformArgs:
    return PlatformArgs(
        environment=stack.settings.environment.value,
        owner=stack.settings.owner,
        region=stack.region,
        digest=stack.settings.digest,
        budget=stack.settings.budget.to_inputs(),
        usage=stack.settings.usage.to_inputs(),
        bill=planned.to_inputs(),
        components=planned.components(),
    )


def _region(stack: Stack) -> aws.Region:
    return aws.Region(stack.region)


def _tags(settings: Settings) -> dict[str, str]:
    return {
        "Environment": settings.environment.value,
        "ManagedBy": "modelyard",
        "Owner": settings.owner,
        "Platform": settings.full_name,
    }


def _promise(
    stack: Stack, account_id: str, network: Network, cluster: Cluster, namespaces: Namespaces
) -> dict[str, Any]:
    return {
        "environment": stack.settings.environment.value,
        "owner": stack.settings.owner,
        "region": stack.region,
        "accountId": account_id,
        "network": {"vpcId": network.vpc_id, "privateSubnetIds": network.private_subnet_ids},
        "cluster": {
            "name": cluster.cluster_name,
            "arn": cluster.arn,
            "endpoint": cluster.endpoint,
            "certificateAuthority": cluster.certificate_authority,
            "securityGroupId": cluster.security_group_id,
            "version": stack.settings.cluster.version,
        },
        "namespaces": list(namespaces.by_name),
        "storageClass": STORAGE_CLASS,
        "gpuPools": {pool: _pool_promise(pool, bound) for pool, bound in stack.pools.items()},
    }


def _pool_promise(pool: str, bound: PoolBound) -> dict[str, Any]:
    return {
        "nodeSelector": {POOL_LABEL: pool},
        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "maxGpus": bound.gpus,
        "gpuMemoryMib": min(bound.gpu_memories_mib),
    }
