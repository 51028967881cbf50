"""Folders of volumes: only those that were made here are deleted, whatever an object says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.faults import CloudError
from sandbox.kubernetes.real.api import Api
from sandbox.node import volumes
from tests.sandbox.node.test_plan import CLAIM


class Server:
    """An API server that holds claims and volumes, and refuses to delete those in `held`."""

    def __init__(self, claims: list[Any] | None = None, made: list[Any] | None = None, held: str = "") -> None:
        self.claims, self.made, self.held = claims or [], made or [], held
        self.deleted: list[str] = []

    def request(self, method: str, path: str, warned: bool) -> dict[str, Any]:
        assert (method, warned) == ("GET", False)
        claims = path.endswith("claims")
        kind = "PersistentVolumeClaimList" if claims else "PersistentVolumeList"
        return {"kind": kind, "items": self.claims if claims else self.made}

    def apply(self, obj: Mapping[str, Any]) -> None:
        self.made.append({**obj, "status": {"phase": "Available"}})

    def delete(self, obj: Mapping[str, Any], within: float) -> None:
        if obj["metadata"]["name"] == self.held:
            raise CloudError("Timeout", f"not gone after {within:.0f} s; held by us")
        self.deleted.append(obj["metadata"]["name"])


def look(server: Server, folder: Path) -> list[str]:
    said: list[str] = []
    volumes.look(cast(Api, server), folder, said.append)
    return said


def released(folder: Path, uid: str = "7", **spec: object) -> dict[str, Any]:
    claim = {**CLAIM, "metadata": {**CLAIM["metadata"], "uid": uid}}
    made = volumes.volume(claim, folder)
    return {**made, "spec": {**made["spec"], **spec}, "status": {"phase": "Released"}}


def test_a_claim_gets_a_folder_that_goes_with_it(tmp_path: Path) -> None:
    server = Server(claims=[CLAIM])
    assert look(server, tmp_path) == ["node: volume pvc-7 for claim apps/data"]
    assert (tmp_path / "pvc-7").stat().st_mode & 0o777 == 0o777
    (tmp_path / "pvc-7" / "file").touch()
    assert look(Server(made=[released(tmp_path)]), tmp_path) == ["node: volume pvc-7 is deleted"]
    assert not (tmp_path / "pvc-7").exists()


def test_a_copy_of_a_volume_that_names_another_folder_deletes_nothing(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "volumes" / "pvc-7").mkdir(parents=True)
    server = Server(made=[released(tmp_path / "volumes", local={"path": str(tmp_path / "home")})])
    assert look(server, tmp_path / "volumes") == [] and server.deleted == []
    assert (tmp_path / "home").exists() and (tmp_path / "volumes" / "pvc-7").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"status": {"phase": "Bound"}},
        {"metadata": {"name": "pvc-7"}},
        {"spec": {**released(Path("/data"))["spec"], "persistentVolumeReclaimPolicy": "Retain"}},
        {"spec": {"hostPath": {"path": "/data/pvc-7"}, "persistentVolumeReclaimPolicy": "Delete"}},
    ],
    ids=["bound", "somebody else's", "to be kept", "of another kind"],
)
def test_no_other_volume_goes(change: dict[str, object]) -> None:
    assert volumes.released(released(Path("/data")), Path("/data"))
    assert not volumes.released({**released(Path("/data")), **change}, Path("/data"))


def test_an_object_that_cannot_be_handled_is_said_and_the_next_ones_are(tmp_path: Path) -> None:
    odd = {"metadata": {"name": "odd", "namespace": "apps"}, "spec": {}, "status": None}
    broken = {"metadata": CLAIM["metadata"], "spec": {**CLAIM["spec"], "resources": {}}, "status": CLAIM["status"]}
    (tmp_path / "pvc-9").mkdir()
    made = [{"metadata": {"name": "bare"}}, released(tmp_path, "8"), released(tmp_path, "9")]
    server = Server(claims=[odd, broken, CLAIM], made=made, held="pvc-8")
    said = look(server, tmp_path)
    assert [each.split(":")[1] for each in said if "Error" in each] == [
        " PersistentVolumeClaim apps/data",
        " PersistentVolume bare",
        " PersistentVolume pvc-8",
    ]
    assert (tmp_path / "pvc-7").is_dir() and server.deleted == ["pvc-9"]
