"""The `kubernetes` provider of a real API server: a server-side-apply client with strict fields, and nothing simulated.

Only Helm releases are recorded rather than installed: their values are checked against the chart's facts, their CRDs
are applied. An object belongs to the resource that applied it, by its field manager: a repeated create after a crash
finds its own object, and never takes over somebody else's.
"""

from __future__ import annotations

import base64
import copy
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.problem import Problem
from engine.marks import UNKNOWN
from engine.paths import differences
from engine.values import has_unknown
from kube import objects
from kube.pods import mapping, pod_template
from sandbox.faults import CloudError, Faults
from sandbox.items import CREATOR, IGNORED, ItemStore, overlay
from sandbox.kubernetes import release
from sandbox.kubernetes.cloud import KubernetesCloud
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.names import RELEASE, gvk, identity
from sandbox.kubernetes.real import awaiting, crds
from sandbox.kubernetes.real.api import MANAGER, Api
from sandbox.kubernetes.real.controlplane import install
from sandbox.kubernetes.real.ignored import left
from sandbox.provider import Change
from sandbox.values import HIDDEN, Secret

_NOISE = ("managedFields", "resourceVersion", "generation", "selfLink")
_FIELD = re.compile(r'unknown field "([^"]+)"')
_AT_ONCE = 8
"""CRDs that are deleted at once; each waits for the server to clean up after it."""
_LATER = 10.0
"""Seconds in which a service account or the like may still come, that a pod needs to be admitted."""


