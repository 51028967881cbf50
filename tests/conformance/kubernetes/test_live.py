"""The provider on a real API server: whose an object is, what a change means, what is never told."""

from __future__ import annotations

import base64
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.problem import Refused
from core.versions import CRD_MODULES
from kube.pods import ENFORCE
from sandbox.faults import CloudError, Faults
from sandbox.items import CREATOR, ItemStore
from sandbox.kubernetes.real import crds
from sandbox.kubernetes.real.api import Api
from sandbox.kubernetes.real.clients import certificate
from sandbox.kubernetes.real.controlplane import ControlPlane
from sandbox.kubernetes.real.live import LiveCloud
from sandbox.values import Secret
from tests.roots import ROOT

URN = "urn:pulumi:dev::modelyard::it::it"
CONFIG, SECRET, JOB = "kubernetes:core/v1:ConfigMap", "kubernetes:core/v1:Secret", "kubernetes:batch/v1:Job"
PLANTED = "correct-horse-battery"

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def space(plane: ControlPlane) -> Iterator[str]:
    """A namespace for these tests."""
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "live", "labels": {ENFORCE: "baseline"}}}
    plane.apply([made])
    yield "live"
    plane.api.delete(made)


@pytest.fixture
def cloud(plane: ControlPlane, tmp_path: Path) -> LiveCloud:
    return LiveCloud(ItemStore(tmp_path / "world"), Faults(), plane.api)


@contextmanager
def acting(urn: str) -> Iterator[None]:
    held = CREATOR.set(urn)
    yield
    CREATOR.reset(held)


def _data(signed: tuple[bytes, bytes]) -> dict[str, str]:
    names = ("client-certificate-data", "client-key-data")
    return {name: base64.b64encode(pem).decode() for name, pem in zip(names, signed, strict=True)}


def config(name: str, **data: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "live"}, "data": data}


def test_a_create_repeated_after_a_crash_finds_its_own_object(cloud: LiveCloud, space: str) -> None:
    with acting(URN):
        first = cloud.create(CONFIG, "it", config("mine", a="1"), preview=False)
        assert cloud.create(CONFIG, "it", config("mine", a="1"), preview=False) == first


def test_somebody_elses_object_is_not_taken_over(cloud: LiveCloud, plane: ControlPlane, space: str) -> None:
    plane.apply([config("theirs", a="1")])
    with acting(URN), pytest.raises(CloudError, match="already exists, and another made it"):
        cloud.create(CONFIG, "it", config("theirs", a="2"), preview=False)
    assert (plane.api.get(config("theirs")) or {})["data"] == {"a": "1"}


def test_an_object_born_again_is_somebody_elses_and_is_left(cloud: LiveCloud, plane: ControlPlane, space: str) -> None:
    with acting(URN):
        id, state = cloud.create(CONFIG, "it", config("reborn", a="1"), preview=False)
    plane.api.delete(config("reborn"))
    plane.apply([config("reborn", a="2")])
    cloud.delete(CONFIG, id, state)
    assert plane.api.get(config("reborn")) is not None


def test_a_field_that_is_taken_out_is_removed_also_after_a_change_of_name(
    cloud: LiveCloud, plane: ControlPlane, space: str
) -> None:
    with acting(URN):
        id, state = cloud.create(CONFIG, "it", config("named", a="1", b="2"), preview=False)
    with acting(f"{URN}-renamed"):
        assert cloud.diff(CONFIG, config("named", a="1", b="2"), config("named", a="1", b="2")).changed == ()
        cloud.update(CONFIG, id, state, config("named", a="1"), preview=False)
    assert (plane.api.get(config("named")) or {})["data"] == {"a": "1"}


def test_two_spellings_of_one_quantity_are_no_change(cloud: LiveCloud, space: str) -> None:
    def quota(cpu: str) -> dict[str, Any]:
        metadata = {"name": "quota", "namespace": "live"}
        return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"cpu": cpu}}}

    token = "kubernetes:core/v1:ResourceQuota"
    with acting(URN):
        id, state = cloud.create(token, "it", quota("1000m"), preview=False)
        assert cloud.diff(token, quota("1000m"), quota("1")).changed == ()
        assert cloud.diff(token, quota("1000m"), quota("2")).changed == ("spec.hard.cpu",)
        found = cloud.read(token, id, quota("1000m"), state)
    assert found is not None and found[2] == quota("1000m")
    cloud.delete(token, id, state)


