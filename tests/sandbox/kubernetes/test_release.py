"""Helm releases in the simulated cluster: recorded, checked against the chart's facts, ready only when they can be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.marks import UNKNOWN
from sandbox.faults import CloudError, Faults
from sandbox.items import Item, ItemStore
from sandbox.kubernetes.cloud import KubernetesCloud

NAMESPACE = "kubernetes:core/v1:Namespace"
RELEASE = "kubernetes:helm.sh/v3:Release"
SERVER = "https://X.gr7.us-east-1.eks.amazonaws.com"
KUBECONFIG = f"""
current-context: x
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
clusters: [{{name: c, cluster: {{server: "{SERVER}"}}}}]
users: []
"""
QUEUE = "aws:sqs/queue:Queue"
IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
NODES = "aws:eks/nodeGroup:NodeGroup"


@pytest.fixture
def world(tmp_path: Path) -> ItemStore:
    world = ItemStore(tmp_path / "world")
    association = {"clusterName": "dev", "namespace": "kube-system", "serviceAccount": "karpenter"}
    for token, inputs in (
        ("aws:eks/cluster:Cluster", {"name": "dev"}),
        (NODES, {"clusterName": "dev"}),
        (QUEUE, {"name": "dev-karpenter"}),
        (IDENTITY, association),
    ):
        world.put(Item(package="aws", type=token, id="dev", inputs=inputs, computed={"endpoint": SERVER}))
    return world


@pytest.fixture
def cloud(world: ItemStore) -> KubernetesCloud:
    cloud = KubernetesCloud(world, Faults())
    cloud.configure({"kubernetes:config:kubeconfig": KUBECONFIG})
    return cloud


def karpenter(**more: Any) -> dict[str, Any]:
    return {
        "chart": "karpenter",
        "version": "1.14.1",
        "name": "karpenter",
        "namespace": "kube-system",
        "repositoryOpts": {"repo": "oci://public.ecr.aws/karpenter"},
        "values": {"settings": {"clusterName": "dev", "interruptionQueue": "dev-karpenter"}},
        **more,
    }


def install(cloud: KubernetesCloud, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return cloud.create(RELEASE, "logical", cloud.check(RELEASE, "logical", {}, inputs).inputs, preview=False)


def test_a_release_is_recorded_and_reported_as_helm_does(cloud: KubernetesCloud, world: ItemStore) -> None:
    assert cloud.check(RELEASE, "karpenter", {}, karpenter()).faults == ()
    identity, outputs = install(cloud, karpenter())
    assert identity == "kube-system/karpenter"
    assert outputs["status"] == {
        "status": "deployed",
        "revision": 1,
        "name": "karpenter",
        "namespace": "kube-system",
        "chart": "karpenter",
        "version": "1.14.1",
        "appVersion": "1.14.1",
    }
    item = world.get("kubernetes", RELEASE, identity)
    assert item is not None
    assert item.inputs == karpenter()


def test_an_upgrade_counts_revisions(cloud: KubernetesCloud) -> None:
    identity, before = install(cloud, karpenter())
    after = cloud.update(RELEASE, identity, before, karpenter(timeout=600), preview=False)
    assert after["status"]["revision"] == 2
    assert after["timeout"] == 600


def test_an_oci_reference_names_the_chart_at_its_end(cloud: KubernetesCloud) -> None:
    chart = "oci://public.ecr.aws/karpenter/karpenter"
    assert cloud.check(RELEASE, "k", {}, karpenter(chart=chart)).faults == ()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"values": {"settings": {"clusterName": "dev", "interruptionQueu": "q"}}}, "values.settings.interruptionQueu"),
        ({"values": {}}, "values.settings.clusterName"),
        ({"version": "1.0.0"}, "version"),
        ({"version": None}, "version"),
        ({"chart": "karpentr"}, "chart"),
        ({"chart": ""}, "chart"),
        ({"valueYamlFiles": []}, "valueYamlFiles"),
        ({"repositoryOpts": {"url": "x"}}, "repositoryOpts.url"),
    ],
)
def test_one_wrong_input_is_refused_with_its_path(cloud: KubernetesCloud, change: dict[str, Any], path: str) -> None:
    assert [fault.path for fault in cloud.check(RELEASE, "k", {}, karpenter(**change)).faults] == [path]


def test_values_that_are_not_known_yet_pass(cloud: KubernetesCloud) -> None:
    values = {"settings": {"clusterName": UNKNOWN, "interruptionQueue": UNKNOWN}}
    assert cloud.check(RELEASE, "k", {}, karpenter(values=values)).faults == ()
    preview = cloud.create(RELEASE, "k", karpenter(values=values), preview=True)[1]
    assert preview["status"] == UNKNOWN


def test_a_missing_name_is_generated_and_kept(cloud: KubernetesCloud) -> None:
    inputs = {key: value for key, value in karpenter().items() if key != "name"}
    first = cloud.check(RELEASE, "karpenter", {}, inputs).inputs
    assert first["name"].startswith("karpenter-")
    assert cloud.check(RELEASE, "karpenter", {"name": "old-1"}, inputs).inputs["name"] == "old-1"


def test_a_release_needs_its_namespace_unless_it_makes_it(cloud: KubernetesCloud, world: ItemStore) -> None:
    crds = {"chart": "karpenter-crd", "version": "1.14.1", "name": "crds", "namespace": "karpenter"}
    with pytest.raises(CloudError, match='create: failed to create: namespaces "karpenter" not found'):
        install(cloud, crds)
    install(cloud, {**crds, "createNamespace": True})
    assert world.get("kubernetes", NAMESPACE, "karpenter") is not None


def test_a_name_is_used_once_in_a_namespace(cloud: KubernetesCloud) -> None:
    install(cloud, karpenter())
    with pytest.raises(CloudError, match="cannot re-use a name that is still in use"):
        install(cloud, karpenter())


def test_a_release_that_waits_times_out_without_nodes(cloud: KubernetesCloud, world: ItemStore) -> None:
    world.remove(world.all("aws", NODES)[0])
    with pytest.raises(CloudError, match="no nodes available to schedule pods"):
        install(cloud, karpenter())
    install(cloud, {"chart": "karpenter-crd", "version": "1.14.1", "name": "crds", "namespace": "default"})
    install(cloud, karpenter(skipAwait=True))


@pytest.mark.parametrize(
    ("lost", "words"),
    [(QUEUE, "NonExistentQueue"), (IDENTITY, "no EKS Pod Identity association for kube-system/karpenter")],
)
def test_karpenter_does_not_start_without_what_it_needs(
    cloud: KubernetesCloud, world: ItemStore, lost: str, words: str
) -> None:
    world.remove(world.all("aws", lost)[0])
    with pytest.raises(CloudError, match=words):
        install(cloud, karpenter())


def test_karpenter_does_not_start_for_another_cluster(cloud: KubernetesCloud) -> None:
    with pytest.raises(CloudError, match=r'settings.clusterName is "prod", and this cluster is "dev"'):
        install(cloud, karpenter(values={"settings": {"clusterName": "prod"}}))


def test_crds_that_another_release_brought_are_not_taken_over(cloud: KubernetesCloud) -> None:
    crds = {"chart": "karpenter-crd", "version": "1.14.1", "name": "crds", "namespace": "default"}
    install(cloud, karpenter(skipCrds=True))
    install(cloud, crds)
    with pytest.raises(CloudError, match="cannot be imported into the current release"):
        install(cloud, {**crds, "name": "again"})


@pytest.mark.parametrize(("key", "replaced"), [("name", True), ("namespace", True), ("version", False)])
def test_another_name_or_namespace_is_another_release(cloud: KubernetesCloud, key: str, replaced: bool) -> None:
    change = cloud.diff(RELEASE, karpenter(), karpenter(**{key: "other"}))
    assert change.changed == (key,)
    assert change.replaces == ((key,) if replaced else ())
