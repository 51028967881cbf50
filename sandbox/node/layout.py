"""Where everything of a node is: its addresses, which only its own network namespace knows, and its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

NAME = "node-1"
ADDRESS, ADDRESS_WIDTH = "10.99.0.1", 24
API_PORT = 6443
PODS = "10.244.0.0/24"
SERVICES = "10.250.0.0/16"
API_SERVICE = "10.250.0.1"
DNS_SERVICE = "10.250.0.10"
DOMAIN = "cluster.local"
SOCKET = "/run/containerd/containerd.sock"
KUBELET = "/var/lib/kubelet"
"""The kubelet's folder as the node sees it. Sockets stand below it, and a socket's path may have no more than 107 bytes."""
CNI_PROGRAMS = "/usr/lib/cni"
PAUSE_IMAGE = "modelyard.local/pause:1"
"""What every pod's first container is; the runtime refuses to start one without it."""


@dataclass(frozen=True)
class Layout:
    """The folder of one cluster. All below `data` is gone when the cluster ends; logs stay until it starts again."""

    folder: Path

    @property
    def data(self) -> Path:
        """Keys, configuration, etcd, images and volumes."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """One log for each program, and the pods' own below it."""
        return self.folder / "logs"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, as the machine reaches the cluster."""
        return self.folder / "kubeconfig"

    @property
    def owner_log(self) -> Path:
        """What a detached owner says."""
        return self.folder / "owner.log"

    @property
    def refused(self) -> Path:
        """The problems of a detached owner that has refused, as JSON: whoever started it says them."""
        return self.folder / "refused.json"

    @property
    def control(self) -> Path:
        """The owner's socket: it answers questions and ends the cluster."""
        return self.folder / "control"

    @property
    def plan(self) -> Path:
        """What the first process of the namespaces is to do, as JSON."""
        return self.data / "plan.json"

    @property
    def volumes(self) -> Path:
        """A folder for each volume of a pod."""
        return self.data / "volumes"
