"""The simulated `kubernetes` provider: server-side apply of objects and Helm releases into a store of files.

What the API server refuses whatever the cluster holds is decided by `kube`, what depends on the cluster by `rules`.
Messages are Kubernetes' own words. Nothing runs: a workload that is accepted counts as ready.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import ipaddress
from collections.abc import Mapping
from typing import Any

from core.problem import Problem
from engine.marks import UNKNOWN
from engine.values import has_unknown
from kube import objects
from kube.pods import mapping
from sandbox.faults import CloudError, Faults
from sandbox.items import Item, ItemStore, overlay
from sandbox.kubernetes import release, rules
from sandbox.kubernetes.cluster import Cluster, active
from sandbox.kubernetes.names import NAMESPACE, RELEASE, gvk, identity, reason, resource, words
from sandbox.kubernetes.replace import AUTONAMED, change, release_change
from sandbox.provider import Change, Checked, Fault
from sandbox.values import Secret

_BORN = "2026-01-01T00:00:00Z"
_SERVICES = ipaddress.ip_network("172.20.0.0/16")


class KubernetesCloud:
    """One cluster; objects live in `store` under the package `kubernetes`, by token and `namespace/name`."""

    package = "kubernetes"
    label = "SIMULATED kubernetes"
    version = importlib.metadata.version("pulumi-kubernetes")

    def __init__(self, store: ItemStore, faults: Faults) -> None:
        self.faults = faults
        self._store = store
        self._settings: dict[str, Any] = {}

    def configure(self, variables: dict[str, Any]) -> None:
        """Take the provider's settings; which cluster they mean is looked up at each call."""
        self._settings = {key.rpartition(":")[2]: value for key, value in variables.items()}

    def diff_config(self, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """Another cluster replaces every object in it: told by `clusterIdentifier`, else by the kubeconfig's cluster."""
        changed = tuple(key for key in {**olds, **news} if olds.get(key) != news.get(key))
        old, new = olds.get("clusterIdentifier"), news.get("clusterIdentifier")
        if old and new:
            return Change(changed, ("clusterIdentifier",) if old != new else ())
        moved = active(olds.get("kubeconfig"))[0] != active(news.get("kubeconfig"))[0] or has_unknown(news)
        return Change(changed, ("kubeconfig",) if moved and changed else ())

    def check(self, token: str, name: str, olds: dict[str, Any], news: dict[str, Any]) -> Checked:
        """Fill in a generated name and the default namespace, and refuse what the API server or the chart would."""
        problems: list[Problem]
        default = self._settings.get("namespace") or "default"
        if token == RELEASE:
            inputs = {"namespace": default, **news}
            inputs["name"] = news.get("name") or olds.get("name") or self._free_name(token, name, inputs)
            problems = release.check(inputs)
        else:
            api_version, kind = gvk(token)
            inputs = {"apiVersion": api_version, "kind": kind, **news}
            if inputs.get("metadata") != UNKNOWN:
                inputs["metadata"] = self._metadata(token, name, olds, inputs, default)
            problems = self._problems(inputs)
        return Checked(inputs, tuple(Fault(problem.where, reason(problem)) for problem in problems))

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """What changes, and whether that means another object."""
        return release_change(olds, news) if token == RELEASE else change(gvk(token)[1], olds, news, self._settings)

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        """Apply an object, or install a release; CloudError in Kubernetes' words when the cluster would not take it."""
        if preview:
            late = {"status": UNKNOWN, "resourceNames": UNKNOWN} if token == RELEASE else {"metadata": {"uid": UNKNOWN}}
            return "", dict(overlay(late, inputs))
        with self._store.lock:
            cluster = self._reach()
            rules.free(self._store, token, inputs)
            self._admit(cluster, token, inputs)
            if token == RELEASE and inputs.get("createNamespace"):
                self._make_namespace(str(inputs["namespace"]))
            item = self._item(token, name, inputs)
            self._store.put(item)
            return item.id, item.state

    def read(
        self, token: str, id: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """What the cluster holds now, with every change that someone made to it."""
        self._reach()
        item = self._store.get(self.package, token, id)
        if item is None:
            return None
        return id, self._store.known(item.state, state or inputs), self._store.known(item.inputs, inputs or state)

    def update(
        self,
        token: str,
        id: str,
        olds: dict[str, Any],  # noqa: ARG002 - the protocol's
        news: dict[str, Any],
        *,
        preview: bool,
    ) -> dict[str, Any]:
        """Apply a changed object, or upgrade a release."""
        if preview:
            known = self._store.get(self.package, token, id)
            computed = dict(known.computed) if known else {}
            if token != RELEASE:
                computed["metadata"] = {**mapping(computed.get("metadata")), "generation": UNKNOWN}
            return dict(overlay(computed, news))
        with self._store.lock:
            cluster = self._reach()
            item = self._store.get(self.package, token, id)
            if item is None:
                raise CloudError("NotFound", f'{resource(token)} "{id.rpartition("/")[2]}" not found')
            if problems := objects.check_change(item.inputs, news):
                raise CloudError("Invalid", f'{resource(token)} "{id}" is invalid: {words(problems)}')
            self._admit(cluster, token, news)
            if token == RELEASE:
                revision = int(mapping(item.computed.get("status")).get("revision", 0))
                item.computed = release.outputs(news, revision + 1)
            else:
                metadata = item.computed.setdefault("metadata", {})
                metadata["generation"] = int(metadata.get("generation", 0)) + 1
                if news.get("kind") == "Secret":
                    item.computed["data"] = _data(news)
            item.inputs = news
            self._store.put(item)
            return item.state

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None:  # noqa: ARG002 - the protocol's
        """Delete an object and all that is in a namespace; CloudError where a finalizer would hold it for ever."""
        with self._store.lock:
            item = self._store.get(self.package, token, id)
            try:
                cluster = self._reach()
            except CloudError as error:
                if error.code != "Unreachable" or str(self._settings.get("deleteUnreachable")).lower() != "true":
                    raise
            else:
                if item is not None:
                    rules.hold(self._store, cluster, item)
            for gone in [*rules.inside(self._store, id), item] if token == NAMESPACE else [item]:
                if gone is not None:
                    self._store.remove(gone)

    def invoke(self, token: str, args: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - the protocol's
        """Refuse: what manifests and kustomizations render is not simulated."""
        raise CloudError("NotSimulated", f"{token} is not simulated: declare the objects themselves")

    def _reach(self) -> Cluster:
        cluster = Cluster(self._store, self._settings)
        cluster.reach()
        return cluster

    def _problems(self, inputs: Mapping[str, Any]) -> list[Problem]:
        return objects.check_object(inputs)

    def _admit(self, cluster: Cluster, token: str, inputs: Mapping[str, Any]) -> None:
        rules.admit(self._store, cluster, token, inputs)

    def _is_free(self, token: str, inputs: Mapping[str, Any]) -> bool:
        return self._store.get(self.package, token, identity(token, inputs)) is None

    def _free_name(self, token: str, name: str, inputs: Mapping[str, Any]) -> str:
        for attempt in range(1000):
            free = f"{name}-{hashlib.sha256(f'{token} {name} {attempt}'.encode()).hexdigest()[:8]}"
            named = {"name": free, "metadata": {**mapping(inputs.get("metadata")), "name": free}}
            if self._is_free(token, {**inputs, **named}):
                return free
        raise CloudError("AlreadyExists", f"no free name for {name}")

    def _metadata(
        self, token: str, name: str, olds: dict[str, Any], inputs: dict[str, Any], default: str
    ) -> dict[str, Any]:
        metadata, before = dict(mapping(inputs.get("metadata"))), mapping(olds.get("metadata"))
        if default != "default" and objects.is_namespaced(str(inputs["apiVersion"]), str(inputs["kind"])):
            metadata.setdefault("namespace", default)
        if not metadata.get("name"):
            kept = before.get("name") if AUTONAMED in mapping(before.get("annotations")) else None
            metadata["name"] = kept or self._free_name(token, name, {**inputs, "metadata": metadata})
            metadata["annotations"] = {**mapping(metadata.get("annotations")), AUTONAMED: "true"}
        return metadata

    def _make_namespace(self, name: str) -> None:
        if name not in rules.SYSTEM and self._store.get(self.package, NAMESPACE, name) is None:
            made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            self._store.put(self._item(NAMESPACE, name, made))

    def _item(self, token: str, name: str, inputs: dict[str, Any]) -> Item:
        id = identity(token, inputs)
        computed = release.outputs(inputs, 1) if token == RELEASE else self._computed(token, id, inputs)
        return Item(package=self.package, type=token, id=id, name=name, inputs=inputs, computed=computed)

    def _computed(self, token: str, id: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        births = len(self._store.all(self.package, token))
        seed = hashlib.sha256(f"{token} {id} {births}".encode()).digest()
        digest = seed.hex()
        uid = "-".join((digest[:8], digest[8:12], f"4{digest[12:15]}", f"8{digest[15:18]}", digest[18:30]))
        metadata: dict[str, Any] = {"uid": uid, "creationTimestamp": _BORN, "generation": 1}
        _, kind, namespace, _ = objects.identity(inputs)
        computed: dict[str, Any] = {"metadata": metadata | ({"namespace": namespace} if namespace else {})}
        if kind == "Namespace":
            computed["status"] = {"phase": "Active"}
        if kind == "Secret":
            computed["data"] = _data(inputs)
        if kind == "Service" and mapping(inputs.get("spec")).get("type") != "ExternalName":
            # By its name alone: two runs that make their objects in another order give the same state.
            own = hashlib.sha256(f"{token} {id}".encode()).digest()
            address = _SERVICES[int.from_bytes(own[:2], "big") % (_SERVICES.num_addresses - 2) + 1]
            computed["spec"] = {"clusterIP": str(address)}
        return computed


def _data(inputs: Mapping[str, Any]) -> dict[str, Secret]:
    """The texts of a Secret as the API server keeps them: in base64, beside what was given so."""
    texts = {
        key: value.reveal() if isinstance(value, Secret) else str(value)
        for key, value in mapping(inputs.get("stringData")).items()
    }
    return {key: Secret(base64.b64encode(text.encode()).decode()) for key, text in texts.items()}
