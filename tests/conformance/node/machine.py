"""What of the machine a node must leave as it was: processes, mounts, interfaces, routes, listeners and control groups."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, fields
from pathlib import Path

from sandbox.node.isolation import cgroups


def processes(marks: tuple[str, ...]) -> frozenset[str]:
    """The processes with a mark in their command line or their control groups' path, with their numbers."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            seen = words + (folder / "cgroup").read_text()
            if folder.name != str(os.getpid()) and any(mark in seen for mark in marks):
                found.add(f"{folder.name} {words[:120]}")
    return frozenset(found)


@dataclass(frozen=True)
class Machine:
    """What is seen of it from outside every node; of processes and control groups, those that have a mark."""

    processes: frozenset[str]
    mounts: frozenset[tuple[str, int]]
    interfaces: frozenset[str]
    routes: str
    rules: str
    groups: frozenset[str]

    @classmethod
    def now(cls, *marks: str) -> Machine:
        """As it is. Other tests run nodes of their own meanwhile, so a node is told by its folder and its owner's number."""
        mountinfo = Path("/proc/self/mountinfo").read_text()
        links = _said("ip", "-brief", "link")
        asked = (("route",), ("-6", "route"), ("rule",), ("-6", "rule"))
        # What a router announced is counted down: the same route says another number a second later.
        routes = re.sub(r" expires \S+", "", "".join(_said("ip", *each) for each in asked))
        # The same mount made twice is one more; a mount's own number and its parent's tell it from every other.
        mounted = Counter(line.partition(" - ")[0] for line in mountinfo.splitlines())
        folders = {
            str(Path(folder, name))
            for hierarchy in cgroups.hierarchies(mountinfo)
            for folder, below, _ in os.walk(hierarchy.at)
            for name in below
            if name.startswith(cgroups.PREFIX) and any(mark in name for mark in marks)
        }
        return cls(
            processes=processes(marks),
            mounts=frozenset(mounted.items()),
            interfaces=frozenset(line.split()[0] for line in links.splitlines()),
            routes=routes,
            # Counters of rules go on counting; what is looked for is rules.
            rules=_said("nft", "--stateless", "list", "ruleset") if shutil.which("nft") else "",
            groups=frozenset(folders),
        )

    def differs(self, other: Machine) -> dict[str, object]:
        """What there is now and was not there in `other`, or the other way round, by field."""
        found: dict[str, object] = {}
        for each in fields(self):
            here, there = getattr(self, each.name), getattr(other, each.name)
            if here != there:
                found[each.name] = sorted(map(str, here ^ there)) if isinstance(here, frozenset) else here
        return {key: value for key, value in found.items() if value}


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def left_over(before: Machine, *marks: str, within: float = 300.0) -> tuple[dict[str, object], float]:
    """What is left of a node after its end, and after how many seconds nothing was."""
    began = time.monotonic()
    while (left := Machine.now(*marks).differs(before)) and time.monotonic() - began < within:
        time.sleep(0.1)
    return left, time.monotonic() - began


def listeners() -> set[tuple[str, int]]:
    """Address and port of everything that listens in the machine's own network."""
    found = set()
    for name in ("tcp", "tcp6"):
        for line in Path("/proc/net", name).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A":
                address, port = local.split(":")
                found.add(("127.0.0.1" if address == "0100007F" else address, int(port, 16)))
    return found
