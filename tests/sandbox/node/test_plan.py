"""What a node is told before anything starts: mounts, configuration, keys. All of it is plain data."""

from __future__ import annotations

import base64
import json
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kube.objects import check_object
from kube.pods import check_baseline, pod_template
from sandbox.node import layout, node, volumes
from sandbox.node import prerequisites as needs
from sandbox.node.config import documents, keys, objects, programs
from sandbox.node.isolation import inside, keeper, mounts
from sandbox.node.isolation.cgroups import Group, Hierarchy
from sandbox.node.layout import Layout
from tests.roots import ROOT

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a node is a thing of Linux")
FILES = {name: f"/tools/{name}" for name in programs.BUILT}
GROUPS = [
    Group(Hierarchy(names, Path("/sys/fs/cgroup", names), "/"), Path("/sys/fs/cgroup", names, "ours"))
    for names in ("cpu,cpuacct", "memory", "name=systemd")
]
UNIFIED = [Group(Hierarchy("", Path("/sys/fs/cgroup"), "/"), Path("/sys/fs/cgroup/ours"))]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """A folder into which everything has been written."""
    if sys.platform != "linux":
        pytest.skip("who writes it is named by what Linux knows of the process")
    monkeypatch.setattr("sandbox.node.isolation.cgroups.here", lambda _: GROUPS)
    layout = Layout(tmp_path / "cluster")
    layout.folder.mkdir()
    node._write(layout, FILES, [tmp_path / "pause.tar"])
    return layout


@pytest.mark.parametrize("groups", [GROUPS, UNIFIED], ids=["version 1", "version 2"])
def test_whatever_is_mounted_covers_only_what_the_node_has_of_its_own(groups: list[Group]) -> None:
    plan = mounts.plan(Layout(Path("/data/one")), groups)
    for mount in plan:
        assert any(Path(mount.target).is_relative_to(place) for place in (*mounts.COVERED, "/proc/sys")), mount
    written = [each.source for each in plan if each.kind == "bind"]
    written += [
        part.partition("=")[2] for each in plan if each.kind == "overlay" for part in each.options.split(",")[1:]
    ]
    assert written and all(Path(each).is_relative_to("/data/one") for each in written)


def test_every_control_group_is_mounted_again_as_the_node_sees_it() -> None:
    plan = {mount.target: mount for mount in mounts.plan(Layout(Path("/data")), GROUPS)}
    assert plan["/sys/fs/cgroup/cpu,cpuacct"].options == "cpu,cpuacct"
    assert plan["/sys/fs/cgroup/systemd"].options == "none,name=systemd"
    assert [mount.target for mount in mounts.plan(Layout(Path("/data")), UNIFIED) if mount.kind == "cgroup2"] == [
        "/sys/fs/cgroup"
    ]


def test_a_setting_of_the_kernel_is_covered_and_never_written() -> None:
    for mount in mounts.plan(Layout(Path("/data")), GROUPS):
        if mount.target.startswith("/proc/sys"):
            assert mount.command() == ["mount", "--bind", mount.source, mount.target]
            assert mount.file == mounts.SETTINGS[mount.target.removeprefix("/proc/sys/")] + "\n"


def test_every_file_that_a_program_is_told_of_has_been_written(written: Layout) -> None:
    told = [*programs.first(written, FILES), *programs.second(written, FILES)]
    suffixes = (".crt", ".key", ".yaml", ".toml", ".kubeconfig", ".conf")
    named = {value for program in told for value in (flag.partition("=")[2] for flag in program.command[1:])}
    kubelet = documents.kubelet(written)
    named |= {str(value) for value in (*kubelet.values(), kubelet["authentication"]["x509"]["clientCAFile"])}
    named.add(documents.proxy(written)["clientConnection"]["kubeconfig"])
    files = [Path(value) for value in named if value.startswith("/") and value.endswith(suffixes)]
    assert len(files) > 12 and [str(file) for file in files if not file.is_file()] == []


def test_no_socket_of_a_program_has_a_path_that_is_too_long_however_long_the_folders_is() -> None:
    far = Layout(Path("/data", *["a-long-name"] * 20))
    flags = {flag for program in programs.second(far, FILES) if program.name == "kubelet" for flag in program.command}
    assert f"--root-dir={layout.KUBELET}" in flags and len(layout.KUBELET) < 40
    assert layout.KUBELET in {mount.target for mount in mounts.plan(far, GROUPS)}
    assert len(documents.kubelet(far)["containerRuntimeEndpoint"]) < 107


