"""NVIDIA's DCGM exporter: on GPU nodes and nowhere else, with a list of metrics that has what its default leaves out."""

from __future__ import annotations

from typing import Any

from components.nodes.gpu_engine import GpuEngine, exporter_environment
from components.nodes.nodepools import GPU_TAINT, POOL_LABEL
from components.resources import small
from core.versions import CHARTS

CHART = "dcgm-exporter"

METRICS: tuple[tuple[str, str, str], ...] = (
    ("DCGM_FI_DRIVER_VERSION", "label", "Driver version"),
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", "SM clock (MHz)"),
    ("DCGM_FI_DEV_MEM_CLOCK", "gauge", "Memory clock (MHz)"),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", "GPU temperature (C)"),
    ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", "Memory temperature (C)"),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", "Power (W)"),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", "Energy since boot (mJ)"),
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", "Utilisation (percent)"),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", "Memory utilisation (percent)"),
    ("DCGM_FI_DEV_FB_USED", "gauge", "Memory used (MiB)"),
    ("DCGM_FI_DEV_FB_FREE", "gauge", "Memory free (MiB)"),
    ("DCGM_FI_DEV_FB_RESERVED", "gauge", "Memory reserved (MiB)"),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", "PCIe retries"),
    ("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "counter", "NVLink traffic, all lanes"),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", "Last XID"),
    ("DCGM_EXP_XID_ERRORS_COUNT", "gauge", "XIDs in the last 5 minutes"),
    ("DCGM_FI_DEV_POWER_VIOLATION", "counter", "Slowed by the power limit (ns)"),
    ("DCGM_FI_DEV_THERMAL_VIOLATION", "counter", "Slowed by heat (ns)"),
    ("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "counter", "Corrected memory errors since the driver was loaded"),
    ("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "counter", "Uncorrectable memory errors since the driver was loaded"),
    ("DCGM_FI_DEV_ECC_SBE_AGG_TOTAL", "counter", "Corrected memory errors ever"),
    ("DCGM_FI_DEV_ECC_DBE_AGG_TOTAL", "counter", "Uncorrectable memory errors ever"),
    ("DCGM_FI_DEV_RETIRED_PENDING", "counter", "Memory pages that go at the next reset"),
    ("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "counter", "Memory rows replaced after uncorrectable errors"),
    ("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "counter", "Memory rows replaced after correctable errors"),
    ("DCGM_FI_DEV_ROW_REMAP_FAILURE", "gauge", "Whether a memory row could not be replaced"),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", "Share of time in which the GPU did something"),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", "Share of cycles in which tensor cores worked"),
    ("DCGM_FI_PROF_DRAM_ACTIVE", "gauge", "Share of cycles in which memory was read or written"),
    ("DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", "PCIe sent (bytes a second)"),
    ("DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", "PCIe received (bytes a second)"),
)
"""What is exported: a field, its Prometheus type (`label`: it labels the others), what it says.

The XID gauge keeps its last value for ever, so faults are alerted on by the count; ECC, thermal and power counters are not
in the exporter's default list.
"""


def exporter_values(engine: GpuEngine) -> dict[str, Any]:
    """The chart's values; `engine` is whose DCGM runs on GPU nodes."""
    chart = CHARTS[CHART]
    return {
        # The chart joins repository and tag with a colon, so a digest stands behind the tag.
        "image": {"tag": f"{chart.image_tag}@{chart.image_digest}"},
        "customMetrics": "".join(f"{name}, {kind}, {what}\n" for name, kind, what in METRICS),
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "tolerations": [{"key": GPU_TAINT, "operator": "Exists", "effect": "NoSchedule"}],
        "priorityClassName": "system-node-critical",
        "extraEnv": exporter_environment(engine),
        "service": {"enable": True},
        # The chart's own monitor cannot say which pool a node belongs to; the one below can.
        "serviceMonitor": {"enabled": False},
        "resources": small("50m", "192Mi", "512Mi"),
    }


def exporter_monitor() -> dict[str, Any]:
    """The ServiceMonitor: each GPU's series say on which node and in which pool it is.

    `honorLabels` stays off: the pod that holds a GPU is `exported_pod`, since otherwise a GPU that nobody holds would pass
    for one that the exporter itself holds.
    """
    pool = POOL_LABEL.replace(".", "_").replace("/", "_")
    return {
        "selector": {"matchLabels": {"app.kubernetes.io/name": CHART}},
        "attachMetadata": {"node": True},
        "endpoints": [
            {
                "port": "metrics",
                "interval": "30s",
                "relabelings": [
                    {"sourceLabels": ["__meta_kubernetes_pod_node_name"], "targetLabel": "node"},
                    {"sourceLabels": [f"__meta_kubernetes_node_label_{pool}"], "targetLabel": "pool"},
                ],
            }
        ],
    }


def karpenter_monitor() -> dict[str, Any]:
    """The ServiceMonitor of Karpenter, in whichever namespace it runs; its own labels win over the target's."""
    return {
        "namespaceSelector": {"any": True},
        "selector": {"matchLabels": {"app.kubernetes.io/name": "karpenter"}},
        "endpoints": [{"port": "http-metrics", "interval": "30s", "honorLabels": True}],
    }
