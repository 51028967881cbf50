"""Our folders in the control groups: planned from what the kernel shows, and never another's taken away."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sandbox.node.isolation import cgroups
from sandbox.node.isolation.cgroups import PREFIX, Group, Hierarchy

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="a node is a thing of Linux")
# As the kernel writes them: version 1 with two controllers in one hierarchy and a named one, and version 2 beside them, empty.
OLD = """\
30 25 0:26 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children
33 30 0:29 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
34 30 0:30 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
35 30 0:31 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices
36 30 0:32 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
37 30 0:33 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
38 30 0:34 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate
"""
OWN = """\
8:name=systemd:/
7:freezer:/
6:devices:/
5:pids:/user
4:memory:/batch/one
3:cpuset:/
2:cpu,cpuacct:/
0::/
"""
NEW = "31 25 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"


def test_where_hierarchies_are_of_version_1_ours_stands_below_the_group_we_are_in() -> None:
    groups = {group.hierarchy.names: str(group.folder) for group in cgroups.plan(OLD, OWN, "7")}
    assert groups == {
        "cpu,cpuacct": f"/sys/fs/cgroup/cpu,cpuacct/{PREFIX}7",
        "cpuset": f"/sys/fs/cgroup/cpuset/{PREFIX}7",
        "memory": f"/sys/fs/cgroup/memory/batch/one/{PREFIX}7",
        "pids": f"/sys/fs/cgroup/pids/user/{PREFIX}7",
        "devices": f"/sys/fs/cgroup/devices/{PREFIX}7",
        "freezer": f"/sys/fs/cgroup/freezer/{PREFIX}7",
        "name=systemd": f"/sys/fs/cgroup/systemd/{PREFIX}7",
    }


def test_where_there_is_version_2_alone_ours_stands_at_its_root() -> None:
    (group,) = cgroups.plan(NEW, "0::/user.slice/session-1.scope\n", "7")
    assert (group.hierarchy.names, str(group.folder)) == ("", f"/sys/fs/cgroup/{PREFIX}7")


def test_inside_a_container_a_path_is_seen_from_the_mounts_root() -> None:
    mounted = OLD.replace("0:29 / /sys", "0:29 /batch /sys")
    memory = next(group for group in cgroups.plan(mounted, OWN, "7") if group.hierarchy.names == "memory")
    assert str(memory.folder) == f"/sys/fs/cgroup/memory/one/{PREFIX}7"


@pytest.mark.parametrize("name", [name for name in cgroups.NEEDED if not name.startswith("cpuacct")])
def test_each_controller_that_is_not_mounted_is_missed(name: str) -> None:
    assert cgroups.missing(cgroups.plan(OLD, OWN, "7")) == []
    without = "\n".join(line for line in OLD.splitlines() if f"/sys/fs/cgroup/{name}" not in line.split(",")[0])
    gone = {"cpu": ["cpu", "cpuacct", "cpuset"]}.get(name, [name])
    assert cgroups.missing(cgroups.plan(without, OWN, "7")) == gone


def test_of_version_2_the_controllers_are_those_that_its_root_has(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb\n")
    group = Group(Hierarchy("", tmp_path, "/"), tmp_path / "ours")
    assert cgroups.missing([group]) == ["pids"]


def test_nothing_mounted_is_no_plan() -> None:
    assert cgroups.plan("30 25 0:26 / / rw - ext4 /dev/vda rw\n", "0::/\n", "7") == []


@pytest.fixture
def hierarchy(tmp_path: Path) -> str:
    """Mounts that show a plain folder as a hierarchy."""
    return f"31 30 0:27 / {tmp_path} rw,relatime - cgroup cgroup rw,memory\n"


@LINUX
def test_only_folders_of_ours_whose_owner_is_gone_are_leftovers(tmp_path: Path, hierarchy: str) -> None:
    alive = cgroups.token(os.getpid())
    number, started = alive.split("-")
    for name in (
        f"{PREFIX}{alive}-1",
        f"{PREFIX}{number}-{int(started) + 1}-1",
        f"below/{PREFIX}1-0-1",
        "somebody-elses",
    ):
        (tmp_path / name / "kubepods").mkdir(parents=True)
    found = {str(leftover.relative_to(tmp_path)) for leftover in cgroups.leftovers(hierarchy)}
    assert found == {f"{PREFIX}{number}-{int(started) + 1}-1", f"below/{PREFIX}1-0-1"}, (
        "a number that is used again is another"
    )


def test_taking_away_a_folder_takes_all_below_it_and_says_what_is_held(tmp_path: Path) -> None:
    free, held = tmp_path / "free", tmp_path / "held"
    (free / "kubepods" / "pod").mkdir(parents=True)
    (held / "pod").mkdir(parents=True)
    (held / "pod" / "process").touch()
    assert cgroups.remove([free, held], within=0.05) == [held]
    assert not free.exists() and held.exists()


@pytest.fixture
def unified(tmp_path: Path) -> Group:
    """Our folder below a plain folder that looks like the root of version 2."""
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory hugetlb pids")
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    return Group(Hierarchy("", tmp_path, "/"), tmp_path / "ours")


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is written into control groups, in order: the file's parent and name, and the words; `io` cannot be fetched."""
    found: list[tuple[str, str]] = []

    def write(self: Path, text: str) -> int:
        found.append((f"{self.parent.name}/{self.name}", text))
        if text == "+io" or (self.parent.name == "busy" and text == "+memory"):
            raise OSError(16, "Device or resource busy")
        return len(text)

    monkeypatch.setattr(Path, "write_text", write)
    return found


