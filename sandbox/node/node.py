"""A cluster of one node for as long as somebody owns it: brought up, published on 127.0.0.1, and gone with its owner."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

import yaml

from core.problem import ExitCode, Problem, Refused
from sandbox import lock
from sandbox.environment import of_this_process
from sandbox.faults import CloudError
from sandbox.images import catalogue
from sandbox.kubernetes.real.api import Api
from sandbox.kubernetes.real.controlplane import install
from sandbox.node import prerequisites as needs
from sandbox.node.config import documents, keys, objects, programs
from sandbox.node.discard import discard
from sandbox.node.isolation import cgroups, mounts
from sandbox.node.isolation.cgroups import Group
from sandbox.node.isolation.inside import import_command
from sandbox.node.isolation.keeper import groups_of
from sandbox.node.layout import ADDRESS, API_PORT, NAME, Layout
from sandbox.node.publish import Publisher
from sandbox.node.volumes import Volumes
from sandbox.programs import tools

Say = Callable[[str], None]
IMAGES = ("pause", "coredns")
"""What no node is without."""

CONTEXT = "modelyard"
_RUNS = itertools.count(1)
_READY_WITHIN = 180.0
_ENDS_WITHIN = 30.0


@dataclass(kw_only=True)
class Node:
    """A running cluster. `pid` is the machine's number of the first process of its namespaces."""

    layout: Layout
    pid: int
    port: int
    api: Api
    keeper: subprocess.Popen[str] = field(repr=False)
    publisher: Publisher = field(repr=False)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig; its current context is the cluster."""
        return self.layout.kubeconfig

    @property
    def running(self) -> bool:
        """Whether the node is still there."""
        return self.keeper.poll() is None

    def load(self, archive: Path) -> None:
        """Gives the node the images of an OCI archive. Raises `Refused` (`FAILED`) with the runtime's words."""
        # The archive is read outside and piped in: not every path of the machine is the same inside.
        with archive.open("rb") as source:
            done = self.run(import_command("-"), stdin=source)
        if done.returncode:
            said = " | ".join(done.stderr.strip().splitlines()[-2:])
            raise Refused(Problem(summary="the node refused the image", file=str(archive), found=said), ExitCode.FAILED)

    def run(self, command: Sequence[str], stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
        """Runs a command inside the node's namespaces to its end."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--uts", "--ipc", "--", *command]
        return subprocess.run(
            enter, env=of_this_process(), stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    def publish(self, namespace: str, service: str, target: int, *, port: int = 0) -> int:
        """Makes a port of 127.0.0.1 lead to a port of a Service, and gives it; without `port` a free one."""
        found = self.api.get(
            {"apiVersion": "v1", "kind": "Service", "metadata": {"namespace": namespace, "name": service}}
        )
        if found is None or not str(found["spec"].get("clusterIP"))[:1].isdigit():
            raise Refused(
                Problem(
                    summary="no such Service with an address",
                    found=f"{namespace}/{service}",
                    fix="kubectl get services -A",
                )
            )
        try:
            return self.publisher.publish(found["spec"]["clusterIP"], target, port=port)
        except OSError as error:
            problem = Problem(
                summary="the port is not free",
                found=f"{port}: {error.strerror}",
                fix="name another port, or leave it out",
            )
            raise Refused(problem, ExitCode.UNAVAILABLE) from None


@contextlib.contextmanager
def started(
    root: Path, folder: Path, *, say: Say = lambda _: None, context: str = CONTEXT, port: int = 0
) -> Iterator[Node]:
    """A cluster for the block, its files in `folder`; programs and images are made the first time.

    `port` is that of the API on 127.0.0.1, `context` what the kubeconfig calls the cluster. Raises `Refused`
    (`UNAVAILABLE`): what the machine lacks, who has the folder, or the end of the log of what did not come up.
    """
    needs.check(folder)
    layout = Layout(folder.resolve())
    layout.folder.mkdir(parents=True, exist_ok=True)
    layout.folder.chmod(0o700)
    # Programs may take minutes to build, and the folder is this owner's all the while.
    with lock.take(layout.folder / "lock", "cluster") as held, contextlib.ExitStack() as ending:
        files = {name: str(path) for name, path in tools.ensure(root, programs.BUILT, say).items()}
        images = catalogue.ensure(root, IMAGES, say)
        began = time.monotonic()
        for left in cgroups.sweep():
            say(f"node: swept {left}, left by an earlier run")
        ending.callback(_forget, layout)
        authority = _write(layout, files, [image.archive for image in images])
        groups = groups_of(json.loads(layout.plan.read_text()))
        keeper = _keep(layout, held)
        told = _listen(keeper, say)
        ending.callback(_end, keeper, groups)
        _await(told, "namespaces", layout)
        try:
            pid = _first_process(keeper.pid)
            publisher = Publisher(pid)
            ending.callback(publisher.close)
            number = publisher.publish(ADDRESS, API_PORT, port=port)
        except OSError as error:  # it has just ended, or somebody listens on the port
            raise _absent(str(error), layout) from None
        say(f"node: the API will answer at https://127.0.0.1:{number}")
        own = authority.kubeconfig(f"https://127.0.0.1:{number}", context, "modelyard-admin", "system:masters")
        keys.write(layout.kubeconfig, own)
        _await(told, "serving", layout)
        node = Node(layout=layout, pid=pid, port=number, api=Api(layout.kubeconfig), keeper=keeper, publisher=publisher)
        _await(told, "started", layout)
        dns = objects.objects(images[IMAGES.index("coredns")].recipe.image.name)
        # The server's own priority classes and namespaces come a moment after it is ready.
        _until(node, told, "what every cluster has cannot be applied", lambda api: bool(install(api, dns)))
        _until(node, told, "the node is not Ready", _node_ready)
        say(f"node: {NAME} is Ready ({time.monotonic() - began:.1f} s)")
        volumes = Volumes(node.api, layout.volumes, say)
        ending.callback(volumes.close)
        _until(node, told, "the DNS does not answer", _dns_ready)
        say(f"node: DNS answers ({time.monotonic() - began:.1f} s)")
        yield node


def _write(layout: Layout, files: dict[str, str], archives: list[Path]) -> keys.Authority:
    """Empties the folder and writes keys, configuration and plan into it."""
    discard(layout.data)
    shutil.rmtree(layout.logs, ignore_errors=True)
    for path in (layout.data, layout.logs):
        path.mkdir(mode=0o700)
    data, authority = layout.data, keys.Authority("modelyard node")
    keys.write(data / "ca.crt", authority.certificate)
    keys.write(data / "accounts.key", keys.accounts_key())
    for name, (certificate, key) in {
        "kube-apiserver": authority.issue("kube-apiserver", names=programs.server_names()),
        "kube-apiserver-kubelet": authority.issue("kube-apiserver-kubelet-client", groups=["system:masters"]),
        "kubelet": authority.issue(f"system:node:{NAME}", groups=["system:nodes"], names=[NAME, ADDRESS]),
    }.items():
        keys.write(data / f"{name}.crt", certificate)
        keys.write(data / f"{name}.key", key)
    for user, member_of in programs.USERS.items():
        config = authority.kubeconfig(f"https://{ADDRESS}:{API_PORT}", "node", user, *member_of)
        keys.write(programs.kubeconfig_of(layout, user), config)
    (data / "kubelet.yaml").write_text(yaml.safe_dump(documents.kubelet(layout)))
    (data / "kube-proxy.yaml").write_text(yaml.safe_dump(documents.proxy(layout)))
    (data / "containerd.toml").write_text(documents.containerd(layout))
    (data / "resolv.conf").write_text("")
    for name in ("cni", "kubelet"):
        (data / name).mkdir()
    (data / "cni" / "10-node.conflist").write_text(json.dumps(documents.network()))
    groups = cgroups.here(_run_name())
    plan = {
        "groups": [{**asdict(group.hierarchy), "folder": group.folder} for group in groups],
        "unified": [group.hierarchy.names for group in groups] == [""],
        "mounts": [asdict(mount) for mount in mounts.plan(layout, groups)],
        "first": [(program.name, program.command) for program in programs.first(layout, files)],
        "second": [(program.name, program.command) for program in programs.second(layout, files)],
        "archives": archives,
        "logs": layout.logs,
        "data": data,
        "kubeconfig": layout.kubeconfig,
    }
    layout.plan.write_text(json.dumps(plan, default=str, indent=1))
    return authority


def _run_name() -> str:
    """Tells this run apart from others of this process, and from those of processes that had its number before."""
    return f"{cgroups.token(os.getpid())}-{next(_RUNS)}"


def _keep(layout: Layout, held: IO[str]) -> subprocess.Popen[str]:
    with (layout.logs / "node.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "sandbox.node.isolation.keeper", str(layout.plan)],
            env=of_this_process(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
            start_new_session=True,
            pass_fds=[held.fileno()],
        )


def _listen(keeper: subprocess.Popen[str], say: Say) -> queue.Queue[str]:
    """Hears what the node tells: each stage is put into the queue, then nothing more once it has ended."""
    told: queue.Queue[str] = queue.Queue()

    def listen() -> None:
        assert keeper.stdout is not None  # noqa: S101
        for line in keeper.stdout:
            with contextlib.suppress(ValueError):
                stage, text = json.loads(line)
                say(f"node: {text}")
                told.put(stage if stage != "failed" else f"failed {text}")
        told.put("ended")

    threading.Thread(target=listen, name="node", daemon=True).start()
    return told


def _await(told: queue.Queue[str], stage: str, layout: Layout) -> None:
    found, ends = "", time.monotonic() + _READY_WITHIN
    while found != stage:
        try:
            found = told.get(timeout=max(0.0, ends - time.monotonic()))
        except queue.Empty:
            raise _absent(f"it is not {stage} after {_READY_WITHIN:.0f} s", layout) from None
        _heard(found, layout)


def _heard(found: str, layout: Layout) -> None:
    """Raises what the node says of its end."""
    if found == "ended" or found.startswith("failed"):
        log = (layout.logs / "node.log").read_text(errors="replace").strip().splitlines()
        words = found.removeprefix("failed ") if found != "ended" else " | ".join(log[-2:])
        raise _absent(words or "it ended and said nothing", layout)


def _absent(found: str, layout: Layout) -> Refused:
    problem = Problem(summary="the node did not come up", found=found, fix=f"read the logs in {layout.logs}")
    return Refused(problem, ExitCode.UNAVAILABLE)


def _first_process(keeper: int) -> int:
    """The machine's number of the process that is the first of a process namespace, below the keeper."""
    waiting = [keeper]
    while waiting:
        pid = waiting.pop()
        status = Path(f"/proc/{pid}/status").read_text()
        if pid != keeper and next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1] == "1":
            return pid
        waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    raise Refused(Problem(summary="the node has ended as soon as it was there"), ExitCode.UNAVAILABLE)


