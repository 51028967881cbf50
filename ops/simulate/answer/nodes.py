"""What a load asks of nodes, compared with what nodes are known to have: their labels, and the resources they announce."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.nodes.nodepools import POOL_LABEL
from core.problem import Problem
from kube.pods import items, mapping
from ops.simulate.cluster.node_labels import unknown_labels
from ops.simulate.cluster.pools import REGION, ZONE, Purchase
from ops.simulate.workload.load import Load
from pricing.capacity.announced import GPU_RESOURCE, Sharing
from pricing.meters.compute.nodepools import BUYING, TYPE

_SET_ON_EVERY_NODE = frozenset(
    (
        TYPE,
        BUYING,
        ZONE,
        REGION,
        "karpenter.sh/nodepool",
        "kubernetes.io/arch",
        "kubernetes.io/hostname",
        "kubernetes.io/os",
        "beta.kubernetes.io/arch",
        "beta.kubernetes.io/instance-type",
        "beta.kubernetes.io/os",
        "failure-domain.beta.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone",
    )
)
_SET_BY_OTHERS = ("kubernetes.io", "k8s.io", "karpenter.sh", "k8s.aws", "amazonaws.com")
_SYSTEM_NODES = "modelyard.dev/role"
_NOT_ANNOUNCED_HERE = (
    "vpc.amazonaws.com/pod-eni",
    "vpc.amazonaws.com/PrivateIPv4Address",
    "eks.amazonaws.com/nip-slots",
)


def doubts(load: Load, asked: Sequence[Purchase]) -> list[str]:
    """What of a load's wishes nobody here can judge: labels without a known value, resources that others announce."""
    mine = _candidates(load, asked)
    spec = load.pod["spec"]
    found = [f"{path}: {why}" for path, key in _keys(spec) if (why := _unknown(key, asked, mine))]
    for path, requests in _requests(spec):
        for name, amount in requests.items():
            if name in _NOT_ANNOUNCED_HERE:
                found.append(f"{path}.{name}: an add-on announces it, and none is simulated")
            sliced = [purchase.pool for purchase in mine if purchase.sharing is Sharing.TIME_SLICING]
            if name == GPU_RESOURCE and _several(amount) and sliced and POOL_LABEL not in _selected(spec):
                pools = ", ".join(dict.fromkeys(sliced))
                found.append(f"{path}.{name}: a node of pool {pools} refuses a pod that asks for more than one slice")
    return list(dict.fromkeys(found))


def problems(load: Load, asked: Sequence[Purchase]) -> list[Problem]:
    """Why a load's pods would get a node and never start on it: it does not announce, or refuses, what they ask for."""
    mine, spec = _candidates(load, asked), load.pod["spec"]
    pool = _selected(spec).get(POOL_LABEL)
    found: list[Problem] = []
    for path, requests in _requests(spec):
        for name, amount in requests.items():
            has = [
                purchase.announced[type_]
                for purchase in mine
                for type_ in purchase.types
                if type_ in purchase.announced
            ]
            if (
                name == GPU_RESOURCE
                and pool
                and _several(amount)
                and mine[:1]
                and mine[0].sharing is Sharing.TIME_SLICING
            ):
                summary = f"a node of pool {pool} slices time, and refuses a pod that asks for more than one slice"
                fix = "ask for one; it has the whole GPU in its turn"
            elif any(name in announced.expected and name not in announced.resources for announced in has):
                without = sorted(
                    {
                        purchase.pool
                        for purchase in mine
                        for known in purchase.announced.values()
                        if name not in known.resources
                    }
                )
                summary = f"nodes of {', '.join(without)} come for it and do not announce it, so the pod never starts"
                fix = f"say efa: true in gpuPools.{without[0]}, or select a pool that has it"
            else:
                continue
            found.append(Problem(summary=f"{load.name}: {summary}", where=f"{path}.{name}", found=str(amount), fix=fix))
    return list(dict.fromkeys(found))


def _candidates(load: Load, asked: Sequence[Purchase]) -> list[Purchase]:
    pool = _selected(load.pod["spec"]).get(POOL_LABEL)
    return [purchase for purchase in asked if pool is None or purchase.pool == pool]


def _selected(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(spec.get("nodeSelector"))


def _several(amount: object) -> bool:
    return not str(amount).isdecimal() or int(str(amount)) > 1


def _unknown(key: str, asked: Sequence[Purchase], mine: Sequence[Purchase]) -> str:
    """Why nobody here knows a label of the nodes that a pod may get; empty when it is known, or known to be absent."""
    if key in _SET_ON_EVERY_NODE or any(key in purchase.labels for purchase in asked):
        return ""
    types = sorted({name for purchase in mine for name in purchase.types if key in unknown_labels(name)})
    if types:
        return f"nobody here knows the label {key} of {', '.join(types)}"
    domain = key.partition("/")[0] if "/" in key else ""
    outside = any(domain == other or domain.endswith(f".{other}") for other in _SET_BY_OTHERS)
    if key == _SYSTEM_NODES or (outside and domain != "karpenter.k8s.aws"):
        return f"nodes outside the pools may have the label {key}, and they are not simulated"
    return ""


def _keys(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every label of nodes that a pod's placing goes by, with its path."""
    yield from ((f"spec.nodeSelector.{key}", key) for key in _selected(spec))
    for path, value in _walk(spec.get("affinity"), "spec.affinity"):
        if path.endswith(".topologyKey") or (
            ".nodeAffinity." in path and ".matchExpressions[" in path and path.endswith(".key")
        ):
            yield path, str(value)
    for index, each in enumerate(items(spec.get("topologySpreadConstraints"))):
        yield f"spec.topologySpreadConstraints[{index}].topologyKey", str(mapping(each).get("topologyKey"))


def _walk(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _walk(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _walk(inner, f"{path}[{index}]")
    else:
        yield path, value


def _requests(spec: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group in ("initContainers", "containers"):
        for index, container in enumerate(items(spec.get(group))):
            for side in ("limits", "requests"):
                yield (
                    f"spec.{group}[{index}].resources.{side}",
                    mapping(mapping(mapping(container).get("resources")).get(side)),
                )