class LiveCloud(KubernetesCloud):
    """The cluster of the kubeconfig that the command names; a program that names another context is refused."""

    label = "kubernetes"

    def __init__(self, store: ItemStore, faults: Faults, api: Api) -> None:
        super().__init__(store, faults)
        self._api = api

    def configure(self, variables: dict[str, Any]) -> None:
        """CloudError when the program names another context than the one that the command means."""
        super().configure(variables)
        wanted = self._settings.get("context")
        if wanted and wanted != self._api.context:
            said = (
                f'the stack is for the context "{wanted}", and the kubeconfig\'s current one is "{self._api.context}"'
            )
            raise CloudError("WrongContext", f"{said}: kubectl config use-context {wanted}")

    def diff_config(self, olds: dict[str, Any], news: dict[str, Any]) -> Change:  # noqa: ARG002 - the protocol's
        """The cluster is the one that the command names, so no setting of the program's moves an object."""
        return Change(())

    def diff(self, token: str, olds: dict[str, Any], news: dict[str, Any]) -> Change:
        """What a dry run of the new version changes in the cluster as it is now, drift included."""
        declared = super().diff(token, olds, news)
        if token == RELEASE or declared.replaces or has_unknown(news):
            return declared
        obj = _plain(news)
        live = self._api.get(obj)
        if live is None:
            return Change(declared.changed or ("metadata",))
        obj = left(obj, live, IGNORED.get())
        try:
            then = self._api.apply(obj, manager=_manager(live), dry_run=True)
        except CloudError as error:
            fixed = tuple(field for field, why in error.causes if "immutable" in why or "may not change" in why)
            if not fixed:
                raise _told(error, news) from None
            return Change((*declared.changed, *fixed), fixed, delete_before_replace=True)
        moved = tuple(differences(_seen(live), _seen(then)))
        return Change(tuple(dict.fromkeys((*declared.changed, *moved)))) if moved else Change(())

    def create(self, token: str, name: str, inputs: dict[str, Any], *, preview: bool) -> tuple[str, dict[str, Any]]:
        """Apply an object, or record a release; a preview is a dry run as far as its values and its place are known."""
        if token == RELEASE:
            return super().create(token, name, inputs, preview=preview)
        if preview:
            return "", self._foreseen(inputs) or dict(overlay({"metadata": {"uid": UNKNOWN}}, inputs))
        obj, id = _plain(inputs), identity(token, inputs)
        live = self._api.get(obj)
        if live is not None and _owner(live) != _mine():
            raise CloudError("AlreadyExists", f'{inputs["kind"]} "{id}" already exists, and another made it')
        applied = self._applied(obj, inputs, _mine())
        awaiting.settled(self._api, obj)
        return id, _outputs(applied, inputs)

    def update(
        self, token: str, id: str, olds: dict[str, Any], news: dict[str, Any], *, preview: bool
    ) -> dict[str, Any]:
        """Apply a changed object, or record a changed release."""
        if token == RELEASE:
            return super().update(token, id, olds, news, preview=preview)
        if preview:
            return self._foreseen(news) or dict(overlay(olds, news))
        obj = _plain(news)
        live = self._api.get(obj)
        obj = left(obj, live, IGNORED.get())
        applied = self._applied(obj, news, _manager(live))
        awaiting.settled(self._api, obj)
        return _outputs(applied, news)

    def read(
        self, token: str, id: str, inputs: dict[str, Any], state: dict[str, Any]
    ) -> tuple[str, dict[str, Any], dict[str, Any]] | None:
        """What the cluster holds now; inputs stay as they were unless applying them again would change something."""
        if token == RELEASE:
            return super().read(token, id, inputs, state)
        live = self._api.get(_named(token, id))
        if live is None:
            return None
        now = inputs or {key: value for key, value in _seen(live).items() if key != "status"}
        if inputs:
            then = self._api.apply(_plain(inputs), manager=_manager(live), dry_run=True, warned=False)
            if _seen(then) != _seen(live):
                now = _projected(inputs, _texts(live))
        return id, _outputs(live, state or inputs), now

    def delete(self, token: str, id: str, state: dict[str, Any]) -> None:
        """Delete an object and wait until it is gone; one of another birth is somebody else's."""
        if token == RELEASE:
            self._forget_release(id)
            return
        obj = _named(token, id)
        live = self._api.get(obj)
        if live is not None and live["metadata"]["uid"] == mapping(state.get("metadata")).get("uid"):
            self._api.delete(obj)

    def _applied(self, obj: dict[str, Any], inputs: Mapping[str, Any], manager: str) -> dict[str, Any]:
        """The object as applied, once the server and Pod Security have taken it in a dry run."""
        try:
            self._judge(obj)
            self._api.apply(obj, manager=manager, dry_run=True)
            return install(self._api, [obj], manager=manager)[0]
        except CloudError as error:
            raise _told(error, inputs) from None

    def _foreseen(self, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """What a dry run gives, or None when something that it needs is not known or not there yet."""
        if has_unknown(inputs):
            return None
        try:
            obj = _plain(inputs)
            live = self._api.get(obj)
            then = self._api.apply(left(obj, live, IGNORED.get()), manager=_manager(live), dry_run=True)
        except CloudError:
            return None
        outputs = _outputs(then, inputs)
        outputs["metadata"] |= {"uid": UNKNOWN, "creationTimestamp": UNKNOWN}
        return outputs

    def _judge(self, obj: Mapping[str, Any], *, early: bool = False) -> None:
        """CloudError when the pods of a workload would not be admitted to its namespace: only its controller would see.

        Asked `early`, in a check, it leaves out the service account: the same program may make that first.
        """
        found = pod_template(obj)
        if found is None or obj["kind"] == "Pod":
            return
        metadata = {**mapping(found[1].get("metadata")), "namespace": objects.identity(obj)[2], "name": "dry-run"}
        spec = mapping(found[1].get("spec"))
        spec = {key: value for key, value in spec.items() if not (early and key.startswith("serviceAccount"))}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
        ends = time.monotonic() + _LATER
        while True:
            try:
                self._api.judge(pod)
                return
            except CloudError as error:
                if "not found" not in error.message or time.monotonic() > ends:
                    said = f"the pods of {obj['kind']} {obj['metadata']['name']} would not be admitted: {error.message}"
                    raise CloudError(error.code, said, error.causes) from None
            time.sleep(0.2)

    def _problems(self, inputs: Mapping[str, Any]) -> list[Problem]:
        """What the server refuses in a dry run; what it cannot judge yet is judged by the facts about the kind."""
        facts = objects.check_object(inputs)
        if has_unknown(inputs):
            return facts
        try:
            self._api.judge(_plain(inputs))
            if self._api.get(_space(objects.identity(inputs)[2])):
                self._judge(_plain(inputs), early=True)
        except CloudError as error:
            told = _told(error, inputs)
            if error.code == "NoMatch":
                return facts
            if error.code == "NotFound" and error.message.startswith("namespaces "):
                return facts or self._problems({**inputs, "metadata": {**inputs["metadata"], "namespace": "default"}})
            places = told.causes or [(found, told.message) for found in _FIELD.findall(told.message)]
            return [Problem(summary=why, where=field) for field, why in places or [("", told.message)]]
        return []

    def _is_free(self, token: str, inputs: Mapping[str, Any]) -> bool:
        return super()._is_free(token, inputs) if token == RELEASE else self._api.get(inputs) is None

    def _reach(self) -> Cluster:
        return Cluster(self._store, {})

    def _admit(self, cluster: Cluster, token: str, inputs: Mapping[str, Any]) -> None:  # noqa: ARG002 - the simulation's
        """Bring what a recorded release would bring: its namespace if it asks for it, and its CRDs."""
        namespace, facts = str(inputs["namespace"]), release.facts_of(inputs)
        if self._api.get(_space(namespace)) is None:
            if not inputs.get("createNamespace"):
                raise CloudError("NotFound", f'create: failed to create: namespaces "{namespace}" not found')
            self._api.apply(_space(namespace))
        if facts is not None and (facts.owns_crds or not inputs.get("skipCrds")):
            brought = crds.of_chart(facts.name)
            install(self._api, [each for each in brought if facts.owns_crds or self._api.get(each) is None])

    def _make_namespace(self, name: str) -> None:
        """Made in the cluster already."""

    def _forget_release(self, id: str) -> None:
        item = self._store.get(self.package, RELEASE, id)
        if item is None:
            return
        facts = release.facts_of(item.inputs)
        owned = crds.of_chart(facts.name) if facts is not None and facts.owns_crds else ()
        with ThreadPoolExecutor(_AT_ONCE) as several:
            list(several.map(self._api.delete, owned))
        self._store.remove(item)


def _mine() -> str:
    """The field manager of the resource that the current call acts for."""
    return f"{MANAGER}-{hashlib.sha256(CREATOR.get().encode()).hexdigest()[:12]}"


def _owner(live: Mapping[str, Any] | None) -> str:
    """Which resource's field manager applied an object; empty when it was none of ours."""
    fields = mapping(mapping(live).get("metadata")).get("managedFields") or ()
    ours = [str(field["manager"]) for field in fields if field.get("operation") == "Apply"]
    return next((name for name in ours if name.startswith(f"{MANAGER}-")), "")


def _manager(live: Mapping[str, Any] | None) -> str:
    """The field manager to go on with: the object's own, which may be from an earlier name of the resource."""
    return _owner(live) or _mine()


def _space(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _named(token: str, id: str) -> dict[str, Any]:
    """The identity of an object, from its token and `namespace/name`."""
    api_version, kind = gvk(token)
    namespace, _, name = id.rpartition("/")
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def _plain(value: Any) -> Any:
    """What is sent: secrets as they are, nothing that is null or the engine's own."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items() if v is not None and not k.startswith("__")}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.reveal() if isinstance(value, Secret) else value


def _seen(live: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is worth comparing: neither its status nor the server's own book-keeping."""
    metadata = {key: value for key, value in mapping(live.get("metadata")).items() if key not in _NOISE}
    return {**{key: value for key, value in live.items() if key != "status"}, "metadata": metadata}


def _texts(live: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the data of a Secret also as the texts that somebody may have declared."""
    texts = {
        key: Secret(base64.b64decode(value).decode(errors="replace"))
        for key, value in mapping(live.get("data")).items()
        if live.get("kind") == "Secret"
    }
    return {**live, **({"stringData": texts} if texts else {})}


def _projected(declared: Any, live: Any) -> Any:
    """What was declared, with the values that are there now; what is gone is left out."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return {k: _projected(v, live[k]) for k, v in declared.items() if k in live or k.startswith("__")}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        return [_projected(one, other) for one, other in zip(declared, live, strict=True)]
    return Secret(live) if isinstance(declared, Secret) and isinstance(live, str) else copy.deepcopy(live)


def _outputs(live: Mapping[str, Any], like: Mapping[str, Any]) -> dict[str, Any]:
    """What the state keeps of an object; what is secret in `like`, or is the data of a Secret, is a secret."""
    sealed: dict[str, Any] = _sealed(_seen(live), like)
    if live.get("kind") == "Secret":
        sealed |= {"data": {key: Secret(value) for key, value in mapping(live.get("data")).items()}}
    return sealed


def _sealed(value: Any, like: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sealed(part, mapping(like).get(key)) for key, part in value.items()}
    if isinstance(value, list):
        beside = like if isinstance(like, list) and len(like) == len(value) else [None] * len(value)
        return [_sealed(part, other) for part, other in zip(value, beside, strict=True)]
    return Secret(value) if isinstance(like, Secret) and isinstance(value, str) else value


def _told(error: CloudError, inputs: Mapping[str, Any]) -> CloudError:
    """The server's words without the value of any secret among the inputs."""
    held = [inputs.get("data"), inputs.get("stringData")] if inputs.get("kind") == "Secret" else []
    hidden = sorted({*_secrets(inputs, False), *_secrets(held, True)}, key=len, reverse=True)

    def clean(text: str) -> str:
        for value in hidden:
            text = text.replace(value, HIDDEN)
        return text

    causes = tuple((clean(field), clean(why)) for field, why in error.causes)
    return CloudError(error.code, clean(error.message), causes)


def _secrets(value: Any, every: bool) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _secrets(part, every)
    elif isinstance(value, Secret) or (every and isinstance(value, str)):
        text = "".join(value)
        yield from (part for part in (text, base64.b64encode(text.encode()).decode()) if part)
