"""The first process of the node's namespaces: mounts, network, then the programs, each started again whenever it ends.

It ends at the end of its standard input, whose other end only the cluster's owner holds; the kernel then ends every process of
the namespace, and mounts and interfaces go with the last of them. The keeper starts it: `python -m sandbox.node.isolation.inside
PLAN`.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sandbox.node.isolation import cgroups, mounts
from sandbox.node.layout import ADDRESS, ADDRESS_WIDTH, API_PORT, NAME, SERVICES, SOCKET

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_AGAIN_AFTER, _WINDOW, _TIMES = 1.0, 60.0, 5
_WITHIN = 180.0

NETWORK = (
    ("ip", "link", "set", "lo", "up"),
    # Not every kernel has dummy devices; a pair that leads nowhere does the same.
    ("ip", "link", "add", "node0", "type", "veth", "peer", "name", "node1"),
    ("ip", "link", "set", "node0", "up"),
    ("ip", "link", "set", "node1", "up"),
    ("ip", "address", "add", f"{ADDRESS}/{ADDRESS_WIDTH}", "dev", "node0"),
    # There is no way out. Addresses of services only need to look routable until they are translated.
    ("ip", "route", "add", SERVICES, "dev", "node0"),
)


class GaveUpError(Exception):
    """The node cannot go on; the text says why."""


class Supervisor:
    """Starts programs, collects dead children, and starts again what ended, some times a minute at most."""

    def __init__(self, logs: Path, tell: Callable[[str, str], None]) -> None:
        self._logs, self._tell = logs, tell
        self._commands: dict[str, list[str]] = {}
        self._running: dict[int, str] = {}
        self._ended: dict[str, list[float]] = {}
        self._codes: dict[int, int] = {}

    def start(self, name: str, command: list[str]) -> None:
        """Starts a program that is kept running; its output goes to a log of its name."""
        self._commands[name] = command
        self._running[self._spawn(name, command)] = name

    def run(self, name: str, command: list[str]) -> None:
        """Runs a command to its end; GaveUpError when it fails."""
        pid = self._spawn(name, command)
        self.until(f"{name} has not ended", lambda: pid in self._codes)
        if self._codes.pop(pid):
            lines = (self._logs / f"{name}.log").read_text(errors="replace").strip().splitlines()
            raise GaveUpError(f"`{' '.join(command)}` failed: {' | '.join(lines[-2:])}")

    def until(self, what: str, true: Callable[[], bool]) -> None:
        """Waits until something holds, keeping the programs up meanwhile; GaveUpError says `what` when it takes too long."""
        ends = time.monotonic() + _WITHIN
        while not true():
            if time.monotonic() > ends:
                raise GaveUpError(f"{what} after {_WITHIN:.0f} s")
            self._collect(os.WNOHANG)
            time.sleep(0.03)

    def forever(self) -> None:
        """Keeps the programs up; GaveUpError when one ends too often."""
        while True:
            self._collect(0)

    def _collect(self, how: int) -> None:
        try:
            pid, status = os.waitpid(-1, how)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        name = self._running.pop(pid, "")
        if not name:
            self._codes[pid] = code
            return
        now = time.monotonic()
        times = self._ended[name] = [each for each in self._ended.get(name, []) if now - each < _WINDOW] + [now]
        how_it_ended = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
        if len(times) > _TIMES:
            raise GaveUpError(f"{name} {how_it_ended}, the {len(times)}th time within a minute")
        self._tell("again", f"{name} {how_it_ended}; starting it again")
        time.sleep(_AGAIN_AFTER)
        self.start(name, self._commands[name])

    def _spawn(self, name: str, command: list[str]) -> int:
        program = shutil.which(command[0], path=PATH)
        if program is None:
            raise GaveUpError(f"no `{command[0]}` on this machine")
        log = str(self._logs / f"{name}.log")
        output = (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        files = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), output, (os.POSIX_SPAWN_DUP2, 1, 2)]
        # The machine's /tmp is read-only here; /var/lib is the node's own.
        env = {"PATH": PATH, "HOME": "/", "TMPDIR": "/var/lib"}
        return os.posix_spawn(program, command, env, file_actions=files, setpgroup=0)


def main(arguments: list[str]) -> int:
    """Brings the node up and keeps it up until nobody owns it any more."""
    plan = json.loads(Path(arguments[0]).read_text())
    threading.Thread(target=_end_with_input, daemon=True).start()
    try:
        _namespaces(plan)
        tell("namespaces", "mount, network and process namespaces are there")
        supervisor = Supervisor(Path(plan["logs"]), tell)
        _bring_up(plan, supervisor)
        supervisor.forever()
    except GaveUpError as why:
        tell("failed", str(why))
    except subprocess.CalledProcessError as failed:
        tell("failed", f"`{' '.join(failed.cmd)}`: {(failed.stderr or '').strip()}")
    except OSError as error:
        tell("failed", str(error))
    return 1


def tell(stage: str, text: str) -> None:
    """One line for the owner."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(json.dumps([stage, text]) + "\n")
        sys.stdout.flush()


def _end_with_input() -> None:
    while os.read(0, 1024):
        pass
    os._exit(0)


def _namespaces(plan: Mapping[str, Any]) -> None:
    mounts.protect(Path(plan["data"]).parent)
    mounts.share()
    mounts.make(mounts.Mount(**mount) for mount in plan["mounts"])
    if plan["unified"]:
        cgroups.hand_on(Path("/sys/fs/cgroup"))
    subprocess.run(["hostname", NAME], check=True, capture_output=True, text=True)
    for command in NETWORK:
        subprocess.run(command, check=True, capture_output=True, text=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    # Else what pods of one node say to each other would pass by the policies.
    bridged = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    if bridged.exists():
        bridged.write_text("1")


def _bring_up(plan: Mapping[str, Any], supervisor: Supervisor) -> None:
    for name, command in plan["first"]:
        supervisor.start(name, command)
    supervisor.until("containerd does not answer", _runtime_answers)
    tell("runtime", "containerd answers")
    for archive in plan["archives"]:
        supervisor.run("import", import_command(archive))
    supervisor.until("the API server is not ready", lambda: _api_ready(Path(plan["data"])))
    tell("serving", "the API server is ready")
    for name, command in plan["second"]:
        supervisor.start(name, command)
    tell("started", "kubelet, kube-proxy and the policies' enforcer are started")


def import_command(archive: str) -> list[str]:
    """The command that gives the runtime the images of an archive."""
    return ["ctr", "--address", SOCKET, "--namespace", "k8s.io", "images", "import", "--digests=false", archive]


def _runtime_answers() -> bool:
    command = ["ctr", "--address", SOCKET, "--connect-timeout", "1s", "version"]
    return Path(SOCKET).is_socket() and subprocess.run(command, capture_output=True, check=False).returncode == 0


def _api_ready(data: Path) -> bool:
    context = ssl.create_default_context(cafile=str(data / "ca.crt"))
    context.load_cert_chain(data / "kube-apiserver-kubelet.crt", data / "kube-apiserver-kubelet.key")
    connection = http.client.HTTPSConnection("127.0.0.1", API_PORT, timeout=2, context=context)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
