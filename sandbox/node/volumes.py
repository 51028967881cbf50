"""Volumes of the class `standard`: a folder of the node for each claim that a pod waits for, gone with its claim.

The scheduler writes the node into a claim of a class that waits for its first consumer; whoever makes volumes for the class then
makes one that is bound to that claim. This does it by looking twice a second, with the administrator's rights.
"""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.faults import CloudError
from sandbox.kubernetes.api import Api
from sandbox.node.layout import NAME
from sandbox.node.objects import PROVISIONER, STORAGE_CLASS

_EVERY = 0.5
_CHOSEN = "volume.kubernetes.io/selected-node"
_MADE_BY = "pv.kubernetes.io/provisioned-by"


class Volumes:
    """Makes and deletes volumes until it is closed."""

    def __init__(self, api: Api, folder: Path, say: Callable[[str], None]) -> None:
        self._api, self._folder, self._say = api, folder, say
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="volumes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops looking; the folders stay."""
        self._closed.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._closed.wait(_EVERY):
            with contextlib.suppress(CloudError):
                self._look()

    def _look(self) -> None:
        for claim in self._list("/api/v1/persistentvolumeclaims"):
            if waits(claim):
                made = volume(claim, self._folder)
                folder = Path(made["spec"]["local"]["path"])
                folder.mkdir(parents=True, exist_ok=True)
                # Which user a pod runs as is not known here; its group is set by the kubelet.
                folder.chmod(0o777)
                self._api.apply(made)
                self._say(f"node: volume {made['metadata']['name']} for claim {_of(claim)}")
        for each in self._list("/api/v1/persistentvolumes"):
            if released(each):
                self._api.delete(each, within=30)
                shutil.rmtree(each["spec"]["local"]["path"], ignore_errors=True)
                self._say(f"node: volume {each['metadata']['name']} is deleted")

    def _list(self, path: str) -> list[dict[str, Any]]:
        listed = self._api.request("GET", path, warned=False)
        kind = str(listed["kind"]).removesuffix("List")
        return [{"apiVersion": "v1", "kind": kind, **each} for each in listed.get("items") or ()]


def waits(claim: Mapping[str, Any]) -> bool:
    """Whether a claim wants a volume from here, and the pod that wants it has been given to this node."""
    chosen = (claim["metadata"].get("annotations") or {}).get(_CHOSEN)
    mine = claim["spec"].get("storageClassName") == STORAGE_CLASS and chosen == NAME
    return mine and not claim["spec"].get("volumeName") and claim["status"].get("phase") == "Pending"


def released(of: Mapping[str, Any]) -> bool:
    """Whether a volume was made here and its claim is gone."""
    made_here = (of["metadata"].get("annotations") or {}).get(_MADE_BY) == PROVISIONER
    return made_here and of["status"].get("phase") == "Released"


def volume(claim: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The volume for a claim: a folder below `folder`, bound to that claim and to this node."""
    name = f"pvc-{claim['metadata']['uid']}"
    node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NAME]}
    claimed = {key: claim["metadata"][key] for key in ("name", "namespace", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_MADE_BY: PROVISIONER}},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claimed},
            "local": {"path": str(folder / name)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [node]}]}},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": STORAGE_CLASS,
        },
    }


def _of(claim: Mapping[str, Any]) -> str:
    return f"{claim['metadata']['namespace']}/{claim['metadata']['name']}"
