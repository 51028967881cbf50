"""The programs of the node and what each is told: the control plane first, then what makes it a node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.node.layout import ADDRESS, API_PORT, API_SERVICE, KUBELET, NAME, SERVICES, Layout

BUILT = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kube-router")
"""What is built from Go modules (sandbox/programs/tools.py); the container runtime is the machine's."""

USERS: Mapping[str, tuple[str, ...]] = {
    "system:kube-controller-manager": (),
    "system:kube-scheduler": (),
    "system:kube-proxy": (),
    "system:kube-router": (),
    f"system:node:{NAME}": ("system:nodes",),
}
"""Who signs in from inside the node, with the groups of each. All but kube-router have roles that the server brings."""

_STORE = "http://127.0.0.1:2379"


@dataclass(frozen=True)
class Program:
    """One program: started once what stands before it answers, and again whenever it ends."""

    name: str
    command: tuple[str, ...]


def server_names() -> list[str]:
    """The names and addresses under which the API server is called."""
    services = [f"kubernetes{tail}" for tail in ("", ".default", ".default.svc")]
    return ["localhost", *services, "127.0.0.1", ADDRESS, API_SERVICE]


def kubeconfig_of(layout: Layout, user: str) -> Path:
    """The kubeconfig of one of USERS."""
    return layout.data / f"{user.split(':')[1]}.kubeconfig"


def first(layout: Layout, files: Mapping[str, str]) -> list[Program]:
    """What everything else needs: the store, the API server and the runtime. `files` says where what was built is."""
    data = layout.data
    etcd = {
        "data-dir": data / "etcd",
        "listen-client-urls": _STORE,
        "advertise-client-urls": _STORE,
        "listen-peer-urls": "http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    server = {
        "etcd-servers": _STORE,
        "bind-address": "0.0.0.0",  # noqa: S104 - every address of a network namespace that leads nowhere
        "advertise-address": ADDRESS,
        "secure-port": API_PORT,
        "tls-cert-file": data / "kube-apiserver.crt",
        "tls-private-key-file": data / "kube-apiserver.key",
        "client-ca-file": data / "ca.crt",
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "service-cluster-ip-range": SERVICES,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": data / "accounts.key",
        "service-account-signing-key-file": data / "accounts.key",
        "kubelet-client-certificate": data / "kube-apiserver-kubelet.crt",
        "kubelet-client-key": data / "kube-apiserver-kubelet.key",
        "kubelet-certificate-authority": data / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "profiling": "false",
    }
    return [
        _program(files, "etcd", etcd),
        _program(files, "kube-apiserver", server),
        _program(files, "containerd", {"config": data / "containerd.toml"}),
    ]


def second(layout: Layout, files: Mapping[str, str]) -> list[Program]:
    """What is started once the API server and the runtime answer."""
    data = layout.data
    alone = {"leader-elect": "false", "secure-port": 0}
    controllers = {
        "kubeconfig": kubeconfig_of(layout, "system:kube-controller-manager"),
        **alone,
        "use-service-account-credentials": "true",
        "service-account-private-key-file": data / "accounts.key",
        "root-ca-file": data / "ca.crt",
        "node-monitor-period": "2s",
        "node-monitor-grace-period": "20s",
    }
    kubelet = {
        "config": data / "kubelet.yaml",
        "kubeconfig": kubeconfig_of(layout, f"system:node:{NAME}"),
        "root-dir": KUBELET,
        "cert-dir": data / "kubelet-certificates",
        "hostname-override": NAME,
        "node-ip": ADDRESS,
    }
    policies = {
        "kubeconfig": kubeconfig_of(layout, "system:kube-router"),
        "hostname-override": NAME,
        "run-firewall": "true",
        "run-router": "false",
        "run-service-proxy": "false",
        "run-loadbalancer": "false",
        "service-cluster-ip-range": SERVICES,
        "health-port": 0,
        "metrics-port": 0,
    }
    return [
        _program(files, "kube-controller-manager", controllers),
        _program(files, "kube-scheduler", {"kubeconfig": kubeconfig_of(layout, "system:kube-scheduler"), **alone}),
        _program(files, "kubelet", kubelet),
        _program(files, "kube-proxy", {"config": data / "kube-proxy.yaml"}),
        _program(files, "kube-router", policies),
    ]


def _program(files: Mapping[str, str], name: str, flags: Mapping[str, object]) -> Program:
    return Program(name, (files.get(name, name), *(f"--{key}={value}" for key, value in flags.items())))
