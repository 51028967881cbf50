"""The labels that Karpenter's AWS provider gives a node of a type, and those of which nobody here knows the value.

Names and meaning: `computeRequirements` in `pkg/providers/instancetype/types.go` and `pkg/apis/v1/labels.go` of
karpenter-provider-aws v1.14.1; values from `pricing/book/data/gpus.json` and from the name of the type.
"""

from __future__ import annotations

import re

from pricing.capacity.gpus import gpu_type, shape

AWS = "karpenter.k8s.aws"
_FAMILY = re.compile(r"([a-z]+)(\d+)([a-z]*)")
_MAKERS = {"g": "aws", "a": "amd"}
_OF_GPUS = ("instance-gpu-name", "instance-gpu-manufacturer", "instance-gpu-count", "instance-gpu-memory")
_NEVER_KNOWN = (
    "capacity-reservation-id",
    "capacity-reservation-interruptible",
    "capacity-reservation-type",
    "ec2nodeclass",
    "instance-cpu-sustained-clock-speed-mhz",
    "instance-encryption-in-transit-supported",
    "instance-hypervisor",
    "instance-tenancy",
    "placement-group-id",
    "placement-group-partition",
)
"""Labels that no fact of ours states: they depend on the account, or the facts do not say."""


def labels(name: str) -> dict[str, str]:
    """The labels of a type whose values are known. Raises KeyError for a type without a known shape."""
    known = shape(name)
    if known is None:
        raise KeyError(name)
    family, _, size = name.partition(".")
    found = {
        "instance-family": family,
        "instance-size": size,
        "instance-capability-flex": str("-flex" in family).lower(),
        "instance-cpu": str(known.vcpus),
        "instance-memory": str(int(known.memory_gib * 1024)),
    }
    gpu = gpu_type(name)
    if numbered := _FAMILY.match(family):
        found |= {"instance-category": numbered[1], "instance-generation": numbered[2]}
        if gpu is None:
            found["instance-cpu-manufacturer"] = _MAKERS.get(numbered[3], "intel")
    if gpu and gpu.gpus and gpu.label_name:
        values = (gpu.label_name, "nvidia", str(gpu.gpus), str(gpu.label_memory))
        found |= dict(zip(_OF_GPUS, values, strict=True))
        found["instance-network-bandwidth"] = str(int(gpu.network_gbps * 1000))
    if gpu and gpu.ebs_mbps:
        found["instance-ebs-bandwidth"] = str(gpu.ebs_mbps)
    if gpu and gpu.cpu_manufacturer:
        found["instance-cpu-manufacturer"] = gpu.cpu_manufacturer
    if gpu and gpu.nvme_gb:
        found["instance-local-nvme"] = str(gpu.nvme_gb)
    return {f"{AWS}/{key}": value for key, value in found.items()}


def unknown_labels(name: str) -> frozenset[str]:
    """Labels that a node of that type has, or may have, and of which nobody here knows the value."""
    there, gpu = labels(name), gpu_type(name)
    may = {"instance-cpu-manufacturer", "instance-ebs-bandwidth", "instance-network-bandwidth", *_NEVER_KNOWN}
    if gpu:
        may |= {*_OF_GPUS}
    return frozenset({f"{AWS}/{key}" for key in may} - there.keys())
