"""The real Karpenter with its KWOK cloud provider, and KWOK for nodes and pods that run nothing, on a control plane of one's own.

What they may buy and how nodes and pods behave are files of the caller. Karpenter reads its file once, so another file takes
another start. Its metrics and health ports are free ones, and they listen on every address: it has no flag for that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import requests

from sandbox.environment import of_this_process
from sandbox.kubernetes.real import crds
from sandbox.kubernetes.real.controlplane import ControlPlane, free_port, program, wait
from sandbox.programs import tools

Say = Callable[[str], None]
Steps = Callable[[], int]
SYSTEM = "kube-system"
STEPS_OF_A_TRY = 2
_STEPS, _OF_PODS = "karpenter_scheduler_scheduling_duration_seconds_count", 'controller="provisioner"'
CRDS = ("karpenter-kwok", "karpenter-kwok-nodeclass")
"""What `versions.CRD_MODULES` calls Karpenter's kinds and those of its KWOK provider."""


@contextlib.contextmanager
def nodes(root: Path, plane: ControlPlane, stages: str, *, say: Say = lambda _: None) -> Iterator[None]:
    """KWOK over every node for the block, playing the given stages (its configuration as YAML)."""
    binary = tools.ensure(root, ["kwok"], say)["kwok"]
    config = plane.folder / "kwok.yaml"
    config.write_text(stages, encoding="utf-8")
    flags = {
        "kubeconfig": plane.kubeconfig,
        "config": config,
        "manage-all-nodes": "true",
        "node-lease-duration-seconds": 40,
    }
    with program(plane.folder, binary, flags, env=_env(plane)):
        yield


@contextlib.contextmanager
def karpenter(root: Path, plane: ControlPlane, instance_types: str, *, say: Say = lambda _: None) -> Iterator[Steps]:
    """Karpenter for the block, buying from the given instance types (its file as JSON); its CRDs have to be there.

    Gives a function that says how many steps Karpenter has done so far: STEPS_OF_A_TRY each time it looks at pending pods.

    Reserved capacity is a plain capacity type to it: the KWOK provider names no label for a reservation, so Karpenter
    could not count one. The limits of a reserved NodePool bound it all the same.
    """
    binary = tools.ensure(root, ["karpenter-kwok"], say)["karpenter-kwok"]
    file = plane.folder / "instance-types.json"
    file.write_text(instance_types, encoding="utf-8")
    port, metrics = free_port(), free_port()
    flags = {
        "instance-types-file-path": file,
        "disable-leader-election": "true",
        "metrics-port": metrics,
        "health-probe-port": port,
        "feature-gates": "ReservedCapacity=false",
    }
    with program(plane.folder, binary, flags, env=_env(plane)):
        wait(plane.folder, binary.name, lambda: _healthy(port))
        yield lambda: steps_in(_metrics(metrics))


def _healthy(port: int) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).ok
    return False


def steps_in(page: str) -> int:
    """The steps that Karpenter's metrics count: one when its simulation of a try ends, one when the try does."""
    lines = (line for line in page.splitlines() if line.startswith(f"{_STEPS}{{") and _OF_PODS in line)
    return sum(int(float(line.rpartition(" ")[2])) for line in lines)


def _metrics(port: int) -> str:
    """The page of Karpenter's metrics; empty when it does not answer just now."""
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    return ""


def install(plane: ControlPlane) -> None:
    """Karpenter's CRDs and those of its KWOK provider, read from the pinned module."""
    plane.apply(each for name in CRDS for each in crds.of_chart(name))


def _env(plane: ControlPlane) -> Mapping[str, str]:
    return {
        **of_this_process(),
        "KUBECONFIG": str(plane.kubeconfig),
        "SYSTEM_NAMESPACE": SYSTEM,
        "KWOK_WORKDIR": str(plane.folder),
    }
