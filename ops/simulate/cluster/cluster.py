"""A cluster in which the real Karpenter decides about a stack's pools: control plane, KWOK, Karpenter, NodePools.

All of it runs on this machine, in a folder that only its owner may read, and ends with the block, however that ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from core.problem import ExitCode, Problem, Refused
from kube.pods import items, mapping
from ops.simulate.cluster.machines import Machine, instance_types_file
from ops.simulate.cluster.pools import Purchase
from ops.simulate.cluster.stages import stages
from ops.simulate.cluster.watch import Timeline
from ops.simulate.workload.load import LOAD_LABEL, NAMESPACE
from sandbox.faults import CloudError
from sandbox.kubernetes.real import autoscaler
from sandbox.kubernetes.real.controlplane import ControlPlane

Say = Callable[[str], None]
LOOK_EVERY = 0.25
SETTLED_WITHIN = 300.0
READY_WITHIN = 180.0
CLAIMS = "/apis/karpenter.sh/v1/nodeclaims"
NODE_POOLS = "/apis/karpenter.sh/v1/nodepools"
PODS, EVENTS = "/api/v1/pods", "/api/v1/events"
_AT_ONCE = 8


class Cluster:
    """A control plane with a stack's NodePools in it; Karpenter runs inside `buying` only."""

    def __init__(self, root: Path, plane: ControlPlane, say: Say) -> None:
        self.root, self.plane, self.api, self._say = root, plane, plane.api, say
        self._steps: Callable[[], int] = lambda: 0

    @classmethod
    @contextlib.contextmanager
    def started(
        cls,
        root: Path,
        folder: Path,
        asked: Sequence[Purchase],
        found: Sequence[Machine],
        *,
        say: Say = lambda _: None,
        stop_seconds: float = 0,
    ) -> Iterator[Cluster]:
        """The cluster for the block; the tools are built the first time. `stop_seconds` is how long a pod takes to stop.

        Raises Refused (`UNAVAILABLE`) when a tool cannot be fetched or does not come up.
        """
        with (
            ControlPlane.started(root, folder, say=say) as plane,
            autoscaler.nodes(root, plane, stages(asked, found, stop_seconds=stop_seconds), say=say),
        ):
            autoscaler.install(plane)
            cluster = cls(root, plane, say)
            cluster.surround([], {NAMESPACE})
            cluster.create(
                {purchase.node_class["metadata"]["name"]: purchase.node_class for purchase in asked}.values()
            )
            cluster.create(purchase.kwok() for purchase in asked)
            yield cluster

    @contextlib.contextmanager
    def buying(self, found: Sequence[Machine]) -> Iterator[None]:
        """Karpenter for the block, with these types to be had and no other; it has found every NodePool fit to buy from.

        A pod that is there before would be judged by the NodePools that happen to be ready.
        """
        with autoscaler.karpenter(self.root, self.plane, instance_types_file(found), say=self._say) as self._steps:
            self.wait("readiness of every NodePool", self._ready, within=READY_WITHIN)
            yield

    def _ready(self) -> bool:
        return all(is_ready(each) for each in self.items(NODE_POOLS))

    def surround(self, objects: Sequence[Mapping[str, Any]], namespaces: Iterable[str]) -> None:
        """Makes what decides about pods before there are any, and the namespaces that they and it live in.

        Raises Refused with the server's words.
        """
        own = {str(each["metadata"]["name"]): each for each in objects if each["kind"] == "Namespace"}
        living = {str(each["metadata"]["namespace"]) for each in objects if each["metadata"].get("namespace")}
        wanted = sorted({*own, *living, *namespaces} - {"default", "kube-system", "kube-public", "kube-node-lease"})
        made = [own.get(name, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}) for name in wanted]
        self.create(each for each in made if self.api.get(each) is None)
        self.create(each for each in objects if each["kind"] != "Namespace" and not each["metadata"].get("namespace"))
        # The API server takes no pod before its namespace has an account.
        for name in {*wanted, *namespaces}:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": name}}
            self.wait(f"namespace {name}", lambda account=account: self.api.get(account) is not None, within=60)  # type: ignore[misc]
        self.create(each for each in objects if each["metadata"].get("namespace"))

    def create(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Makes objects, several at once. Raises Refused with the server's words and the object that it would not take."""

        def one(obj: Mapping[str, Any]) -> None:
            kind, namespace, name = self.api.place(obj)
            try:
                query = {"fieldValidation": "Strict"}
                self.api.request("POST", kind.path(namespace), obj, query=query, warned=False)
            except CloudError as error:
                raise Refused(
                    Problem(summary=f"the API server refuses {obj['kind']} {name}: {error}", where=name)
                ) from None

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(one, list(objects)))

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """What the server lists under a path."""
        found: list[dict[str, Any]] = self.api.request("GET", path, query=query, warned=False).get("items") or []
        return found

    def watch(self, seen: Timeline, began: float, until: Callable[[float], bool], *, within: float, what: str) -> None:
        """Looks again and again until `until(seconds since began)`; Refused (`FAILED`) when that takes longer than `within`."""
        ends = time.monotonic() + within
        while True:
            looked = time.monotonic()
            # Counted first: what Karpenter did in a step is in what is listed after it.
            steps = self._steps()
            claims, pods = self.items(CLAIMS), self.items(PODS, labelSelector=LOAD_LABEL)
            now = time.monotonic() - began
            seen.look(claims, pods, now, steps)
            if until(now):
                return
            if time.monotonic() > ends:
                summary = f"{what} did not happen within {within:.0f} s"
                raise Refused(
                    Problem(summary=summary, found=_state(seen), fix=f"read the logs in {self.plane.folder}"),
                    ExitCode.FAILED,
                )
            time.sleep(max(LOOK_EVERY, 2 * (time.monotonic() - looked)))

    def settle(self, seen: Timeline, began: float, *, within: float = SETTLED_WITHIN) -> None:
        """Looks until nothing more happens: every pod has a ready node, or Karpenter has refused the rest for good."""
        self.watch(seen, began, seen.settled, within=within, what="the end of all changes")

    def wait(self, what: str, true: Callable[[], object], *, within: float) -> None:
        """Waits until something is true; Refused (`FAILED`) when it does not become so."""
        ends = time.monotonic() + within
        while not true():
            if time.monotonic() > ends:
                raise Refused(Problem(summary=f"{what} did not happen within {within:.0f} s"), ExitCode.FAILED)
            time.sleep(LOOK_EVERY)

    def said(self) -> dict[str, str]:
        """What Karpenter said of each pod that it could not place."""
        found = self.items(EVENTS, fieldSelector="reason=FailedScheduling,involvedObject.kind=Pod")
        return {
            str(each["involvedObject"]["name"]): str(each["message"])
            for each in found
            if "karpenter" in (each.get("reportingComponent"), each.get("source", {}).get("component"))
        }


def is_ready(node_pool: Mapping[str, Any]) -> bool:
    """Whether Karpenter says of a NodePool as it stands now that it may buy from it."""
    status = mapping(node_pool.get("status"))
    ready: Mapping[str, Any] = next(
        (item for item in items(status.get("conditions")) if item.get("type") == "Ready"), {}
    )
    return ready.get("status") == "True" and ready.get("observedGeneration") in (
        None,
        node_pool["metadata"].get("generation"),
    )


def _state(seen: Timeline) -> str:
    return f"{len(seen.standing())} nodes, {len(seen.pending())} pods without a node"
