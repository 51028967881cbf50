"""GPU pools: what they have, what they do with it, what comes and goes, and what breaks."""

from __future__ import annotations

from components.dashboards.board import Board, Kind, Panel, Query, Row, Unit
from components.nodes.alerts.nodes import GPU_PENDING
from components.nodes.alerts.pools import GPU_FULLNESS, GPU_LIMIT, GPU_USAGE

_POOL = 'pool=~"$pool"'
_BOUND = "karpenter_pods_provisioning_bound_duration_seconds_bucket"


def _by_pool(operator: str, metric: str) -> str:
    return f"{operator} by (pool) ({metric}{{{_POOL}}})"


BOARD = Board(
    uid="modelyard-gpu-pools",
    title="GPU pools",
    about="Use, memory, power, cost of idleness, interruptions and faults of every GPU pool.",
    by_pool=True,
    rows=(
        Row(
            title="Now",
            panels=(
                Panel(
                    title="GPUs running",
                    about="GPUs that the exporter sees.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    queries=(Query(expr=f"count(DCGM_FI_DEV_GPU_TEMP{{{_POOL}}}) or vector(0)"),),
                ),
                Panel(
                    title="Share of the limit",
                    about="How full the fullest pool is, in GPUs or in nodes, whichever binds it; at 100 % the next pod waits.",
                    unit=Unit.RATIO,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(Query(expr=f"max({GPU_FULLNESS}{{{_POOL}}})"),),
                ),
                Panel(
                    title="Idle GPUs",
                    about="GPUs without a single percent of use in the last hour.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(
                        Query(expr=f"count(max_over_time(DCGM_FI_DEV_GPU_UTIL{{{_POOL}}}[1h]) == 0) or vector(0)"),
                    ),
                ),
                Panel(
                    title="Pods that wait for GPUs",
                    about="Pods of all namespaces that ask for GPUs and have no node.",
                    unit=Unit.COUNT,
                    kind=Kind.NUMBER,
                    warn=1,
                    queries=(Query(expr=f"sum({GPU_PENDING}) or vector(0)"),),
                ),
            ),
        ),
        Row(
            title="Use",
            panels=(
                Panel(
                    title="Utilisation",
                    about="Share of time in which at least one kernel ran; a busy GPU is not yet a well used one.",
                    unit=Unit.PERCENT,
                    queries=(Query(expr=_by_pool("avg", "DCGM_FI_DEV_GPU_UTIL"), legend="{{pool}}"),),
                ),
                Panel(
                    title="Tensor cores",
                    about="Share of cycles in which tensor cores worked. Low beside high utilisation: small batches.",
                    unit=Unit.RATIO,
                    queries=(Query(expr=_by_pool("avg", "DCGM_FI_PROF_PIPE_TENSOR_ACTIVE"), legend="{{pool}}"),),
                ),
                Panel(
                    title="Memory used",
                    about="GPU memory in use, all GPUs of the pool together.",
                    unit=Unit.BYTES,
                    queries=(Query(expr=f"{_by_pool('sum', 'DCGM_FI_DEV_FB_USED')} * 1048576", legend="{{pool}}"),),
                ),
            ),
        ),
        Row(
            title="Power and heat",
            panels=(
                Panel(
                    title="Power",
                    about="Power drawn by all GPUs of the pool.",
                    unit=Unit.WATTS,
                    queries=(Query(expr=_by_pool("sum", "DCGM_FI_DEV_POWER_USAGE"), legend="{{pool}}"),),
                ),
                Panel(
                    title="Hottest GPU",
                    about="The hottest GPU of the pool.",
                    unit=Unit.CELSIUS,
                    queries=(Query(expr=_by_pool("max", "DCGM_FI_DEV_GPU_TEMP"), legend="{{pool}}"),),
                ),
                Panel(
                    title="Slowed by heat or by its power limit",
                    about="Share of time in which the slowest GPU of the pool had its clock lowered.",
                    unit=Unit.RATIO,
                    warn=0.05,
                    queries=tuple(
                        Query(
                            expr=f"max by (pool) (rate(DCGM_FI_DEV_{what.upper()}_VIOLATION{{{_POOL}}}[10m])) / 1e9",
                            legend=f"{{{{pool}}}} {what}",
                        )
                        for what in ("thermal", "power")
                    ),
                ),
            ),
        ),
        Row(
            title="Coming and going",
            panels=(
                Panel(
                    title="GPUs, and how many there may be",
                    about="GPUs of the nodes that Karpenter made, beside the pool's limit. A pool that shares GPUs is counted in"
                    " slices, and limited by nodes: it has no line for its limit.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(expr=f"{GPU_USAGE}{{{_POOL}}}", legend="{{pool}}"),
                        Query(expr=f"{GPU_LIMIT}{{{_POOL}}}", legend="{{pool}} limit"),
                    ),
                ),
                Panel(
                    title="Nodes lost to spot interruptions",
                    about="Nodes that AWS took back, in each hour.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr="sum by (nodepool) "
                            '(increase(karpenter_nodeclaims_disrupted_total{reason="spot_interrupted"}[1h]))',
                            legend="{{nodepool}}",
                        ),
                    ),
                ),
                Panel(
                    title="Pods that wait, by namespace",
                    about="Pods that ask for GPUs and have no node.",
                    unit=Unit.COUNT,
                    queries=(Query(expr=GPU_PENDING, legend="{{namespace}}"),),
                ),
                Panel(
                    title="From waiting to bound",
                    about="How long pods that needed a new node waited for it, all pods of the cluster.",
                    unit=Unit.SECONDS,
                    queries=tuple(
                        Query(
                            expr=f"histogram_quantile({share}, sum by (le) (rate({_BOUND}[30m])))",
                            legend=f"{share:.0%}",
                        )
                        for share in (0.5, 0.95)
                    ),
                ),
            ),
        ),
        Row(
            title="Faults",
            panels=(
                Panel(
                    title="XIDs",
                    about="Errors that the driver reported in the last 5 minutes, by code.",
                    unit=Unit.COUNT,
                    warn=1,
                    queries=(
                        Query(
                            expr=f'sum by (pool, node, xid) (DCGM_EXP_XID_ERRORS_COUNT{{{_POOL},xid!=""}})',
                            legend="{{pool}} {{node}} XID {{xid}}",
                        ),
                    ),
                ),
                Panel(
                    title="Uncorrectable memory errors",
                    about="Errors of the last hour that ECC could not correct.",
                    unit=Unit.COUNT,
                    warn=1,
                    queries=(
                        Query(
                            expr=f"sum by (pool, node) (increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL{{{_POOL}}}[1h]))",
                            legend="{{pool}} {{node}}",
                        ),
                    ),
                ),
                Panel(
                    title="Replaced memory rows",
                    about="Rows that were replaced by spare ones after errors; a GPU without spares has to go.",
                    unit=Unit.COUNT,
                    queries=(
                        Query(
                            expr=_by_pool("sum", "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS"),
                            legend="{{pool}} uncorrectable",
                        ),
                        Query(
                            expr=_by_pool("sum", "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS"), legend="{{pool}} correctable"
                        ),
                    ),
                ),
            ),
        ),
    ),
)