def test_at_the_root_of_version_2_only_what_the_node_needs_and_lacks_is_handed_on(
    unified: Group, written: list[tuple[str, str]]
) -> None:
    cgroups.make([unified])
    assert [text for _, text in written] == ["+cpuset", "+memory", "+pids"]
    assert (unified.folder / cgroups.LEAF).is_dir()


def test_inside_every_controller_is_handed_on_that_can_be(unified: Group, written: list[tuple[str, str]]) -> None:
    cgroups.hand_on(unified.hierarchy.at)
    assert [text for _, text in written] == ["+cpuset", "+io", "+memory", "+hugetlb", "+pids"]


@pytest.mark.parametrize("given", ["cpuset cpu pids", "cpuset cpu memory pids"], ids=["not there", "busy"])
def test_a_controller_that_the_node_needs_and_cannot_have_is_an_error(
    tmp_path: Path, written: list[tuple[str, str]], given: str
) -> None:
    busy = tmp_path / "busy"
    busy.mkdir()
    for name, content in (("cgroup.controllers", given), ("cgroup.subtree_control", "")):
        (busy / name).write_bytes(content.encode())
    with pytest.raises(OSError, match="controller memory"):
        cgroups.make([Group(Hierarchy("", busy, "/"), busy / "ours")])
    assert not (busy / "ours").exists()


def test_of_version_2_no_process_stays_in_the_folder_that_hands_controllers_on(
    unified: Group, written: list[tuple[str, str]]
) -> None:
    def unshare(flags: int) -> int:
        written.append(("unshare", hex(flags)))
        return 0

    cgroups.enter([unified], unshare)
    into = [("ours/cgroup.procs", "0"), ("unshare", "0x2000000"), (f"{cgroups.LEAF}/cgroup.procs", "0")]
    assert written == into, "the folder is the namespace's root, and the leaf below it is entered"
    written.clear()
    cgroups.enter([Group(Hierarchy("memory", Path("/m"), "/"), Path("/m/ours"))], unshare)
    assert written == [("ours/cgroup.procs", "0")], "version 1 knows no leaf"
    with pytest.raises(OSError, match="namespace"):
        cgroups.enter([unified], lambda _: -1)
