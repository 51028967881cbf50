"""The parts that exist only on AWS (all of them or none), and the limits of their nodes.

Nothing else in the program asks for an environment. A part that a stack does not have is null in its settings, a part that
has an AWS way and another one says so in its own Spec (`Spec.needs_aws`), and here both are held together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Network

from components.cluster.access import Reach
from components.kinds import aws
from components.network.component import NetworkSpec
from components.network.subnets import Tier, plan_subnets
from components.nodes.general_pool import POOL as GENERAL
from components.nodes.general_pool import GeneralPoolSpec
from components.registry.pods import disk_mib
from components.registry.server import DefaultPermission
from components.resources import pod_disk_mib
from components.rollouts.component import unpinned
from components.serving.checks import named_wrongly
from components.spec import Spec
from components.stack import Aws
from core.problem import Problem, Refused
from infra.stack.audiences import crossing
from infra.stack.file import REGION_KEY
from infra.stack.settings import Settings
from pricing.book.book import PriceBook
from pricing.capacity.gpus import shape
from pricing.capacity.pool import PoolBound
from pricing.capacity.pool_plan import pool_bound
from pricing.meters.compute.general_pool import GeneralBound

AWS_PARTS = {"network": "network", "cluster": "cluster", "karpenter": "karpenter", "generalPool": "general_pool"}
"""The parts that are in AWS and nowhere else: their keys in a stack file and their fields."""


def stands_on(settings: Settings, region: str) -> tuple[Aws | None, dict[str, PoolBound]]:
    """AWS's parts, and the bound of each GPU pool. Raises Refused with all problems, each with its path in the stack file."""
    network, cluster = settings.network, settings.cluster
    karpenter, general_pool = settings.karpenter, settings.general_pool
    if network is None or cluster is None or karpenter is None or general_pool is None:
        if region:
            raise Refused(
                Problem(
                    summary="a platform outside AWS has no region", where=REGION_KEY, found=region, fix="take it out"
                )
            )
        return None, {}
    if not region:
        raise Refused(
            Problem(
                summary="the stack file names no region",
                where=REGION_KEY,
                found="nothing",
                allowed="an AWS region, for example us-east-1; left out only with `kubernetes`, outside AWS",
            )
        )
    if misnamed := [
        problem
        for problem in (
            aws.region_problem(region, REGION_KEY),
            aws.zone_problem(region, network.zones, "network.zones") if region in aws.zones() else None,
        )
        if problem
    ]:
        raise Refused(misnamed)
    outside = settings.registry.outside if settings.registry else None
    if outside is not None and outside.region != region:
        raise Refused(
            Problem(
                summary="the certificate is in another region than the load balancer",
                where="registry.outside.certificateArn",
                found=outside.region,
                allowed=region,
                fix="request or import the certificate there",
            )
        )
    general, pools = bounds(settings, network, general_pool, PriceBook.embedded(region))
    host = Aws(
        region=region,
        network=network,
        cluster=cluster,
        karpenter=karpenter,
        general_pool=general_pool,
        general=general,
    )
    return host, pools


def disagreements(settings: Settings) -> Iterator[Problem]:
    """Parts that cannot stand together, with their paths in the stack file."""
    yield from crossing(settings)
    yield from _nobody_to_hold(settings)
    yield from _no_room(settings)
    yield from _nobody_comes(settings)
    yield from _serving(settings)
    given = [key for key, field in AWS_PARTS.items() if getattr(settings, field) is not None]
    missing = [key for key in AWS_PARTS if key not in given]
    if settings.kubernetes is not None:
        for key in given:
            yield Problem(
                summary="a platform on your own cluster has no such part",
                where=key,
                allowed="null",
                fix=f"say environment: local, or {key}: null; or take kubernetes out, for a platform on AWS",
            )
        yield from _needing_aws(settings)
    elif missing:
        yield Problem(
            summary="the stack has no cluster: it names no Kubernetes context, and not all parts that AWS needs",
            where="kubernetes",
            found=f"nothing, and no {', '.join(missing)}",
            allowed="a context of your kubeconfig",
            fix="say kubernetes: { context: kind-modelyard }; `kubectl config get-contexts` lists them",
        )
    elif settings.cluster and settings.cluster.existing and settings.network and settings.network.existing is None:
        yield Problem(
            summary="an existing cluster lies in an existing VPC",
            where="network.existing",
            found="nothing",
            fix="name the cluster's VPC and its private subnets under network.existing",
        )


def _serving(settings: Settings) -> Iterator[Problem]:
    """Whether releases have names of their own, a registry that lets their reader read, and a controller with a plugin."""
    yield from named_wrongly(settings.releases)
    if not settings.releases:
        return
    if settings.registry is None:
        yield Problem(
            summary="models come from the registry, and this stack has none",
            where="releases",
            found=", ".join(settings.releases),
            fix="add registry: {}, or take the releases out",
        )
    elif settings.registry.server.default_permission is DefaultPermission.NO_PERMISSIONS:
        yield Problem(
            summary="model servers read the registry as a user without permissions",
            where="registry.server.defaultPermission",
            found=settings.registry.server.default_permission.value,
            allowed=f"{DefaultPermission.READ.value} or {DefaultPermission.EDIT.value} with releases",
        )
    yield from unpinned(settings.rollouts.architecture)
    pool = settings.general_pool
    if pool is not None:
        built = sorted({known.architecture for instance_type in pool.instance_types if (known := shape(instance_type))})
        if settings.rollouts.architecture.value not in built:
            yield Problem(
                summary="the rollout controller runs on the general pool, which has no such processor",
                where="rollouts.architecture",
                found=settings.rollouts.architecture.value,
                allowed=", ".join(built),
                fix=f"say rollouts: {{ architecture: {built[0]} }}" if built else "",
            )


