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
from sandbox.kubernetes.real.api import Api
from sandbox.node.config.objects import PROVISIONER, STORAGE_CLASS
from sandbox.node.layout import NAME

_EVERY = 0.5
_CHOSEN = "volume.kubernetes.io/selected-node"
_MADE_BY = "pv.kubernetes.io/provisioned-by"


class Volumes:
    """Makes and deletes volumes until it is closed."""

    def __init__(self, api: Api, folder: Path, say: Callable[[str], None]) -> None:
        self._api, self._folder, self._say = api, folder, say
        self._closed, self._told = threading.Event(), set[str]()
        self._thread = threading.Thread(target=self._run, name="volumes", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops looking; the folders stay."""
        self._closed.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._closed.wait(_EVERY):
            with contextlib.suppress(OSError):  # of a log that cannot be written
                look(self._api, self._folder, self._tell)

    def _tell(self, line: str) -> None:
        """Says a line once: what fails is tried again twice a second."""
        if line not in self._told:
            self._told.add(line)
            self._say(line)


def look(api: Api, folder: Path, say: Callable[[str], None]) -> None:
    """Makes the volumes that claims wait for and deletes those whose claims are gone. What fails for one object is said, and
    the next one is looked at: whoever may write objects must not be able to end this.
    """
    for path, act in (("persistentvolumeclaims", _make), ("persistentvolumes", _delete)):
        try:
            found = _list(api, f"/api/v1/{path}")
        except Exception as error:
            if not isinstance(error, CloudError):
                say(f"node: {path} cannot be listed: {_words(error)}")
            continue
        for each in found:
            try:
                act(api, folder, each, say)
            except Exception as error:
                say(f"node: {each['kind']} {_name(each)}: {_words(error)}")


def _make(api: Api, folder: Path, claim: Mapping[str, Any], say: Callable[[str], None]) -> None:
    if waits(claim):
        made = volume(claim, folder)
        own = folder / made["metadata"]["name"]
        own.mkdir(parents=True, exist_ok=True)
        # Which user a pod runs as is not known here; its group is set by the kubelet.
        own.chmod(0o777)
        api.apply(made)
        say(f"node: volume {made['metadata']['name']} for claim {_name(claim)}")


def _delete(api: Api, folder: Path, of: Mapping[str, Any], say: Callable[[str], None]) -> None:
    if released(of, folder):
        api.delete(of, within=30)
        # Never the path that the object says: anybody's volume can say any path, and this is root on the machine.
        shutil.rmtree(folder / of["metadata"]["name"], ignore_errors=True)
        say(f"node: volume {of['metadata']['name']} is deleted")


def _list(api: Api, path: str) -> list[dict[str, Any]]:
    listed = api.request("GET", path, warned=False)
    kind = str(listed["kind"]).removesuffix("List")
    return [{"apiVersion": "v1", "kind": kind, **item} for item in listed.get("items") or ()]


def waits(claim: Mapping[str, Any]) -> bool:
    """Whether a claim wants a volume from here, and the pod that wants it has been given to this node."""
    chosen = (claim["metadata"].get("annotations") or {}).get(_CHOSEN)
    spec = claim["spec"]
    mine = spec.get("storageClassName") == STORAGE_CLASS and chosen == NAME
    # A folder is no block device, and whoever selects by labels wants a volume that somebody else made.
    plain = spec.get("volumeMode", "Filesystem") == "Filesystem" and not spec.get("selector")
    return mine and plain and not spec.get("volumeName") and claim["status"].get("phase") == "Pending"


def released(of: Mapping[str, Any], folder: Path) -> bool:
    """Whether a volume was made here below `folder`, its claim is gone, and it is to go with it."""
    made_here = (of["metadata"].get("annotations") or {}).get(_MADE_BY) == PROVISIONER
    own = (of["spec"].get("local") or {}).get("path") == str(folder / of["metadata"]["name"])
    deleted = of["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
    return made_here and own and deleted and of["status"].get("phase") == "Released"


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


def _name(of: Mapping[str, Any]) -> str:
    return "/".join(str(of["metadata"][key]) for key in ("namespace", "name") if key in of["metadata"])


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
