"""How much memory a model takes, from figures of its own: pure arithmetic, no measurement and no table of models.

Keys and values: for every token of the context each layer keeps one key and one value for each of its KV heads. With 16-bit
numbers that is `2 x layers x kvHeads x headDim x 2` bytes a token (Pope et al., "Efficiently Scaling Transformer
Inference", section 2.1, and vLLM's `get_kv_cache_spec`). vLLM starts only if one request of the full context fits beside the
weights in its share of the GPU. What it needs beside that, for activations and CUDA's own, comes out of that share too
and out of the rest, and is in no published table: so this is the least that a model takes, and more may be too little.
"""

from __future__ import annotations

from components.resources import LOGS_MIB
from components.serving.spec import ArchitectureSpec, ReleaseSpec, Runtime

KV_BYTES = 2
"""Bytes of one number in the cache of keys and values: 16 bits, vLLM's and llama.cpp's own choice."""
GPU_SHARE_PERCENT = 90
"""Share of a GPU's memory that vLLM is told to take (`--gpu-memory-utilization`)."""
SERVER_MIB = 384
"""What a llama.cpp server takes beside weights and cache: its program and the buffers of a batch."""
TEMPORARY_MIB = {Runtime.LLAMACPP: 128, Runtime.VLLM: 8192}
"""Room (MiB) of the temporary volume; vLLM keeps there what it compiles."""
_SLACK_MIB = 64
_MIB = 1024**2


def cache_mib(architecture: ArchitectureSpec, context: int) -> int:
    """The keys and values of one request of `context` tokens (MiB, rounded up)."""
    each = 2 * architecture.layers * architecture.kv_heads * architecture.head_dim * KV_BYTES
    return -(-each * context // _MIB)


def weights_mib(spec: ReleaseSpec) -> int:
    """The weights (MiB, rounded up)."""
    return -(-spec.weights.size_bytes // _MIB)


def needed_mib(spec: ReleaseSpec) -> int:
    """The least that the model takes (MiB): its weights, and the cache of one request of the full context."""
    return weights_mib(spec) + cache_mib(spec.architecture, spec.context)


def gpu_room_mib(memory_mib: int) -> int:
    """What vLLM has (MiB) of a GPU of `memory_mib`."""
    return memory_mib * GPU_SHARE_PERCENT // 100


def longest_context(spec: ReleaseSpec, memory_mib: int) -> int:
    """The longest context (tokens) that fits into a GPU of `memory_mib`; 0 when the weights alone do not."""
    left = (gpu_room_mib(memory_mib) - weights_mib(spec)) * _MIB
    each = 2 * spec.architecture.layers * spec.architecture.kv_heads * spec.architecture.head_dim * KV_BYTES
    return max(0, left // each)


def server_mib(spec: ReleaseSpec, slots: int) -> int:
    """Memory (MiB) of a llama.cpp server that answers `slots` requests at once."""
    return weights_mib(spec) + cache_mib(spec.architecture, spec.context * slots) + SERVER_MIB


def disk_mib(spec: ReleaseSpec) -> int:
    """Room (MiB) of the volume with the files."""
    return weights_mib(spec) + _SLACK_MIB


def held_mib(spec: ReleaseSpec) -> int:
    """What a release's pod asks of its node's disk (MiB)."""
    return disk_mib(spec) + TEMPORARY_MIB[spec.runtime] + LOGS_MIB
