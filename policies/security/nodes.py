"""Rules on machines: instance metadata needs a token, and GPUs are bought through a GpuPool or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from policies.graph import UNKNOWN, Node, inside, items, mapping, places
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from pricing.items.tokens import NODE_CLASS, NODE_POOL

GPU_POOL = "modelyard:index:GpuPool"
NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
MACHINES = (
    "aws:ec2/launchTemplate:LaunchTemplate",
    "aws:ec2/instance:Instance",
    "aws:ec2/launchConfiguration:LaunchConfiguration",
    "aws:ec2/spotInstanceRequest:SpotInstanceRequest",
)
GPU_CATEGORIES = frozenset(("g", "gr", "p"))
"""Letters that the families of EC2 GPU types begin with; Karpenter's label `instance-category` has these values."""
_FAMILY = re.compile(r"^(?:ml\.)?(?P<letters>[a-z]+)\d")
_ABSENT_ON_CPU_NODES = tuple(
    f"karpenter.k8s.aws/instance-gpu-{part}" for part in ("count", "manufacturer", "memory", "name")
)


def has_gpu(instance_type: str) -> bool:
    """Whether an instance type (`g6.xlarge`) or family (`g6`) has GPUs; a name that cannot be read counts as one."""
    found = _FAMILY.match(instance_type)
    return found is None or found["letters"] in GPU_CATEGORIES


def metadata_needs_token(node: Node, _: Context) -> Iterator[Finding]:
    """Hop limit 1 keeps pods from the node's credentials; Karpenter's own defaults are strict, EC2's are not."""
    if node.type == NODE_GROUP:
        if node.read("launchTemplate") is None:
            yield refuse(
                "launchTemplate",
                "the group takes EKS's default template, whose metadata service answers pods",
                found=None,
                allowed="a launch template that requires IMDSv2 at hop limit 1",
            )
        return
    path, strict_default = ("spec.metadataOptions", True) if node.type == NODE_CLASS else ("metadataOptions", False)
    options = node.read(*path.split("."))
    if options is UNKNOWN:
        yield undetermined(path)
        return
    if mapping(options).get("httpEndpoint") == "disabled":
        return
    for key, wanted in (("httpTokens", "required"), ("httpPutResponseHopLimit", 1)):
        value = mapping(options).get(key)
        if value is UNKNOWN:
            yield undetermined(f"{path}.{key}")
        elif value != wanted and not (value is None and strict_default):
            summary = "IMDSv1 is answered" if key == "httpTokens" else "pods can reach the node's credentials"
            yield refuse(f"{path}.{key}", summary, found=value, allowed=str(wanted))


def gpus_in_pools_only(node: Node, _: Context) -> Iterator[Finding]:
    """Only a GpuPool's limits are counted against the budget, so what might be a GPU node is refused elsewhere."""
    if inside(node, GPU_POOL):
        return
    fix = f"declare it under gpuPools, which makes a {GPU_POOL}"
    if node.type == NODE_POOL:
        if not _excludes_gpus(node):
            yield refuse(
                "spec.template.spec.requirements",
                "the NodePool can buy GPU nodes outside a GpuPool",
                allowed="a requirement that excludes them: karpenter.k8s.aws/instance-gpu-count DoesNotExist",
                fix=fix,
            )
        return
    for path, key, value in places(node.inputs):
        if key == "instanceRequirements" and not _bounded(value):
            yield refuse(path, "the requirements can be met by a GPU type", allowed="acceleratorCount.max 0", fix=fix)
        elif key in ("instanceType", "instanceTypes"):
            for each in (value,) if isinstance(value, str) or value is UNKNOWN else items(value):
                if each is UNKNOWN:
                    yield refuse(path, "the instance type is not known, so it may have GPUs", fix="name it in the plan")
                elif has_gpu(str(each)):
                    yield refuse(
                        path, "a GPU node outside a GpuPool", found=each, allowed="types without GPUs", fix=fix
                    )


def _bounded(requirements: object) -> bool:
    accelerators = mapping(mapping(requirements).get("acceleratorCount"))
    if accelerators.get("max") == 0:
        return True
    allowed = items(mapping(requirements).get("allowedInstanceTypes"))
    return bool(allowed) and all(isinstance(each, str) and not has_gpu(each) for each in allowed)


def _excludes_gpus(node: Node) -> bool:
    requirements = node.read("spec", "template", "spec", "requirements")
    return any(_proves(mapping(item)) for item in items(requirements) if item is not UNKNOWN)


def _proves(requirement: Mapping[str, object]) -> bool:
    key, operator, values = requirement.get("key"), requirement.get("operator"), items(requirement.get("values"))
    if key in _ABSENT_ON_CPU_NODES:
        return operator == "DoesNotExist"
    known = bool(values) and UNKNOWN not in values
    if key == "karpenter.k8s.aws/instance-category":
        if operator == "NotIn":
            return known and set(values) >= GPU_CATEGORIES
        return operator == "In" and known and GPU_CATEGORIES.isdisjoint(values)
    if key in ("karpenter.k8s.aws/instance-family", "node.kubernetes.io/instance-type"):
        return operator == "In" and known and not any(has_gpu(str(value)) for value in values)
    return False


RULES = (
    Rule(
        name="metadata-needs-token",
        pack="security",
        severity=Severity.HIGH,
        description="The instance metadata service asks for a token (IMDSv2) and answers no pod (hop limit 1).",
        fix="Set httpTokens to required and httpPutResponseHopLimit to 1.",
        applies_to=(*MACHINES, NODE_CLASS, NODE_GROUP),
        check=metadata_needs_token,
        references=(
            Reference(framework="AWS FSBP", control="EC2.8"),
            Reference(framework="AWS FSBP", control="EC2.170"),
        ),
    ),
    Rule(
        name="gpus-in-pools-only",
        pack="security",
        severity=Severity.HIGH,
        description="GPU nodes exist only inside a GpuPool, whose limits count against the budget.",
        fix="Declare the nodes under gpuPools, or exclude GPU types.",
        applies_to=("aws:", NODE_POOL),
        check=gpus_in_pools_only,
    ),
)
