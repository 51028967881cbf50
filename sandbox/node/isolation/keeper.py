"""Stands between the owner and the node: it makes the node's control groups, and when the node has ended it takes them away,
with the node's data, its keys and the kubeconfig.

The owner may be killed at any time. Then the node ends, because its standard input does, and this process, which nobody
waits for any more, tidies up and ends too. When this one is killed, the kernel kills the node. It holds the owner's lock on
the folder as well, so that nobody starts anew in what it is about to delete.
`python -m sandbox.node.isolation.keeper PLAN` is started by the owner.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.node.discard import discard
from sandbox.node.isolation import cgroups
from sandbox.node.isolation.cgroups import Group, Hierarchy

_PARENT_DEATH_SIGNAL = 1
NAMESPACES = ("--mount", "--net", "--uts", "--ipc", "--cgroup", "--pid")


def command(plan: str, groups: Sequence[Group]) -> list[str]:
    """What starts the node's first process in namespaces of its own; that of version 2's groups has been entered by then."""
    unified = [group.hierarchy.names for group in groups] == [""]
    namespaces = [namespace for namespace in NAMESPACES if not (unified and namespace == "--cgroup")]
    alone = ["unshare", *namespaces, "--fork", "--kill-child=KILL", "--mount-proc", "--propagation", "private"]
    return [*alone, sys.executable, "-m", "sandbox.node.isolation.inside", plan]


def groups_of(plan: Mapping[str, Any]) -> list[Group]:
    """The control groups of a plan."""
    return [
        Group(Hierarchy(group["names"], Path(group["at"]), group["root"]), Path(group["folder"]))
        for group in plan["groups"]
    ]


def main(arguments: list[str]) -> int:
    """Runs the node to its end and gives its exit code."""
    plan = json.loads(Path(arguments[0]).read_text())
    groups = groups_of(plan)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    try:
        cgroups.make(groups)
        with subprocess.Popen(command(arguments[0], groups), preexec_fn=_entering(groups)) as node:
            # The end of the node's input and the lines it tells belong to the owner and the node alone.
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            return node.wait()
    finally:
        cgroups.remove(group.folder for group in groups)
        Path(plan["kubeconfig"]).unlink(missing_ok=True)
        discard(Path(plan["data"]))


def _entering(groups: Sequence[Group]) -> Any:
    keeper, libc = os.getpid(), ctypes.CDLL(None, use_errno=True)

    def enter() -> None:
        libc.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
        if os.getppid() != keeper:
            os._exit(1)
        cgroups.enter(groups, libc.unshare)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)

    return enter


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
