"""How long a server may take until it answers, worked out from the size of its weights; timeouts are never shorter than the
slowest expected start.

A pod that is ended because it was slow to load starts again from nothing, and never comes up: so every figure is a pessimist's.
"""

from __future__ import annotations

from components.serving.spec import ReleaseSpec, Runtime

PERIOD_SECONDS = 5
"""How often the start-up probe asks."""
_READ_BYTES = 50_000_000
"""Bytes a second at which weights are read from a disk: less than half of gp3's baseline (125 MB/s, EBS user guide)."""
_FETCH_BYTES = 20_000_000
"""Bytes a second at which files come through the registry's server."""
_READY_SECONDS = {Runtime.LLAMACPP: 60, Runtime.VLLM: 600}
"""What a server does beside reading: vLLM profiles its memory, compiles, and captures CUDA graphs."""
_PLACE_SECONDS = {Runtime.LLAMACPP: 600, Runtime.VLLM: 1800}
"""Until a pod has a node and its images: a GPU node is bought first, and vLLM's image has about 10 GB."""


def start_seconds(spec: ReleaseSpec) -> int:
    """The start-up budget of a server (seconds): a multiple of the probe's period."""
    seconds = _READY_SECONDS[spec.runtime] + -(-spec.weights.size_bytes // _READ_BYTES)
    return -(-seconds // PERIOD_SECONDS) * PERIOD_SECONDS


def progress_seconds(spec: ReleaseSpec) -> int:
    """How long a new version may take until its pods are ready (seconds), fetched and started."""
    return _PLACE_SECONDS[spec.runtime] + -(-spec.weights.size_bytes // _FETCH_BYTES) + start_seconds(spec)
