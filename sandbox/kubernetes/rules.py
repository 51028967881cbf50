"""What the cluster refuses because of what else is, or is not, in it: order, ownership, Pod Security and nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kube import objects
from kube.pods import ENFORCE, check_baseline, check_restricted, mapping, pod_template
from sandbox.faults import CloudError
from sandbox.items import Item, ItemStore
from sandbox.kubernetes import release
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.names import CRD, NAMESPACE, RELEASE, gvk, identity, resource, words

SYSTEM = frozenset(("default", "kube-node-lease", "kube-public", "kube-system"))
_FINALIZERS = {
    "EC2NodeClass": "karpenter.k8s.aws/termination",
    "NodeClaim": "karpenter.sh/termination",
    "NodePool": "karpenter.sh/termination",
}
_AWAITED = frozenset(("Deployment", "Job", "Pod", "StatefulSet"))
_LEVELS = {"baseline": check_baseline, "restricted": check_restricted}


def free(store: ItemStore, token: str, inputs: Mapping[str, Any]) -> None:
    """CloudError when an object of this name is there already."""
    found = identity(token, inputs)
    if store.get("kubernetes", token, found) is None and not (token == NAMESPACE and found in SYSTEM):
        return
    if token == RELEASE:
        raise CloudError("AlreadyExists", f"cannot re-use a name that is still in use: {inputs['name']}")
    raise CloudError("AlreadyExists", f'{resource(token)} "{found.rpartition("/")[2]}" already exists')


def admit(store: ItemStore, cluster: Cluster, token: str, inputs: Mapping[str, Any]) -> None:
    """CloudError when the cluster, as it is now, would not take this object or release, or never have it ready."""
    if token == RELEASE:
        _admit_release(store, cluster, inputs)
        return
    api_version, kind, namespace, name = objects.identity(inputs)
    crd = objects.crd_of(api_version, kind)
    if crd and crd not in crds(store):
        said = f'no matches for kind "{kind}" in version "{api_version}": nothing brought {crd}'
        raise CloudError("NoMatch", said)
    if namespace:
        _admit_pods(cluster, inputs, kind, name, namespace, _labels(store, namespace))


def crds(store: ItemStore) -> dict[str, Item]:
    """The CRDs in the cluster, each with the release or the object that brought it."""
    brought = {item.id: item for item in store.all("kubernetes", CRD)}
    for item in store.all("kubernetes", RELEASE):
        facts = release.facts_of(item.inputs)
        if facts is not None and (facts.owns_crds or not item.inputs.get("skipCrds")):
            brought |= {name: item for name in facts.crds if facts.owns_crds or name not in brought}
    return brought


def hold(store: ItemStore, cluster: Cluster, item: Item) -> None:
    """CloudError when deleting this object would be refused, or never come to an end."""
    if item.type == NAMESPACE and item.id in SYSTEM:
        raise CloudError("Forbidden", f'namespaces "{item.id}" is forbidden: this namespace may not be deleted')
    for crd in _owned(item):
        if held := [other.id for other in store.all("kubernetes") if _crd(other) == crd]:
            said = f'customresourcedefinitions.apiextensions.k8s.io "{crd}" still has instances: {", ".join(held)}'
            raise CloudError("InstanceDeletionInProgress", said)
    kind = _crd(item) and gvk(item.type)[1]
    if kind not in _FINALIZERS:
        return
    reason = "" if _running(store, release.KARPENTER) else "Karpenter is not installed"
    if reason or cluster.lacks_nodes():
        said = f"finalizer {_FINALIZERS[kind]} would never be removed: {reason or 'Karpenter has no node to run on'}"
        raise CloudError("Timeout", f'{resource(item.type)} "{item.id}": {said}')


def inside(store: ItemStore, namespace: str) -> Iterator[Item]:
    """Everything that goes with a namespace."""
    return (item for item in store.all("kubernetes") if item.id.startswith(f"{namespace}/"))


def _labels(store: ItemStore, namespace: str) -> Mapping[str, Any]:
    item = store.get("kubernetes", NAMESPACE, namespace)
    if item is None and namespace not in SYSTEM:
        raise CloudError("NotFound", f'namespaces "{namespace}" not found')
    return mapping(mapping(item.inputs.get("metadata")).get("labels")) if item else {}


def _admit_pods(
    cluster: Cluster, inputs: Mapping[str, Any], kind: str, name: str, namespace: str, labels: Mapping[str, Any]
) -> None:
    found = pod_template(inputs)
    if found is None:
        return
    level = str(labels.get(ENFORCE, "privileged"))
    if level in _LEVELS and (problems := _LEVELS[level](mapping(found[1].get("spec")))):
        said = f'pods "{name}" is forbidden: violates PodSecurity "{level}:latest": {words(problems)}'
        raise CloudError("Forbidden", said)
    annotations = mapping(mapping(inputs.get("metadata")).get("annotations"))
    if kind in _AWAITED and annotations.get("pulumi.com/skipAwait") != "true" and cluster.lacks_nodes():
        said = f'{kind} "{namespace}/{name}" is not ready: 0/0 nodes are available: the cluster has no node group'
        raise CloudError("Timeout", said)


def _admit_release(store: ItemStore, cluster: Cluster, inputs: Mapping[str, Any]) -> None:
    namespace, facts = str(inputs["namespace"]), release.facts_of(inputs)
    if not inputs.get("createNamespace"):
        try:
            _labels(store, namespace)
        except CloudError as error:
            raise CloudError(error.code, f"create: failed to create: {error.message}") from error
    for crd, owner in crds(store).items():
        if facts is not None and facts.owns_crds and crd in facts.crds and owner.id != identity(RELEASE, inputs):
            said = f'CustomResourceDefinition "{crd}" exists and cannot be imported into the current release'
            raise CloudError("Invalid", f"{said}: invalid ownership metadata: it came with {owner.id}")
    release.ready(store, cluster, inputs)


def _owned(item: Item) -> tuple[str, ...]:
    if item.type == CRD:
        return (item.id,)
    facts = release.facts_of(item.inputs) if item.type == RELEASE else None
    return facts.crds if facts is not None and facts.owns_crds else ()


def _running(store: ItemStore, chart: str) -> bool:
    return any(release.chart_of(item.inputs) == chart for item in store.all("kubernetes", RELEASE))


def _crd(item: Item) -> str:
    return "" if item.type == RELEASE else objects.crd_of(*gvk(item.type))
