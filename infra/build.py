"""The only wiring: which components there are, and what each takes from its neighbours."""

from __future__ import annotations

import datetime
from typing import Any

import pulumi

from components.gateway.component import url as gateway_url
from components.identity import InAws
from components.namespaces.component import Namespaces, NamespacesArgs
from components.nodes.nodepools import GPU_TAINT, POOL_LABEL
from components.platform.component import Platform, PlatformArgs
from components.publication.component import Publication, PublicationArgs
from components.registry import pods as registry_pods
from components.registry.component import Keeping
from components.registry.content.component import RegistryContent
from components.registry.secrets import secret_name
from components.storage.component import Storage, StorageArgs
from infra.content import content_args, context
from infra.host_cluster import HostCluster, OwnCluster
from infra.on_aws import OnAws, tags_of
from infra.outputs import deployed, export, export_cost
from infra.plan import Plan, hold
from infra.services import Services
from infra.stack.stack import Stack
from pricing.capacity.announced import GPU_RESOURCE
from pricing.capacity.pool import PoolBound


def build(planned: Plan) -> None:
    """Declares everything that the settings of a planned stack ask for, and exports the contract.

    Raises Refused when the plan does not fit the budget, the ceilings of the guard file, or what is bounded by what is deployed.
    """
    stack = planned.stack
    settings, name = stack.settings, stack.settings.full_name
    today, selected = datetime.date.today(), pulumi.get_stack()
    there = deployed(planned.guard.ceiling(selected, today))
    bounds = planned.bounds(today, stack=selected, deployed=there)
    for warned in hold(planned, bounds):
        pulumi.log.warn(warned.text())
    root = Platform("platform", _plan(stack, planned))
    on_aws = OnAws(stack, stack.aws, root, planned.guard.account(selected)) if stack.aws else None
    host: HostCluster = on_aws or _own_cluster(stack, root)
    provider, on_it = host.provider, host.on_it
    labels = {"app.kubernetes.io/managed-by": "modelyard", "app.kubernetes.io/part-of": name}

    namespaces = Namespaces(
        "namespaces", NamespacesArgs(spec=settings.namespaces, provider=provider, labels=labels), on_it
    )
    storage = Storage(
        "storage", StorageArgs(spec=settings.storage, tags=tags_of(settings), provider=provider, labels=labels), on_it
    )
    services = Services(
        stack=stack,
        cluster=stack.aws.cluster_name(name) if stack.aws else name,
        host=host,
        in_aws=_in_aws(on_aws, stack) if on_aws else None,
        labels=labels,
        namespaces=namespaces,
        needs=(storage, *host.nodes(labels)),
    )
    if settings.uses_secrets:
        secrets = services.secrets()
        monitoring = services.monitoring(secrets) if settings.monitoring.enabled else None
        if settings.registry is not None:
            in_aws = on_aws if settings.registry.keeping is Keeping.AWS else None
            kept = in_aws.registry(settings.registry, secrets) if in_aws else None
            served = services.registry(settings.registry, secrets, kept, monitoring)
            way = {"kubeconfig": on_aws.cluster.kubeconfig()} if on_aws else context(stack)
            if not settings.registry.empty:
                content = content_args(stack, settings.registry, way, [served.service, served.server])
                RegistryContent("registry-content", content, pulumi.ResourceOptions(parent=root))
            if stack.releases:
                services.releases(stack.releases, served, secrets, monitoring)

    if on_aws is not None:
        on_aws.budget(bounds.effective)
    export_cost(planned.totals, *planned.maxima)
    document = export({**_promise(stack, namespaces), **host.promise()})
    Publication(
        "publication",
        PublicationArgs(spec=settings.publication, document=document, name=name, labels=labels, provider=provider),
        on_it,
    )


def _own_cluster(stack: Stack, root: Platform) -> OwnCluster:
    spec = stack.settings.kubernetes
    assert spec is not None  # noqa: S101 - the settings refuse a stack that has neither
    return OwnCluster(spec, root)


def _in_aws(on_aws: OnAws, stack: Stack) -> InAws:
    return InAws(region=stack.region, account_id=on_aws.account_id, cluster_name=on_aws.cluster.cluster_name)


def _plan(stack: Stack, planned: Plan) -> PlatformArgs:
    return PlatformArgs(
        environment=stack.settings.environment.value,
        owner=stack.settings.owner,
        region=stack.region or None,
        digest=stack.settings.digest,
        budget=stack.settings.budget.to_inputs(),
        usage=stack.settings.usage.to_inputs(),
        bill=planned.to_inputs(),
        components=planned.components(),
    )


def _promise(stack: Stack, namespaces: Namespaces) -> dict[str, Any]:
    return {
        "environment": stack.settings.environment.value,
        "owner": stack.settings.owner,
        "namespaces": list(namespaces.by_name),
        "storageClass": stack.settings.storage.class_name,
        **_registry_promise(stack),
        **_releases_promise(stack),
        "gpuPools": {pool: pool_promise(pool, bound) for pool, bound in stack.pools.items()},
    }


def _registry_promise(stack: Stack) -> dict[str, Any]:
    spec = stack.settings.registry
    if spec is None:
        return {}
    outside = {"outsideUrl": spec.outside.url} if spec.outside else {}
    kept = {"adminSecret": secret_name(stack.settings.full_name)} if spec.keeping is Keeping.AWS else {}
    url = registry_pods.url()
    place = {"url": url, "tracesUrl": f"{url}/v1/traces", "namespace": registry_pods.NAMESPACE}
    return {"registry": {**place, **outside, **kept}}


def _releases_promise(stack: Stack) -> dict[str, Any]:
    said = {
        name: {"url": gateway_url(name), "model": spec.model, "version": spec.version, "contextTokens": spec.context}
        for name, spec in stack.releases.items()
    }
    return {"releases": said}


def pool_promise(pool: str, bound: PoolBound) -> dict[str, Any]:
    """What the contract says of one GPU pool: how to ask for it, how much there can be, and what is behind each GPU."""
    return {
        "nodeSelector": {POOL_LABEL: pool},
        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "resource": GPU_RESOURCE,
        "maxGpus": bound.gpus,
        "slicesPerGpu": bound.slices_per_gpu,
        "gpuMemoryMib": min(bound.gpu_memories_mib),
        "memoryIsolated": bound.memory_isolated,
    }
