"""Every kind that carries pods makes pods here, or leaves the answer undetermined by name; an unknown kind does too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kube import builtin, custom
from kube.shape import Shape
from ops.simulate.workload.kinds import WORKLOADS, Role, role


def shapes(shape: Shape, seen: set[int]) -> Iterator[Shape]:
    if id(shape) in seen:
        return
    seen.add(id(shape))
    yield shape
    for inner in [*shape.fields.values(), *(each for each in (shape.items, shape.entries) if each is not None)]:
        yield from shapes(inner, seen)


def test_every_kind_of_kubernetes_that_holds_a_pods_spec_is_classified_as_more_than_one_without_pods() -> None:
    schemas = builtin.schemas()
    pod = schemas.shape("v1", "Pod")
    assert pod is not None
    holding = set()
    for api_version, kind in schemas.kinds():
        shape = schemas.shape(api_version, kind)
        if shape is not None and any(each is pod.fields["spec"] for each in shapes(shape, set())):
            holding.add((api_version, kind))
    own = {workload for workload in WORKLOADS if not workload[0].startswith("argoproj.io")}
    lists = {each for each in holding if each[1].endswith("List")}
    assert holding - lists == own | {("apps/v1", "DaemonSet"), ("v1", "PodTemplate")}
    # Nothing makes pods of a PodTemplate by itself.
    assert {each for each in holding - lists if role(*each) is Role.NONE} == {("v1", "PodTemplate")}


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("ray.io/v1", "RayCluster"),
        ("kubeflow.org/v1", "PyTorchJob"),
        ("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet"),
        ("kubeflow.org/v2beta1", "MPIJob"),
        ("batch.volcano.sh/v1alpha1", "Job"),
        ("keda.sh/v1alpha1", "ScaledObject"),
        ("gateway.networking.k8s.io/v1", "XMesh"),
        ("apps/v1beta1", "Deployment"),
        ("example.com/v1", "Anything"),
    ],
)
def test_a_kind_that_nobody_here_knows_may_make_pods(api_version: str, kind: str) -> None:
    assert role(api_version, kind) is Role.UNKNOWN


@pytest.mark.parametrize(
    ("api_version", "kind", "expected"),
    [
        ("v1", "Service", Role.NONE),
        ("v1", "ConfigMap", Role.NONE),
        ("policy/v1", "PodDisruptionBudget", Role.NONE),
        ("external-secrets.io/v1", "ExternalSecret", Role.NONE),
        ("autoscaling/v2", "HorizontalPodAutoscaler", Role.CHANGES),
        ("v1", "LimitRange", Role.CHANGES),
        ("v1", "ResourceQuota", Role.CHANGES),
        ("karpenter.sh/v1", "NodePool", Role.CHANGES),
        ("node.k8s.io/v1", "RuntimeClass", Role.AROUND),
        ("argoproj.io/v1alpha1", "Rollout", Role.PODS),
    ],
)
def test_a_known_kind_has_its_role(api_version: str, kind: str, expected: Role) -> None:
    assert role(api_version, kind) is expected


def test_every_custom_kind_with_facts_of_ours_has_a_role_that_somebody_chose() -> None:
    pods = {("argoproj.io/v1alpha1", "Rollout")}
    changing = {
        ("karpenter.sh/v1", "NodePool"),
        ("karpenter.sh/v1", "NodeClaim"),
        ("karpenter.k8s.aws/v1", "EC2NodeClass"),
    }
    for kind in custom.kinds():
        expected = Role.PODS if kind in pods else Role.CHANGES if kind in changing else Role.NONE
        assert role(*kind) is expected
