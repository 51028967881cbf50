"""Our folders in the control groups: planned from what the kernel shows, and never another's taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sandbox.node import cgroups
from sandbox.node.cgroups import PREFIX, Group, Hierarchy

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
4:memory:/work/one
3:cpuset:/
2:cpu,cpuacct:/
0::/
"""
NEW = "31 25 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"


def test_where_hierarchies_are_of_version_1_ours_stands_below_the_group_we_are_in() -> None:
    groups = {each.hierarchy.names: str(each.folder) for each in cgroups.plan(OLD, OWN, "7")}
    assert groups == {
        "cpu,cpuacct": f"/sys/fs/cgroup/cpu,cpuacct/{PREFIX}7",
        "cpuset": f"/sys/fs/cgroup/cpuset/{PREFIX}7",
        "memory": f"/sys/fs/cgroup/memory/work/one/{PREFIX}7",
        "pids": f"/sys/fs/cgroup/pids/user/{PREFIX}7",
        "devices": f"/sys/fs/cgroup/devices/{PREFIX}7",
        "freezer": f"/sys/fs/cgroup/freezer/{PREFIX}7",
        "name=systemd": f"/sys/fs/cgroup/systemd/{PREFIX}7",
    }


def test_where_there_is_version_2_alone_ours_stands_at_its_root() -> None:
    (group,) = cgroups.plan(NEW, "0::/user.slice/session-1.scope\n", "7")
    assert (group.hierarchy.names, str(group.folder)) == ("", f"/sys/fs/cgroup/{PREFIX}7")


def test_inside_a_container_a_path_is_seen_from_the_mounts_root() -> None:
    mounted = OLD.replace("0:29 / /sys", "0:29 /work /sys")
    memory = next(each for each in cgroups.plan(mounted, OWN, "7") if each.hierarchy.names == "memory")
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
    found = {str(each.relative_to(tmp_path)) for each in cgroups.leftovers(hierarchy)}
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


def test_a_group_of_version_2_hands_on_only_what_it_has_and_has_not_handed_on(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory")
    (tmp_path / "cgroup.subtree_control").write_text("cpu")
    cgroups.hand_on(tmp_path)
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"