def test_only_the_owner_may_read_what_has_been_written(written: Layout) -> None:
    assert {path.stat().st_mode & 0o777 for path in (written.data, written.logs)} == {0o700}
    for path in written.data.iterdir():
        if path.suffix in (".key", ".kubeconfig"):
            assert path.stat().st_mode & 0o777 == 0o600, path


def test_the_plan_has_all_that_the_first_process_reads(written: Layout) -> None:
    plan = json.loads(written.plan.read_text())
    assert [mounts.Mount(**mount) for mount in plan["mounts"]] == mounts.plan(written, GROUPS)
    assert keeper.groups_of(plan) == GROUPS
    assert [name for name, _ in plan["first"]] == ["etcd", "kube-apiserver", "containerd"]
    assert {name for name, _ in plan["first"] + plan["second"]} == {*programs.BUILT, "containerd"}


def test_what_an_earlier_run_left_in_the_folder_is_gone(written: Layout) -> None:
    (written.data / "etcd").mkdir()
    (written.logs / "old.log").touch()
    node._write(written, FILES, [])
    assert not (written.data / "etcd").exists() and not (written.logs / "old.log").exists()


def test_the_runtimes_configuration_reads_as_it_was_meant() -> None:
    found = tomllib.loads(documents.containerd(Layout(Path("/data"))))
    cri = found["plugins"]["io.containerd.grpc.v1.cri"]
    assert (found["version"], found["grpc"]["address"]) == (2, layout.SOCKET)
    assert (cri["sandbox_image"], cri["restrict_oom_score_adj"]) == (layout.PAUSE_IMAGE, True)
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False}
    assert cri["cni"] == {"bin_dir": layout.CNI_PROGRAMS, "conf_dir": "/data/data/cni"}


def test_nobody_is_let_in_without_a_certificate() -> None:
    (_, server, _) = programs.first(Layout(Path("/data")), FILES)
    assert {"--anonymous-auth=false", "--authorization-mode=Node,RBAC"} <= set(server.command)
    kubelet = documents.kubelet(Layout(Path("/data")))
    assert kubelet["authentication"]["anonymous"] == {"enabled": False} and kubelet["readOnlyPort"] == 0


@pytest.mark.parametrize(
    "obj", objects.objects("modelyard.local/coredns:1"), ids=lambda obj: f"{obj['kind']} {obj['metadata']['name']}"
)
def test_what_every_cluster_has_is_what_kubernetes_takes(obj: dict[str, object]) -> None:
    assert check_object(obj) == []
    if template := pod_template(obj):
        assert check_baseline(template[1]["spec"]) == []


def test_a_kubeconfig_holds_a_user_whom_its_own_authority_vouches_for() -> None:
    config = yaml.safe_load(keys.Authority("one").kubeconfig("https://127.0.0.1:1", "here", "me", "group-a", "group-b"))
    (cluster,), (user,) = config["clusters"], config["users"]
    assert (config["current-context"], cluster["cluster"]["server"]) == ("here", "https://127.0.0.1:1")
    authority, own = (
        x509.load_pem_x509_certificate(base64.b64decode(data))
        for data in (cluster["cluster"]["certificate-authority-data"], user["user"]["client-certificate-data"])
    )
    own.verify_directly_issued_by(authority)
    names = {each.value for each in own.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)}
    assert own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "me" and names == {"group-a", "group-b"}
    uses = own.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH], "a user is no server"
    assert authority.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_two_clusters_do_not_vouch_for_each_others_users() -> None:
    one, other = keys.Authority("one"), keys.Authority("one")
    own = x509.load_pem_x509_certificate(one.issue("me")[0])
    with pytest.raises(InvalidSignature):
        own.verify_directly_issued_by(x509.load_pem_x509_certificate(other.certificate))


def test_the_api_servers_certificate_has_every_name_that_it_is_called_by() -> None:
    certificate, _ = keys.Authority("one").issue("kube-apiserver", names=programs.server_names())
    found = x509.load_pem_x509_certificate(certificate).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert "kubernetes.default.svc" in found.value.get_values_for_type(x509.DNSName)
    addresses = {str(each) for each in found.value.get_values_for_type(x509.IPAddress)}
    assert addresses == {"127.0.0.1", layout.ADDRESS, layout.API_SERVICE}


