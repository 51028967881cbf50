"""The node's own place in the machine's control groups: a folder in each hierarchy, made, entered and taken away again.

Both kinds of hierarchy: version 1 has one for each controller, and ours stands below the one that we are in; version 2 has a
single one, and ours stands at its root, for only there may a folder with processes hand controllers on. Only the standard
library is used: the keeper that takes the folders away must stay small.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PREFIX = "modelyard-node-"
NEEDED = ("cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer")
"""The controllers without which the kubelet or the runtime does not start where hierarchies are of version 1."""

_SHARES = 1024
"""What one process weighs for the scheduler, and a processor for the kubelet."""
_NEEDED_2 = ("cpu", "cpuset", "memory", "pids")
LEAF = "node"
"""Where the node's own processes are below our folder of version 2: a group that hands controllers on holds none itself."""

_NEW_CGROUP = 0x02000000
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Hierarchy:
    """A mounted hierarchy: `names` as its mount takes them (`cpu,cpuacct`, `name=systemd`), empty for version 2."""

    names: str
    at: Path
    root: str


@dataclass(frozen=True)
class Group:
    """Our folder in one hierarchy."""

    hierarchy: Hierarchy
    folder: Path

    @property
    def mounted_as(self) -> str:
        """The folder below /sys/fs/cgroup that the hierarchy has inside the node; empty for version 2."""
        return self.hierarchy.names.removeprefix("name=")


def hierarchies(mountinfo: str) -> list[Hierarchy]:
    """The hierarchies that a process's `mountinfo` shows, each once."""
    found: dict[str, Hierarchy] = {}
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, *_, options) = before.split(), after.split()
        if kind not in ("cgroup", "cgroup2"):
            continue
        names = "" if kind == "cgroup2" else ",".join(each for each in options.split(",") if _controller(each))
        root, at = (_ESCAPED.sub(lambda each: chr(int(each[1], 8)), each) for each in fields[3:5])
        found.setdefault(names, Hierarchy(names, Path(at), root))
    return list(found.values())


def _controller(option: str) -> bool:
    if option.startswith("name="):
        return True
    return "=" not in option and option not in ("rw", "ro", "xattr", "noprefix", "clone_children", "cpuset_v2_mode")


def plan(mountinfo: str, own: str, token: str) -> list[Group]:
    """Our folders for a process whose `/proc/PID/cgroup` reads `own`; empty where nothing fits. `token` tells runs apart."""
    mounted = {each.names: each for each in hierarchies(mountinfo)}
    old = {name for names in mounted for name in names.split(",") if name}
    if not old & {"cpu", "memory", "pids"}:
        return [Group(mounted[""], mounted[""].at / f"{PREFIX}{token}")] if "" in mounted else []
    groups = []
    for line in own.splitlines():
        _, names, path = line.split(":", 2)
        hierarchy = next(
            (each for each in mounted.values() if set(each.names.split(",")) == set(names.split(","))), None
        )
        if names and hierarchy is not None:
            inside = os.path.relpath(path, hierarchy.root)
            groups.append(Group(hierarchy, Path(os.path.normpath(hierarchy.at / inside)) / f"{PREFIX}{token}"))
    return groups


def missing(groups: Sequence[Group]) -> list[str]:
    """The controllers that a node needs and these hierarchies do not have."""
    if [group.hierarchy.names for group in groups] == [""]:
        given = (groups[0].hierarchy.at / "cgroup.controllers").read_text().split()
        return [name for name in _NEEDED_2 if name not in given]
    have = {name for group in groups for name in group.hierarchy.names.split(",")}
    return [name for name in NEEDED if name not in have]


def token(pid: int) -> str:
    """What names a process for as long as the machine runs: its number, and when it started (in the kernel's ticks)."""
    return f"{pid}-{Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"


def make(groups: Iterable[Group]) -> None:
    """Makes our folders. Raises OSError when one cannot be.

    In version 1 a new group may use no processor until it is told which, and weighs as one process.
    """
    for group in groups:
        if not group.hierarchy.names:
            hand_on(group.hierarchy.at, _NEEDED_2)
            (group.folder / LEAF).mkdir(parents=True)
            continue
        group.folder.mkdir()
        if "cpuset" in group.hierarchy.names.split(","):
            for name in ("cpuset.cpus", "cpuset.mems"):
                (group.folder / name).write_text((group.folder.parent / name).read_text())
            (group.folder / "cgroup.clone_children").write_text("1")
        if "cpu" in group.hierarchy.names.split(","):
            # Else all pods together would weigh as one process of the machine does.
            (group.folder / "cpu.shares").write_text(str(_SHARES * (os.cpu_count() or 1)))


def hand_on(folder: Path, wanted: Sequence[str] = ()) -> None:
    """Lets the groups below a folder of version 2 have the wanted controllers, by default every one that the folder has.

    Raises OSError for one that the node needs and that cannot be handed on.
    """
    given = (folder / "cgroup.controllers").read_text().split()
    handed = (folder / "cgroup.subtree_control").read_text().split()
    if lacking := [name for name in _NEEDED_2 if name not in given]:
        raise OSError(errno.ENOENT, f"the group has no controller {', '.join(lacking)}", str(folder))
    for name in wanted or given:
        if name in handed:
            continue
        try:
            (folder / "cgroup.subtree_control").write_text(f"+{name}")
        except OSError as error:
            if name in _NEEDED_2:
                raise OSError(
                    error.errno, f"controller {name} is not handed on: {error.strerror}", str(folder)
                ) from None


def enter(groups: Iterable[Group], unshare: Callable[[int], int]) -> None:
    """Puts this process into our folders; in version 2 into the leaf, and into a namespace whose root our folder is.

    `unshare` is unshare(2): there it has to come between the two, so that no process is left in the folder itself.
    """
    for group in groups:
        (group.folder / "cgroup.procs").write_text("0")
        if not group.hierarchy.names:
            if unshare(_NEW_CGROUP):
                raise OSError("no control group namespace can be had")
            (group.folder / LEAF / "cgroup.procs").write_text("0")


def remove(folders: Iterable[Path], *, within: float = 10.0) -> list[Path]:
    """Takes folders away with all below them, and gives those that still hold a process after `within` seconds."""
    ends, left = time.monotonic() + within, list(folders)
    while left := [path for path in left if not _emptied(path)]:
        if time.monotonic() > ends:
            break
        time.sleep(0.02)
    return left


def _emptied(folder: Path) -> bool:
    for below, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(below).rmdir()
    return not folder.exists()


def leftovers(mountinfo: str) -> Iterator[Path]:
    """Our folders of runs whose owner is no more."""
    for hierarchy in hierarchies(mountinfo):
        for folder, below, _ in os.walk(hierarchy.at):
            ours = [name for name in below if name.startswith(PREFIX)]
            yield from (Path(folder, name) for name in ours if not _alive(name.removeprefix(PREFIX)))
            below[:] = [name for name in below if name not in ours]


def _alive(of: str) -> bool:
    try:
        return f"{of}-".startswith(token(int(of.partition("-")[0])) + "-")
    except (ValueError, OSError, IndexError):
        return False


def sweep() -> list[Path]:
    """Takes away what earlier runs left, and gives what it took."""
    paths = list(leftovers(Path("/proc/self/mountinfo").read_text()))
    return [path for path in paths if path not in remove(paths, within=1.0)]


def here(name: str) -> list[Group]:
    """Our folders for this process."""
    return plan(Path("/proc/self/mountinfo").read_text(), Path("/proc/self/cgroup").read_text(), name)
