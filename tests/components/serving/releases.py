"""A happy release of a small stack in a folder of its own, for tests that break one property of it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

from core.problem import Problem, Refused
from infra.stack.file import StackFile
from infra.stack.stack import Stack

RELEASE: dict[str, Any] = {
    "model": "assistant",
    "version": 7,
    "weights": {"digest": "sha256:" + "ab" * 32, "sizeBytes": 16_000_000_000},
    "architecture": {"name": "llama", "layers": 32, "kvHeads": 8, "headDim": 128, "contextTokens": 131_072},
    "runtime": "vllm",
    "pool": "chat",
    "replicas": 1,
    "context": 8192,
    "rollout": {"strategy": "canary", "steps": [{"weight": 10, "pauseSeconds": 30}, {"weight": 50}]},
}
"""An 8 B model in 16 bits: 15,259 MiB of weights, 1,024 MiB for the context; a GPU of an L4 has 24,576 MiB at the most."""
PLATFORM: dict[str, Any] = {
    "environment": "dev",
    "owner": "ml-platform",
    "budget": {"monthlyUsd": 50000},
    "cluster": {"access": {"reach": "publicCidrs", "allowedCidrs": ["203.0.113.0/24"]}},
    "generalPool": {"instanceTypes": ["m7g.large"], "limits": {"vcpus": 12}},
    "gpuPools": {
        "chat": {"purpose": "serving", "capacity": "onDemand", "instanceTypes": ["g6.xlarge"], "limits": {"gpus": 2}}
    },
    "rollouts": {"architecture": "arm64"},
    "releases": ["chat"],
    "registry": {"models": {"assistant": {}}},
}


def changed(base: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """A copy with values set at paths (`weights__digest`); None takes a key away."""
    found = copy.deepcopy(base)
    for path, value in paths.items():
        *above, last = path.split("__")
        place = found
        for step in above:
            place = place.setdefault(step, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return found


def stack(folder: Path, *releases: dict[str, Any], platform: dict[str, Any] = PLATFORM) -> Stack:
    """The stack `small` with its releases written to files, one for each name that it lists. Raises Refused."""
    place = folder / "releases" / "small"
    place.mkdir(parents=True, exist_ok=True)
    names = platform.get("releases", [])
    for name, release in zip(names, [*releases, *[RELEASE] * len(names)], strict=False):
        (place / f"{name}.yaml").write_text(yaml.safe_dump(release, sort_keys=False))
    file = folder / "Pulumi.small.yaml"
    config = {"aws:region": "us-east-1"} if platform["environment"] != "local" else {}
    file.write_text(yaml.safe_dump({"config": {**config, "modelyard:platform": platform}}, sort_keys=False))
    return Stack.read(StackFile.read(file))


def refused(folder: Path, *releases: dict[str, Any], platform: dict[str, Any] = PLATFORM) -> list[Problem]:
    """What such a stack is refused for; nothing when it is not."""
    try:
        stack(folder, *releases, platform=platform)
    except Refused as refusal:
        return list(refusal.problems)
    return []