def test_every_program_that_the_node_runs_comes_from_a_package_that_is_named() -> None:
    asked = {command[0] for command in inside.NETWORK} | {
        keeper.command("plan", GROUPS)[0],
        inside.import_command("x")[0],
    }
    asked |= {mount.command()[0] for mount in mounts.plan(Layout(Path("/data")), GROUPS)} | {
        "nsenter",
        "hostname",
        "containerd",
    }
    assert asked <= set(needs.PROGRAMS)
    plugins = {plugin["type"] for plugin in documents.network()["plugins"]} | {
        documents.network()["plugins"][0]["ipam"]["type"]
    }
    assert {f"{layout.CNI_PROGRAMS}/{plugin}" for plugin in plugins} <= set(needs.PROGRAMS)
    table = (ROOT / "SECURITY.md").read_text()
    assert [program for program in set(needs.PROGRAMS.values()) if f"`{program}`" not in table] == []


def test_of_version_2_the_namespace_of_control_groups_is_entered_before_the_others() -> None:
    assert "--cgroup" in keeper.command("plan", GROUPS) and "--cgroup" not in keeper.command("plan", UNIFIED)
    assert set(keeper.command("plan", GROUPS)) - set(keeper.command("plan", UNIFIED)) == {"--cgroup"}


CLAIM: dict[str, Any] = {
    "metadata": {
        "name": "data",
        "namespace": "apps",
        "uid": "7",
        "annotations": {"volume.kubernetes.io/selected-node": "node-1"},
    },
    "spec": {
        "storageClassName": "standard",
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
    },
    "status": {"phase": "Pending"},
}


def test_a_claim_whose_pod_has_a_node_gets_a_volume_that_only_it_may_use() -> None:
    assert volumes.waits(CLAIM)
    made = volumes.volume(CLAIM, Path("/data/volumes"))
    assert check_object(made) == []
    assert made["spec"]["claimRef"]["uid"] == "7" and made["spec"]["local"]["path"] == "/data/volumes/pvc-7"


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {**CLAIM["metadata"], "annotations": {}}},
        {"metadata": {**CLAIM["metadata"], "annotations": None}},
        {"spec": {**CLAIM["spec"], "storageClassName": "other"}},
        {"spec": {**CLAIM["spec"], "volumeName": "mine"}},
        {"spec": {**CLAIM["spec"], "volumeMode": "Block"}},
        {"spec": {**CLAIM["spec"], "selector": {"matchLabels": {"disk": "fast"}}}},
        {"status": {"phase": "Bound"}},
    ],
    ids=["no pod yet", "no annotation", "another class", "a volume of its own", "a device", "by labels", "bound"],
)
def test_no_other_claim_gets_one(change: dict[str, object]) -> None:
    assert not volumes.waits({**CLAIM, **change})


@LINUX
def test_a_program_that_is_not_here_is_named_with_the_line_that_brings_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, **kwargs: None if name in ("runc", "nft") else found("sh"))
    assert needs.missing_packages() == ["nftables", "runc"]
    (problem,) = [each for each in needs.problems(tmp_path) if "not installed" in each.summary]
    assert problem.fix == "apt-get install --yes --no-install-recommends nftables runc"


@pytest.mark.parametrize(
    ("listed", "module", "has"),
    [("overlay", None, True), ("ext4", "true", False), ("ext4", "echo overlay >>", True), ("ext4", None, False)],
    ids=["built in", "no such module", "a module", "no modprobe"],
)
def test_overlays_are_there_also_where_they_are_a_module_that_was_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listed: str, module: str | None, has: bool
) -> None:
    file, modprobe = tmp_path / "filesystems", tmp_path / "modprobe"
    file.write_text(f"nodev\ttmpfs\n{listed}\n")
    if module:
        modprobe.write_text(f'#!/bin/sh\n[ "$1" = overlay ] && {module} {file}\n')
        modprobe.chmod(0o755)
    monkeypatch.setattr(needs, "PATH", str(tmp_path))
    assert needs._has_overlay(file) is has


@LINUX
@pytest.mark.parametrize("place", mounts.COVERED)
def test_a_folder_that_the_node_would_cover_is_refused(place: str) -> None:
    (problem,) = [each for each in needs.problems(Path(place, "below")) if "its data cannot lie there" in each.summary]
    assert problem.found == f"{place}/below"


@LINUX
def test_another_system_and_another_user_are_told_apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert [each for each in needs.problems(tmp_path) if "needs root" in each.summary]
    monkeypatch.setattr("sys.platform", "darwin")
    (problem,) = needs.problems(tmp_path)
    assert "needs Linux" in problem.summary and "--context" in problem.fix