def test_what_the_server_holds_immutable_means_a_replacement(cloud: LiveCloud, space: str) -> None:
    def job(image: str) -> dict[str, Any]:
        pod = {"restartPolicy": "Never", "containers": [{"name": "it", "image": image}]}
        metadata = {"name": "once", "namespace": "live"}
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}}}

    with acting(URN):
        id, state = cloud.create(JOB, "it", job("registry.k8s.io/pause:3.9"), preview=False)
        changed = cloud.diff(JOB, job("registry.k8s.io/pause:3.9"), job("registry.k8s.io/pause:3.10"))
        assert changed.replaces and changed.delete_before_replace
        assert cloud.check(JOB, "it", job("registry.k8s.io/pause:3.9"), job("registry.k8s.io/pause:3.10")).faults == ()
        cloud.delete(JOB, id, state)


def test_a_secret_goes_to_the_server_and_comes_back_hidden(cloud: LiveCloud, plane: ControlPlane, space: str) -> None:
    metadata = {"name": "hush", "namespace": "live"}
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"key": Secret(PLANTED)}}
    with acting(URN):
        id, state = cloud.create(SECRET, "it", inputs, preview=False)
        found = cloud.read(SECRET, id, inputs, state)
    live = plane.api.get(inputs) or {}
    assert base64.b64decode(live["data"]["key"]).decode() == PLANTED
    assert found is not None
    assert PLANTED not in f"{state}{found}" and live["data"]["key"] not in f"{state}{found}"
    assert found[2] == inputs


def test_a_refusal_never_repeats_a_secret(cloud: LiveCloud, space: str) -> None:
    metadata = {"name": "hush", "namespace": "live"}
    wrong = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "immutable": Secret(PLANTED)}
    (fault,) = cloud.check(CONFIG, "it", {}, wrong).faults
    assert PLANTED not in fault.reason
    with acting(URN), pytest.raises(CloudError) as refused:
        cloud.create(CONFIG, "it", wrong, preview=False)
    assert PLANTED not in str(refused.value)


def test_a_program_for_another_context_is_refused(cloud: LiveCloud) -> None:
    cloud.configure({"kubernetes:config:context": "own"})
    with pytest.raises(CloudError, match=r'for the context "kind-other", and the kubeconfig.s current one is "own"'):
        cloud.configure({"kubernetes:config:context": "kind-other"})


@pytest.mark.parametrize("user", ["tokenFile", "exec", "certificate", "certificateFile", "foreign", "nobody"])
def test_a_kubeconfig_may_sign_in_as_kubectl_may(plane: ControlPlane, tmp_path: Path, user: str) -> None:
    (tmp_path / "token").write_text(f"{plane.token}\n")
    answer = f'echo \'{{"status": {{"token": "{plane.token}"}}}}\''
    # kind and k3d write the first form, minikube the second; a certificate of another authority is nobody's.
    signed, foreign = (certificate(folder, "kind-admin", "system:masters") for folder in (plane.folder, tmp_path))
    for name, pem in zip(("admin.crt", "admin.key"), signed, strict=True):
        (tmp_path / name).write_bytes(pem)
    users = {
        "certificate": _data(signed),
        "certificateFile": {"client-certificate": "admin.crt", "client-key": "admin.key"},
        "foreign": _data(foreign),
        "tokenFile": {"tokenFile": "token"},
        "exec": {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", answer]}},
        "nobody": {},
    }
    known = yaml.safe_load(plane.kubeconfig.read_text())
    known["users"][0]["user"] = users[user]
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(known))
    asked = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
    if user in ("foreign", "nobody"):
        with pytest.raises(CloudError, match="Unauthorized"):
            Api(file).get(asked)
    else:
        assert Api(file).get(asked)


def test_a_module_of_crds_with_another_hash_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = CRD_MODULES["karpenter-crd"]
    changed = type(pinned)(**{**vars(pinned), "sum": pinned.sum[:-2] + "x="})
    monkeypatch.setitem(CRD_MODULES, "karpenter-crd", changed)
    with pytest.raises(Refused, match=r"is not what core/versions\.py pins"):
        crds.of_chart.__wrapped__("karpenter-crd")


def test_nothing_of_the_control_plane_listens_beyond_this_machine(plane: ControlPlane) -> None:
    port = int(plane.url.rpartition(":")[2])
    outside = next((a for a in _addresses() if not a.startswith("127.")), None)
    if outside is not None:
        with pytest.raises(OSError), socket.create_connection((outside, port), 2):
            pass
    assert plane.folder.stat().st_mode & 0o077 == 0
    assert plane.kubeconfig.stat().st_mode & 0o077 == 0


def _addresses() -> list[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return [str(probe.getsockname()[0])]


def test_a_control_plane_ends_with_its_owner_however_that_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sandbox.kubernetes.real.controlplane", str(tmp_path / "plane")]
    owner = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    kubeconfig = Path(owner.stdout.readline().strip())
    api = Api(kubeconfig)
    assert api.healthy()
    owner.send_signal(signal.SIGKILL)
    owner.wait(60)
    port = int(api.url.rpartition(":")[2])
    assert _until(lambda: not _listens(port), 300)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(true: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.1)
    return True
