"""Volumes: by type and speed, by the storage class of a claim, and of the pods that bring them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.items.graph import UNKNOWN
from pricing.items.quantity import gibibytes
from pricing.items.tokens import SCALER
from pricing.meters.storage.workloads import POD_SPECS
from tests.pricing.bills import DEFAULT, STORAGE_CLASS, Resource, amounts, bill, claim, storage_class, why

VOLUME, CLAIM = "aws:ebs/volume:Volume", "kubernetes:core/v1:PersistentVolumeClaim"
STATEFUL, DEPLOYMENT = "kubernetes:apps/v1:StatefulSet", "kubernetes:apps/v1:Deployment"
NAMED: dict[str, Any] = {"csi.storage.k8s.io/fstype": "xfs", "tagSpecification_1": "a=b"}
FAST = storage_class("fast", iops="16000", throughput="1000")


def asked(size: Any = "100Gi", name: Any = "gp3", **spec: Any) -> Resource:
    return CLAIM, claim(size, name, **spec)


def passing(token: str, replicas: Any = 2, of: Any = None, **spec: Any) -> Resource:
    """A workload whose pods each bring an ephemeral volume."""
    volume = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": claim() if of is None else of}}
    pod: dict[str, Any] = {"containers": [], "volumes": [{"name": "tmp", "emptyDir": {}}, volume]}
    for step in reversed(POD_SPECS[token][1:]):
        pod = {step: pod}
    extra = {} if replicas is None else {"replicas": replicas}
    return token, {"metadata": {"name": "app"}, "spec": {**pod, **extra, **spec}}


def scaler(most: Any, **target: Any) -> Resource:
    return SCALER, {"spec": {"maxReplicas": most, "scaleTargetRef": {"kind": "Deployment", "name": "app", **target}}}


CASES: dict[str, tuple[list[Resource], str]] = {
    "a gp3 volume": ([(VOLUME, {"size": 100, "type": "gp3"})], "8.00"),
    # 8 + 13000 x 0.005 + 875 x 0.04
    "a fast gp3 volume": ([(VOLUME, {"size": 100, "type": "gp3", "iops": 16000, "throughput": 1000})], "108.00"),
    "a gp3 volume with what is included": (
        [(VOLUME, {"size": 100, "type": "gp3", "iops": 3000, "throughput": 125})],
        "8.00",
    ),
    "a volume of no stated type is gp2": ([(VOLUME, {"size": 100})], "10.00"),
    "st1": ([(VOLUME, {"size": 1000, "type": "st1"})], "45.00"),
    # 100 x 0.125 + 16000 x 0.065
    "io2": ([(VOLUME, {"size": 100, "type": "io2", "iops": 16000})], "1052.50"),
    "io1": ([(VOLUME, {"size": 100, "type": "io1", "iops": 16000})], "1052.50"),
    "a claim of a class": ([storage_class(), asked()], "8.00"),
    "a claim of a fast class": ([FAST, asked(name="fast")], "108.00"),
    "a claim of an io2 class": (
        [storage_class("io", type="io2", iops="16000"), asked(name="io")],
        "1052.50",
    ),
    # 100 x 0.125 + 50 x 100 x 0.065
    "IOPS by the GiB": ([storage_class("io", type="io2", iopsPerGB="50"), asked(name="io")], "337.50"),
    # 50 x 0.125 + 100 x 0.065: the driver makes at least 100
    "few IOPS by the GiB": ([storage_class("io", type="io1", iopsPerGB="1"), asked("50Gi", name="io")], "12.75"),
    # the more of 2000 and of 50 x 100
    "IOPS twice": ([storage_class("io", type="io2", iops="2000", iopsPerGB="50"), asked(name="io")], "337.50"),
    "a claim of the default class": (
        [storage_class("other"), storage_class("x", default=True), asked(name=None)],
        "8.00",
    ),
    "the provisioner of old makes gp2": (
        [storage_class("old", provisioner="kubernetes.io/aws-ebs", type=None), asked(name="old")],
        "10.00",
    ),
    "a class with what costs nothing": (
        [
            storage_class(encrypted="true", kmsKeyId="k", **NAMED),
            asked(),
        ],
        "8.00",
    ),
    # 94 GiB, rounded up from 93.13
    "decimal gigabytes": ([storage_class(), asked("100G")], "7.52"),
    "replicas of a StatefulSet": (
        [FAST, (STATEFUL, {"spec": {"replicas": 3, "volumeClaimTemplates": [claim(name="fast")]}})],
        "324.00",
    ),
    "a StatefulSet of the one replica that it has by default": (
        [storage_class(), (STATEFUL, {"spec": {"volumeClaimTemplates": [claim()]}})],
        "8.00",
    ),
    "a Pod's own volume": ([storage_class(), passing("kubernetes:core/v1:Pod", None)], "8.00"),
    "each replica's own volume": ([storage_class(), passing("kubernetes:apps/v1:ReplicaSet")], "16.00"),
    # a quarter more while it rolls, rounded up: 3
    "a Deployment's own volumes": ([storage_class(), passing(DEPLOYMENT)], "24.00"),
    "a Deployment that replaces all at once": (
        [storage_class(), passing(DEPLOYMENT, strategy={"type": "Recreate"})],
        "16.00",
    ),
    "a Deployment that adds two": (
        [storage_class(), passing(DEPLOYMENT, strategy={"rollingUpdate": {"maxSurge": 2}})],
        "32.00",
    ),
    # 10 + 3
    "a Deployment that is scaled": ([storage_class(), scaler(10), passing(DEPLOYMENT)], "104.00"),
    "a Deployment beside one that is scaled": ([storage_class(), scaler(10, name="b"), passing(DEPLOYMENT)], "24.00"),
}


@pytest.mark.parametrize("case", CASES)
def test_volumes_cost_what_their_arithmetic_says(case: str) -> None:
    resources, expected = CASES[case]
    assert amounts(*resources)[2] == expected


def test_a_workload_that_is_scaled_has_no_least_number_of_volumes_and_one_that_is_not_has() -> None:
    assert amounts(storage_class(), scaler(10), passing(DEPLOYMENT))[:2] == ("0.00", "16.00")
    assert amounts(storage_class(), passing(DEPLOYMENT))[:2] == ("16.00", "16.00")


UNPRICED: dict[str, tuple[list[Resource], str]] = {
    "a class that is elsewhere": ([asked(name="theirs")], "the storage class theirs is not declared here"),
    "a class that says that it is not the default": (
        [
            (STORAGE_CLASS, {"metadata": {"annotations": {DEFAULT: "false"}}, "provisioner": "ebs.csi.aws.com"}),
            asked(name=None),
        ],
        "declares no default one",
    ),
    "no default class": ([storage_class(), asked(name=None)], "declares no default one"),
    "no class at all": ([storage_class(), asked(name="")], "is not declared here"),
    "an unknown class": ([storage_class(), asked(name=UNKNOWN)], "which storage class"),
    "two classes of one name": ([storage_class(), storage_class(iops="16000"), asked()], "two storage classes"),
    "another driver": ([storage_class(provisioner="fsx.csi.aws.com"), asked()], "only volumes of EBS"),
    "an unknown driver": ([storage_class(provisioner=UNKNOWN), asked()], "only volumes of EBS"),
    "an unknown type": ([storage_class(type=UNKNOWN), asked()], "the parameter type"),
    "a type that is paid by I/O": ([storage_class(type="standard"), asked()], "only volumes of the types"),
    "io2 without IOPS": ([storage_class(type="io2"), asked()], "how many IOPS"),
    "unknown IOPS": ([storage_class(iops=UNKNOWN), asked()], "the parameter iops"),
    "IOPS in words": ([storage_class(iops="many"), asked()], "how many iops"),
    "a parameter that nobody has priced": (
        [storage_class(volumeInitializationRate="300"), asked()],
        "nobody has priced",
    ),
    "a parameter twice": ([storage_class(IOPS="3000", iops="16000"), asked()], "is not known"),
    "a size that is not known": ([storage_class(), asked(UNKNOWN)], "the size of the volume"),
    "a size in words": ([storage_class(), asked("large")], "the size of the volume"),
    "a class of attributes": ([storage_class(), asked(volumeAttributesClassName="fast")], "volumeAttributesClassName"),
    "a volume that is there": ([storage_class(), asked(volumeName="pv-1")], "volumeName"),
    "an annotation that changes it": (
        [storage_class(), (CLAIM, {**claim(), "metadata": {"annotations": {"ebs.csi.aws.com/iops": "16000"}}})],
        "the annotation ebs.csi.aws.com/iops",
    ),
    "the attributes of a template": (
        [storage_class(), (STATEFUL, {"spec": {"volumeClaimTemplates": [claim(volumeAttributesClassName="fast")]}})],
        "volumeAttributesClassName",
    ),
    "unknown replicas": (
        [storage_class(), (STATEFUL, {"spec": {"replicas": UNKNOWN, "volumeClaimTemplates": [claim()]}})],
        "how many replicas",
    ),
    "unknown templates": ([(STATEFUL, {"spec": {"volumeClaimTemplates": UNKNOWN}})], "not known"),
    "unknown pods": ([(DEPLOYMENT, {"spec": {"template": {"spec": UNKNOWN}}})], "not known"),
    "unknown volumes": ([(DEPLOYMENT, {"spec": {"template": {"spec": {"volumes": UNKNOWN}}}})], "not known"),
    "an unknown scaler": ([storage_class(), scaler(UNKNOWN), passing(DEPLOYMENT)], "how many replicas"),
    "a driver that makes volumes for pods": (
        [(DEPLOYMENT, {"spec": {"template": {"spec": {"volumes": [{"name": "x", "csi": {"driver": "x"}}]}}}})],
        "volumes.csi",
    ),
    "a fast volume of unknown speed": ([(VOLUME, {"size": 1, "type": "gp3", "iops": UNKNOWN})], "how many iops"),
    "a volume of an Outpost": ([(VOLUME, {"size": 1, "outpostArn": "arn"})], "outpostArn"),
    **{
        f"each pod of a {kind}": (
            [storage_class(), passing(token, None)],
            f"how many pods with volumes of their own a {kind}",
        )
        for kind, token in {
            "DaemonSet": "kubernetes:apps/v1:DaemonSet",
            "Job": "kubernetes:batch/v1:Job",
            "CronJob": "kubernetes:batch/v1:CronJob",
        }.items()
    },
}


@pytest.mark.parametrize("case", UNPRICED)
def test_a_volume_that_cannot_be_known_has_no_price(case: str) -> None:
    resources, said = UNPRICED[case]
    assert said in why(*resources)


@pytest.mark.parametrize("token", POD_SPECS)
def test_pods_without_volumes_of_their_own_cost_nothing(token: str) -> None:
    pod: dict[str, Any] = {"containers": [], "volumes": [{"name": "tmp", "emptyDir": {}}]}
    for step in reversed(POD_SPECS[token]):
        pod = {step: pod}
    assert bill((token, pod)).items == ()


@given(st.integers(1, 4000), st.integers(0, 80_000), st.integers(0, 2000), st.sampled_from(["gp3", "io1", "io2"]))
def test_a_class_and_a_volume_of_the_same_speed_cost_the_same_and_more_never_costs_less(
    gib: int, iops: int, throughput: int, kind: str
) -> None:
    speed = {"iops": iops, **({"throughput": throughput} if kind == "gp3" else {})}
    said: dict[str, Any] = {key: str(value) for key, value in speed.items()}
    by_class = bill(storage_class(type=kind, **said), asked(f"{gib}Gi")).totals
    by_hand = bill((VOLUME, {"size": gib, "type": kind, **speed})).totals
    assert by_class.maximum == by_hand.maximum and by_class.complete
    more = bill((VOLUME, {"size": gib + 1, "type": kind, **speed, "iops": iops + 1})).totals
    assert more.maximum > by_hand.maximum


@given(st.integers(1, 10**15))
def test_a_size_in_bytes_is_never_rounded_down(size: int) -> None:
    gib = gibibytes(size, "it")
    assert (gib - 1) * 2**30 < size <= gib * 2**30