def _until(node: Node, told: queue.Queue[str], what: str, true: Callable[[Api], bool]) -> None:
    """Waits until something holds, for as long as the node lives; what the server last said against it is told."""
    ends, said = time.monotonic() + _READY_WITHIN, ""
    while True:
        try:
            if true(node.api):
                return
        except CloudError as error:
            said = f": {error}"
        if time.monotonic() > ends:
            raise _absent(f"{what} after {_READY_WITHIN:.0f} s{said}", node.layout)
        with contextlib.suppress(queue.Empty):
            _heard(told.get(timeout=0.1), node.layout)


def _node_ready(api: Api) -> bool:
    found = api.get({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NAME}}) or {}
    return condition(found, "Ready")


def _dns_ready(api: Api) -> bool:
    return condition(api.get(objects.DNS) or {}, "Available")


def condition(found: dict[str, Any], kind: str) -> bool:
    """Whether an object says of itself that a condition is met."""
    conditions = found.get("status", {}).get("conditions") or ()
    return any(each["type"] == kind and each["status"] == "True" for each in conditions)


def _end(keeper: subprocess.Popen[str], groups: Sequence[Group]) -> None:
    """Ends the node: its input ends, and the kernel ends the rest. Control groups are left here only by a killed keeper."""
    assert keeper.stdin is not None  # noqa: S101
    keeper.stdin.close()
    try:
        keeper.wait(_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
    cgroups.remove(group.folder for group in groups)


def _forget(layout: Layout) -> None:
    discard(layout.data)
    layout.kubeconfig.unlink(missing_ok=True)
