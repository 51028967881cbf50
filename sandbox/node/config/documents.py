"""The configuration files of the node's programs, as values: what each is told, and why where it is not what one expects."""

from __future__ import annotations

import json
from typing import Any

from sandbox.node.layout import (
    ADDRESS,
    CNI_PROGRAMS,
    DNS_SERVICE,
    DOMAIN,
    NAME,
    PAUSE_IMAGE,
    PODS,
    SOCKET,
    Layout,
)


def kubelet(layout: Layout) -> dict[str, Any]:
    """The kubelet's configuration."""
    data = layout.data
    # One disk is shared with everything else on the machine: only when it is nearly full do pods have to go.
    full = {f"{place}.{what}": "1%" for place in ("nodefs", "imagefs") for what in ("available", "inodesFree")}
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": ADDRESS,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(data / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{SOCKET}",
        "evictionHard": {"memory.available": "200Mi", **full},
        # From 1.35 on it would refuse a machine whose control groups are of version 1.
        "failCgroupV1": False,
        "failSwapOn": False,
        "healthzPort": 0,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # Images are imported, not pulled: nobody could prove who pulled them.
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        "nodeStatusUpdateFrequency": "5s",
        "podLogsDir": "/var/log/pods",
        # Then it reads the kernel's settings, and never writes them.
        "protectKernelDefaults": True,
        "readOnlyPort": 0,
        "resolvConf": str(data / "resolv.conf"),
        "serializeImagePulls": False,
        "syncFrequency": "10s",
        "tlsCertFile": str(data / "kubelet.crt"),
        "tlsPrivateKeyFile": str(data / "kubelet.key"),
        "volumePluginDir": str(data / "kubelet-plugins"),
    }


def proxy(layout: Layout) -> dict[str, Any]:
    """kube-proxy's configuration; it leaves the machine's connection tracking as it is."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(layout.data / "kube-proxy.kubeconfig")},
        "clusterCIDR": PODS,
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpCloseWaitTimeout": "0s", "tcpEstablishedTimeout": "0s"},
        "healthzBindAddress": "127.0.0.1:10256",
        "hostnameOverride": NAME,
        "metricsBindAddress": "127.0.0.1:10249",
        "mode": "nftables",
        "nftables": {"minSyncPeriod": "100ms"},
    }


def network() -> dict[str, Any]:
    """How a pod comes into the network: a bridge that is the node's own."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isDefaultGateway": True,
        "hairpinMode": True,
        "forceAddress": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]]},
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "node", "plugins": [bridge, ports]}


def containerd(layout: Layout) -> str:
    """The container runtime's configuration."""
    data = layout.data
    # Snapshotters and volumes that this node does not use, and whose start-up only fails or warns.
    unused = ("internal.v1.opt", *(f"snapshotter.v1.{name}" for name in ("aufs", "btrfs", "devmapper", "zfs")))
    cri = 'plugins."io.containerd.grpc.v1.cri"'
    sections: dict[str, dict[str, object]] = {
        "": {
            "version": 2,
            "root": str(data / "containerd"),
            "state": "/run/containerd",
            "disabled_plugins": [f"io.containerd.{each}" for each in unused],
        },
        "grpc": {"address": SOCKET},
        # The machine's own limits stand: raising a score may not be allowed here.
        cri: {"sandbox_image": PAUSE_IMAGE, "restrict_oom_score_adj": True},
        f"{cri}.cni": {"bin_dir": CNI_PROGRAMS, "conf_dir": str(data / "cni")},
        f"{cri}.containerd": {"snapshotter": "overlayfs", "default_runtime_name": "runc"},
        f"{cri}.containerd.runtimes.runc": {"runtime_type": "io.containerd.runc.v2"},
        f"{cri}.containerd.runtimes.runc.options": {"SystemdCgroup": False},
        f"{cri}.registry": {"config_path": str(data / "registries")},
    }
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]"] if name else []
        # TOML writes these values as JSON does.
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
