"""What this machine has to have for a node of our own, and the line that brings what is missing."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from core.problem import ExitCode, Problem, Refused
from sandbox.environment import for_fetching, of_this_process
from sandbox.node.isolation import cgroups
from sandbox.node.isolation.inside import PATH
from sandbox.node.isolation.mounts import COVERED
from sandbox.node.layout import CNI_PROGRAMS

PROGRAMS = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "iptables": "iptables",
    "ipset": "ipset",
    "ip": "iproute2",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "hostname": "hostname",
    f"{CNI_PROGRAMS}/bridge": "containernetworking-plugins",
    f"{CNI_PROGRAMS}/host-local": "containernetworking-plugins",
    f"{CNI_PROGRAMS}/portmap": "containernetworking-plugins",
    f"{CNI_PROGRAMS}/loopback": "containernetworking-plugins",
}
"""Each program that the node runs, and the Debian package that has it."""

_SYS_ADMIN = 21
_OVERLAY = 0x794C7630


def missing_packages() -> list[str]:
    """The Debian packages whose programs are not here."""
    return sorted({package for program, package in PROGRAMS.items() if shutil.which(program, path=PATH) is None})


def problems(folder: Path) -> list[Problem]:
    """Everything that keeps a node with its data in `folder` from starting here; none when it can."""
    if sys.platform != "linux":
        fix = "start Docker and kind, or name a cluster with --context"
        return [Problem(summary="a node of our own needs Linux", found=sys.platform, fix=fix)]
    found = []
    if os.geteuid() != 0 or not _may_administer():
        summary = "a node of our own needs root: it makes namespaces, mounts and control groups"
        fix = "run the command with sudo, or name a cluster with --context"
        found.append(Problem(summary=summary, found=f"user {os.geteuid()}, without CAP_SYS_ADMIN", fix=fix))
    if packages := missing_packages():
        summary = "programs of the node are not installed"
        found.append(Problem(summary=summary, found=f"not here: {', '.join(packages)}", fix=install_line(packages)))
    if not _has_overlay():
        found.append(Problem(summary="the kernel has no overlay file system", fix="modprobe overlay"))
    if lacking := cgroups.missing(cgroups.here("0")) if cgroups.here("0") else ["every controller"]:
        summary = "control groups that the node needs are not mounted"
        allowed = "version 1 or 2, mounted below /sys/fs/cgroup"
        found.append(
            Problem(summary=summary, found=f"lacking: {', '.join(lacking)}", allowed=allowed, fix="mount them")
        )
    found += _folder(folder.resolve())
    return found


def check(folder: Path) -> None:
    """Raises `Refused` (`UNAVAILABLE`) with everything that is missing."""
    if found := problems(folder):
        raise Refused(found, ExitCode.UNAVAILABLE)


def install_line(packages: Iterable[str]) -> str:
    """The line that installs them on Debian and what comes from it."""
    return f"apt-get install --yes --no-install-recommends {' '.join(packages)}"


def install(say: Callable[[str], None]) -> None:
    """Installs the missing Debian packages, as the make targets do when they run as root.

    Raises `Refused` (`UNAVAILABLE`) where that cannot be done, with the line to run elsewhere.
    """
    packages = missing_packages()
    if not packages:
        return
    line = install_line(packages)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Refused(
            Problem(
                summary="programs of the node are not installed", found=f"not here: {', '.join(packages)}", fix=line
            ),
            ExitCode.UNAVAILABLE,
        )
    say(f"node: installing {', '.join(packages)}")
    env = {**for_fetching(), "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "--quiet=2"], [*line.split(), "--quiet=2"]):
        done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            said = " | ".join(done.stderr.strip().splitlines()[-2:])
            raise Refused(Problem(summary=f"`{' '.join(command)}` failed", found=said, fix=line), ExitCode.UNAVAILABLE)


def _has_overlay(listed: Path = Path("/proc/filesystems")) -> bool:
    """Whether the kernel has overlays; one that is a module is listed only once it has been loaded."""
    if "overlay" not in listed.read_text() and (modprobe := shutil.which("modprobe", path=PATH)):
        subprocess.run(
            [modprobe, "overlay"], env=of_this_process(), stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    return "overlay" in listed.read_text()


def _may_administer() -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> _SYS_ADMIN & 1)


def _folder(folder: Path) -> list[Problem]:
    fix = "take a folder on a disk, elsewhere"
    for covered in COVERED:
        if folder.is_relative_to(covered):
            summary = f"the node has a {covered} of its own, so its data cannot lie there"
            return [Problem(summary=summary, found=str(folder), fix=fix)]
    if _file_system(next(path for path in (folder, *folder.parents) if path.exists())) == _OVERLAY:
        summary = "the folder is on an overlay, and containers need another one over it"
        return [Problem(summary=summary, found=str(folder), fix=fix)]
    return []


def _file_system(folder: Path) -> int:
    """The kernel's number for the kind of file system that a folder is on (statfs(2): the first word)."""
    answer = (ctypes.c_long * 32)()
    if ctypes.CDLL(None, use_errno=True).statfs(os.fsencode(folder), ctypes.byref(answer)):
        return 0
    return int(answer[0])


def main(arguments: list[str]) -> int:
    """`python -m sandbox.node.prerequisites [--install]`: installs what it may, and says what is missing (exit code 4)."""

    def say(line: str) -> None:
        sys.stderr.write(line + "\n")

    try:
        if "--install" in arguments:
            install(say)
        check(Path(__file__).resolve().parents[2] / ".sandbox")
    except Refused as refused:
        say(str(refused))
        return refused.code
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