def _nobody_to_hold(settings: Settings) -> Iterator[Problem]:
    watch, existing = settings.budget.watch, settings.cluster.existing if settings.cluster else None
    if watch.enabled and watch.action and not watch.action.roles and existing and existing.node_role is not None:
        yield Problem(
            summary="the budget action has no role to restrict: the platform does not manage the cluster's Karpenter",
            where="budget.watch.action.roles",
            fix="name the role of the cluster's Karpenter, or take the action out",
        )


def _no_room(settings: Settings) -> Iterator[Problem]:
    """A server that asks for more disk than any node of the general pool has is never placed."""
    registry, pool = settings.registry, settings.general_pool
    if registry is None or pool is None:
        return
    room_mib = pod_disk_mib(pool.disk_gb)
    if disk_mib(registry.server.temporary_gb) > room_mib:
        yield Problem(
            summary="a server of the registry asks for more disk than a node of the general pool has for pods",
            where="registry.server.uploadGb",
            found=str(registry.server.upload_gb),
            allowed=f"{(room_mib - disk_mib(0)) // 1024 - 1} with generalPool.diskGb: {pool.disk_gb}",
            fix="lower it, or raise generalPool.diskGb",
        )


def _nobody_comes(settings: Settings) -> Iterator[Problem]:
    """Whether the runner of a private endpoint is let in, and has a place in the VPC that the platform makes."""
    cluster, network = settings.cluster, settings.network
    if settings.kubernetes is not None or cluster is None or network is None:
        return
    if cluster.access.reach is not Reach.VPC_RUNNER:
        return
    where, blocks = "cluster.access.allowedCidrs", cluster.access.allowed_cidrs
    groups = cluster.access.allowed_security_group_ids
    if cluster.existing is not None:
        if blocks or groups:
            yield Problem(
                summary="the platform does not change the access rules of an existing cluster",
                where=where if blocks else "cluster.access.allowedSecurityGroupIds",
                found=", ".join([*blocks, *groups]),
                allowed="[] with cluster.existing",
                fix="take it out; `modelyard doctor --cloud` asks whether the endpoint answers from here",
            )
        return
    if not blocks and not groups:
        home = "the VPC" if network.existing else network.cidr
        yield Problem(
            summary="the endpoint is private, and the stack file does not say where the deployer connects from",
            where=where,
            found="[]",
            allowed="at least one block, or a security group under allowedSecurityGroupIds",
            fix=f"name the block of the subnet of {home} that the runner is in; or say reach: ssmTunnel or publicCidrs",
        )
    if network.existing is not None:
        return
    private = [subnet for subnet in plan_subnets(network.cidr, network.zones) if subnet.tier is Tier.PRIVATE]
    for place, block in enumerate(blocks):
        if not any(IPv4Network(block).overlaps(IPv4Network(subnet.cidr)) for subnet in private):
            yield Problem(
                summary="no private subnet of the platform's VPC has these addresses, so a runner cannot be there",
                where=f"{where}[{place}]",
                found=block,
                allowed=", ".join(f"{subnet.cidr} (zone {subnet.zone})" for subnet in private),
                fix="name a private subnet's block; for a runner in another network, name a VPC that is peered with it",
            )


def _needing_aws(settings: Settings) -> Iterator[Problem]:
    """What each Spec says that it needs AWS for, except the parts that are AWS through and through."""
    for field, about in type(settings).model_fields.items():
        value = getattr(settings, field)
        key = str(about.alias)
        specs = {f"{key}.{name}": each for name, each in value.items()} if isinstance(value, Mapping) else {key: value}
        for path, spec in specs.items():
            if isinstance(spec, Spec) and key not in AWS_PARTS:
                yield from (
                    replace(problem, where=f"{path}.{problem.where}".rstrip(".")) for problem in spec.needs_aws()
                )


def bounds(
    settings: Settings, network: NetworkSpec, general_pool: GeneralPoolSpec, book: PriceBook
) -> tuple[GeneralBound, dict[str, PoolBound]]:
    """What bounds the general pool and each GPU pool at the prices of a book. Raises Refused with all problems."""
    problems: list[Problem] = []
    general: GeneralBound | None = None
    pools: dict[str, PoolBound] = {}
    try:
        general = general_pool.bound(book)
    except Refused as refused:
        problems += [replace(problem, where=f"generalPool.{problem.where}") for problem in refused.problems]
    if GENERAL in settings.gpu_pools:
        problems.append(
            Problem(summary="this name is the general pool's", where=f"gpuPools.{GENERAL}", fix="take another name")
        )
    for name, spec in settings.gpu_pools.items():
        if outside := [zone for zone in spec.zones if zone not in network.zones]:
            problems.append(
                Problem(
                    summary="the pool wants zones that the network does not have",
                    where=f"gpuPools.{name}.zones",
                    found=", ".join(outside),
                    allowed=", ".join(network.zones),
                )
            )
        try:
            pools[name] = pool_bound(spec.ask(network.zones), book)
        except Refused as refused:
            problems += [replace(problem, where=f"gpuPools.{name}.{problem.where}") for problem in refused.problems]
    if problems or general is None:
        raise Refused(problems)
    return general, pools
