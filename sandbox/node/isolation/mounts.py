"""What is mounted inside the node's mount namespace, as a list: all that the node writes then lies in the cluster's folder.

The machine sees none of it, and its own files are read-only inside. What the kubelet would write to the machine's settings is
put over them instead, so that it reads what it wants to read.
"""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.node.isolation.cgroups import Group
from sandbox.node.layout import KUBELET, Layout

SETTINGS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""The kernel's settings below /proc/sys that the kubelet insists on."""

COVERED = ("/run", "/sys", "/var/lib", "/var/log")
"""What the node has of its own; a cluster's folder must not lie below one of them."""


@dataclass(frozen=True)
class Mount:
    """One mount. `kind` is a file system's, or `bind`; `file` is what a bind's source has to hold."""

    kind: str
    source: str
    target: str
    options: str = ""
    file: str | None = None

    def command(self) -> list[str]:
        """The `mount` command that makes it."""
        if self.kind == "bind":
            return ["mount", "--bind", self.source, self.target]
        return ["mount", "-t", self.kind, *(["-o", self.options] if self.options else []), self.source, self.target]


def plan(layout: Layout, groups: Sequence[Group]) -> list[Mount]:
    """Every mount, in order."""
    upper, work = layout.data / "var-lib", layout.data / "var-lib.work"
    settings = layout.data / "settings"
    return [
        Mount("sysfs", "sysfs", "/sys"),
        *_cgroups(groups),
        Mount("tmpfs", "tmpfs", "/run", "mode=755"),
        Mount("bind", str(layout.logs), "/var/log"),
        # The kubelet keeps its devices' sockets and CNI its leases below /var/lib, wherever one sends the rest.
        Mount("overlay", "overlay", "/var/lib", f"lowerdir=/var/lib,upperdir={upper},workdir={work}"),
        Mount("bind", str(layout.data / "kubelet"), KUBELET),
        *(
            Mount("bind", str(settings / name.replace("/", ".")), f"/proc/sys/{name}", file=value + "\n")
            for name, value in SETTINGS.items()
        ),
    ]


def _cgroups(groups: Sequence[Group]) -> list[Mount]:
    root = "/sys/fs/cgroup"
    if [group.hierarchy.names for group in groups] == [""]:
        return [Mount("cgroup2", "cgroup2", root)]
    each_one = (
        Mount("cgroup", "cgroup", f"{root}/{group.mounted_as}", _option(group.hierarchy.names)) for group in groups
    )
    return [Mount("tmpfs", "tmpfs", root, "mode=755"), *each_one]


def _option(names: str) -> str:
    return f"none,{names}" if names.startswith("name=") else names


def share() -> None:
    """Every mount made from now on is seen by the pods' own namespaces."""
    _run(["mount", "--make-rshared", "/"])


def protect(folder: Path) -> None:
    """Makes every file of the machine read-only in this mount namespace, but for `folder`, devices and what the kernel shows.

    It keeps programs and pods that mount a path of the node from writing there by mistake. Whoever is root inside can undo it.
    Raises OSError, except where the kernel is older than 5.12 and knows no such thing: there nothing is changed.
    """
    _run(["mount", "--bind", str(folder), str(folder)])
    try:
        _set(Path("/"), read_only=True)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return
    for place in (Path("/proc"), Path("/dev"), folder):
        _set(place, read_only=False)


def _set(place: Path, *, read_only: bool) -> None:
    """mount_setattr(2) for a mount and all below it; its number is the same on every architecture."""
    libc = ctypes.CDLL(None, use_errno=True)
    attributes = (ctypes.c_uint64 * 4)(read_only, not read_only, 0, 0)
    called = libc.syscall(442, -100, os.fsencode(place), 0x8000, ctypes.byref(attributes), ctypes.sizeof(attributes))
    if called:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(place))


def make(mounts: Iterable[Mount]) -> None:
    """Mounts them; CalledProcessError says which one failed."""
    for mount in mounts:
        if mount.file is not None:
            Path(mount.source).parent.mkdir(parents=True, exist_ok=True)
            Path(mount.source).write_text(mount.file)
        elif mount.kind == "overlay":
            for option in mount.options.split(",")[1:]:
                Path(option.partition("=")[2]).mkdir(parents=True, exist_ok=True)
        if not Path(mount.target).exists():
            Path(mount.target).mkdir(parents=True)
        _run(mount.command())
        _aliases(Path(mount.target))


def _aliases(target: Path) -> None:
    """Two controllers in one hierarchy are looked for under each one's name too."""
    if "," in target.name:
        for name in target.name.split(","):
            (target.parent / name).symlink_to(target.name)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
