"""Faults of GPUs, and GPUs that are paid for and do nothing."""

from __future__ import annotations

from components.alerts.rule import Alert, Example, Group, Severity, Team

APPLICATION_XIDS = "13|31|43|45"
"""XIDs that a faulty program causes as well as a faulty GPU (NVIDIA, "XID Errors", the column of causes)."""

_GPU = 'gpu="0",UUID="GPU-1",device="nvidia0",modelName="NVIDIA L4",node="ip-10-0-1-9",pool="chat"'
_WHERE = {"gpu": "0", "node": "ip-10-0-1-9", "pool": "chat"}


def _of(metric: str, more: str = "") -> str:
    return f"{metric}{{{_GPU}{',' + more if more else ''}}}"


def _cut(gpu: str, instance: str) -> str:
    """The activity of one MIG instance of a GPU."""
    return f'DCGM_FI_PROF_GR_ENGINE_ACTIVE{{gpu="{gpu}",GPU_I_ID="{instance}",node="ip-10-0-1-9",pool="chat"}}'


GROUP = Group(
    name="gpu",
    gpus=True,
    alerts=(
        Alert(
            name="GpuXidFault",
            expr=(
                f'max by (pool, node, gpu, xid) (DCGM_EXP_XID_ERRORS_COUNT{{xid!="",xid!~"0|{APPLICATION_XIDS}"}}) > 0'
            ),
            hold="0m",
            severity=Severity.CRITICAL,
            team=Team.PLATFORM,
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} (pool {{ $labels.pool }}) reported XID {{ $labels.xid }}"
            " {{ $value }} times in 5 minutes",
            meaning="The driver reported an error that points at the GPU, its memory or its link rather than at a program.",
            fires=Example(
                series={_of("DCGM_EXP_XID_ERRORS_COUNT", 'xid="79",window_size_in_ms="300000"'): "0 0 2x5"},
                at="4m",
                labels={**_WHERE, "xid": "79"},
                summary="GPU 0 of ip-10-0-1-9 (pool chat) reported XID 79 2 times in 5 minutes",
            ),
            silent=Example(
                series={
                    _of("DCGM_EXP_XID_ERRORS_COUNT", 'xid="31",window_size_in_ms="300000"'): "2x10",
                    _of("DCGM_EXP_XID_ERRORS_COUNT", 'window_size_in_ms="300000"'): "0x10",
                },
                at="4m",
            ),
        ),
        Alert(
            name="GpuXidApplication",
            expr=f'max by (pool, node, gpu, xid) (DCGM_EXP_XID_ERRORS_COUNT{{xid=~"{APPLICATION_XIDS}"}}) > 0',
            hold="5m",
            severity=Severity.WARNING,
            team=Team.SERVING,
            summary="a program on GPU {{ $labels.gpu }} of {{ $labels.node }} (pool {{ $labels.pool }}) caused"
            " XID {{ $labels.xid }} {{ $value }} times in 5 minutes",
            meaning="The driver stopped a program: an illegal access or instruction, most often a bug in what runs there.",
            fires=Example(
                series={_of("DCGM_EXP_XID_ERRORS_COUNT", 'xid="31",window_size_in_ms="300000"'): "1x20"},
                at="10m",
                labels={**_WHERE, "xid": "31"},
                summary="a program on GPU 0 of ip-10-0-1-9 (pool chat) caused XID 31 1 times in 5 minutes",
            ),
            silent=Example(
                series={_of("DCGM_EXP_XID_ERRORS_COUNT", 'xid="79",window_size_in_ms="300000"'): "1x20"}, at="10m"
            ),
        ),
        Alert(
            name="GpuEccUncorrectable",
            expr="max by (pool, node, gpu) (increase(DCGM_FI_DEV_ECC_DBE_VOL_TOTAL[15m])) > 0",
            hold="0m",
            severity=Severity.CRITICAL,
            team=Team.PLATFORM,
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} (pool {{ $labels.pool }}) had"
            ' {{ $value | printf "%.0f" }} uncorrectable memory errors in 15 minutes',
            meaning="Memory of the GPU gave back wrong data that ECC could not correct; what used it was stopped.",
            fires=Example(
                series={_of("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"): "0x20 1x20"},
                at="30m",
                labels=_WHERE,
                summary="GPU 0 of ip-10-0-1-9 (pool chat) had 1 uncorrectable memory errors in 15 minutes",
            ),
            silent=Example(series={_of("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL"): "3x60"}, at="40m"),
        ),
        Alert(
            name="GpuRowRemapFailure",
            expr="max by (pool, node, gpu) (DCGM_FI_DEV_ROW_REMAP_FAILURE) > 0",
            hold="5m",
            severity=Severity.CRITICAL,
            team=Team.PLATFORM,
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} (pool {{ $labels.pool }}) has no spare memory rows left:"
            " remap failure flag {{ $value }}",
            meaning="A bad row of the GPU's memory could not be replaced by a spare one. The GPU has to go.",
            fires=Example(
                series={_of("DCGM_FI_DEV_ROW_REMAP_FAILURE"): "0x5 1x30"},
                at="20m",
                labels=_WHERE,
                summary="GPU 0 of ip-10-0-1-9 (pool chat) has no spare memory rows left: remap failure flag 1",
            ),
            silent=Example(series={_of("DCGM_FI_DEV_ROW_REMAP_FAILURE"): "0x40"}, at="20m"),
        ),
        Alert(
            name="GpuThermalThrottling",
            expr="max by (pool, node, gpu) (rate(DCGM_FI_DEV_THERMAL_VIOLATION[10m])) / 1e9 > 0.05",
            hold="10m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="GPU {{ $labels.gpu }} of {{ $labels.node }} (pool {{ $labels.pool }}) was slowed by heat"
            " {{ $value | humanizePercentage }} of the time",
            meaning="The GPU lowers its clock because it is too hot, so requests take longer than on its neighbours.",
            fires=Example(
                # 60 s of each minute's 6e9 ns are a tenth of the time.
                series={_of("DCGM_FI_DEV_THERMAL_VIOLATION"): "0+6000000000x60"},
                at="40m",
                labels=_WHERE,
                summary="GPU 0 of ip-10-0-1-9 (pool chat) was slowed by heat 10% of the time",
            ),
            silent=Example(series={_of("DCGM_FI_DEV_THERMAL_VIOLATION"): "0+2400000000x60"}, at="40m"),
        ),
        Alert(
            name="GpuIdle",
            # A GPU that MIG has cut reports no utilisation of the whole, only the activity of each instance.
            expr="count by (pool) ((max by (pool, node, gpu) (max_over_time(DCGM_FI_DEV_GPU_UTIL[1h])) or"
            " max by (pool, node, gpu) (max_over_time(DCGM_FI_PROF_GR_ENGINE_ACTIVE[1h]))) == 0)",
            hold="1h",
            severity=Severity.WARNING,
            team=Team.SERVING,
            summary="{{ $value }} GPUs of pool {{ $labels.pool }} have done nothing for an hour and are paid for",
            meaning="GPUs run, and cost, without a single percent of use for an hour.",
            fires=Example(
                series={
                    _of("DCGM_FI_DEV_GPU_UTIL"): "0x150",
                    'DCGM_FI_DEV_GPU_UTIL{gpu="1",node="ip-10-0-1-9",pool="chat"}': "40x150",
                    _cut("2", "7"): "0x150",
                    _cut("2", "8"): "0x150",
                },
                labels={"pool": "chat"},
                summary="2 GPUs of pool chat have done nothing for an hour and are paid for",
            ),
            silent=Example(
                series={
                    _of("DCGM_FI_DEV_GPU_UTIL"): "0x80 5 0x70",
                    _of("DCGM_FI_PROF_GR_ENGINE_ACTIVE"): "0x150",
                    _cut("2", "7"): "0x150",
                    _cut("2", "8"): "0x80 0.1 0x70",
                }
            ),
        ),
        Alert(
            name="GpuMetricsAbsent",
            expr='max by (node) (kube_node_status_capacity{resource="nvidia_com_gpu"}) > 0 unless on (node) DCGM_FI_DEV_GPU_TEMP',
            hold="15m",
            severity=Severity.WARNING,
            team=Team.PLATFORM,
            summary="node {{ $labels.node }} announces {{ $value }} nvidia.com/gpu and no metrics of them",
            meaning="The DCGM exporter does not run on a GPU node, or Prometheus cannot reach it. No GPU alert can fire for it.",
            fires=Example(
                series={
                    'kube_node_status_capacity{node="ip-10-0-1-9",resource="nvidia_com_gpu",unit="integer"}': "4x150",
                    'kube_node_status_capacity{node="ip-10-0-1-8",resource="nvidia_com_gpu",unit="integer"}': "1x150",
                    'DCGM_FI_DEV_GPU_TEMP{node="ip-10-0-1-8",gpu="0"}': "40x150",
                },
                labels={"node": "ip-10-0-1-9"},
                summary="node ip-10-0-1-9 announces 4 nvidia.com/gpu and no metrics of them",
            ),
            silent=Example(
                series={
                    'kube_node_status_capacity{node="ip-10-0-1-8",resource="nvidia_com_gpu",unit="integer"}': "1x150",
                    'DCGM_FI_DEV_GPU_TEMP{node="ip-10-0-1-8",gpu="0"}': "40x150",
                    'kube_node_status_capacity{node="ip-10-0-1-7",resource="cpu",unit="core"}': "4x150",
                }
            ),
        ),
    ),
)
