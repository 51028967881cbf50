"""What is mounted inside the node's mount namespace, as a list: all that the node writes then lies in the cluster's folder.

The machine sees none of it. What the kubelet would write to the machine's settings is put over them instead, so that it reads
what it wants to read.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.node.cgroups import Group
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
    if [each.hierarchy.names for each in groups] == [""]:
        return [Mount("cgroup2", "cgroup2", root)]
    each_one = (
        Mount("cgroup", "cgroup", f"{root}/{each.mounted_as}", _option(each.hierarchy.names)) for each in groups
    )
    return [Mount("tmpfs", "tmpfs", root, "mode=755"), *each_one]


def _option(names: str) -> str:
    return f"none,{names}" if names.startswith("name=") else names


def make(mounts: Iterable[Mount]) -> None:
    """Mounts them; CalledProcessError says which one failed. Every mount made later is seen by the pods' own namespaces."""
    _run(["mount", "--make-rshared", "/"])
    for each in mounts:
        if each.file is not None:
            Path(each.source).parent.mkdir(parents=True, exist_ok=True)
            Path(each.source).write_text(each.file)
        elif each.kind == "overlay":
            for option in each.options.split(",")[1:]:
                Path(option.partition("=")[2]).mkdir(parents=True, exist_ok=True)
        if not Path(each.target).exists():
            Path(each.target).mkdir(parents=True)
        _run(each.command())
        _aliases(Path(each.target))


def _aliases(target: Path) -> None:
    """Two controllers in one hierarchy are looked for under each one's name too."""
    if "," in target.name:
        for name in target.name.split(","):
            (target.parent / name).symlink_to(target.name)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
