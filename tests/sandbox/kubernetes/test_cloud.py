"""The simulated cluster: a first object in the right order is taken, and each wrong order is refused in the API's words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.marks import UNKNOWN
from sandbox.faults import CloudError, Faults
from sandbox.items import Item, ItemStore
from sandbox.kubernetes.cloud import KubernetesCloud
from sandbox.provider import Checked
from sandbox.values import Secret

NAMESPACE = "kubernetes:core/v1:Namespace"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
SERVICE = "kubernetes:core/v1:Service"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NODE_POOL = "kubernetes:karpenter.sh/v1:NodePool"
NODE_CLASS = "kubernetes:karpenter.k8s.aws/v1:EC2NodeClass"
RELEASE = "kubernetes:helm.sh/v3:Release"
ENDPOINT = "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com"
VERSION = "1.14.1"


def kubeconfig(server: str = ENDPOINT, *arguments: str) -> str:
    user = {"exec": {"command": "aws", "args": ["eks", "get-token", *arguments]}}
    return json.dumps(
        {
            "current-context": "x",
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": user}],
        }
    )


class Sandbox:
    """A world with an EKS cluster, its node group and what Karpenter needs, and the cloud under test."""

    def __init__(self, folder: Path) -> None:
        self.world = ItemStore(folder)
        self.aws("aws:eks/cluster:Cluster", "dev", {"name": "dev"}, {"endpoint": ENDPOINT})
        self.aws("aws:eks/nodeGroup:NodeGroup", "dev:system", {"clusterName": "dev"})
        self.aws("aws:sqs/queue:Queue", "queue", {"name": "dev-karpenter"})
        association = {"clusterName": "dev", "namespace": "kube-system", "serviceAccount": "karpenter"}
        self.aws("aws:eks/podIdentityAssociation:PodIdentityAssociation", "a-1", association)
        self.cloud = KubernetesCloud(self.world, Faults())
        self.cloud.configure({"kubeconfig": kubeconfig(), "clusterIdentifier": "dev"})

    def aws(self, token: str, id: str, inputs: dict[str, Any], computed: dict[str, Any] | None = None) -> None:
        self.world.put(Item(package="aws", type=token, id=id, inputs=inputs, computed=computed or {}))

    def forget(self, token: str) -> None:
        for item in self.world.all("aws", token):
            self.world.remove(item)

    def make(self, token: str, inputs: dict[str, Any], name: str = "logical") -> tuple[str, dict[str, Any]]:
        checked = self.cloud.check(token, name, {}, inputs)
        assert not checked.faults, checked.faults
        return self.cloud.create(token, name, checked.inputs, preview=False)

    def karpenter(self) -> None:
        self.make(RELEASE, release("karpenter-crd", {}))
        settings = {"clusterName": "dev", "interruptionQueue": "dev-karpenter"}
        self.make(RELEASE, release("karpenter", {"settings": settings}))


def release(chart: str, values: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"chart": chart, "version": VERSION, "name": chart, "namespace": "kube-system", "values": values, **more}


def named(name: str, namespace: str | None = None, **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    return {
        "metadata": metadata | ({"namespace": namespace} if namespace else {}) | ({"labels": labels} if labels else {})
    }


def deployment(namespace: str = "default", **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "a", "image": "a:1", **container}]}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": spec}
    return {**named("web", namespace), "spec": {"selector": {"matchLabels": {"app": "a"}}, "template": template}}


def node_pool() -> dict[str, Any]:
    reference = {"group": "karpenter.k8s.aws", "kind": "EC2NodeClass", "name": "chat"}
    requirements = [{"key": "karpenter.sh/capacity-type", "operator": "In", "values": ["spot"]}]
    return {**named("chat"), "spec": {"template": {"spec": {"nodeClassRef": reference, "requirements": requirements}}}}


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path / "world")


def test_objects_made_in_the_right_order_are_taken_and_go_again(sandbox: Sandbox) -> None:
    cloud = sandbox.cloud
    assert sandbox.make(NAMESPACE, named("apps"))[0] == "apps"
    identity, outputs = sandbox.make(DEPLOYMENT, deployment("apps"))
    assert identity == "apps/web"
    assert outputs["metadata"]["uid"]
    sandbox.karpenter()
    assert sandbox.make(NODE_POOL, node_pool())[0] == "chat"
    for token, gone in (
        (NODE_POOL, "chat"),
        (RELEASE, "kube-system/karpenter"),
        (RELEASE, "kube-system/karpenter-crd"),
        (DEPLOYMENT, "apps/web"),
        (NAMESPACE, "apps"),
    ):
        cloud.delete(token, gone, {})
    assert sandbox.world.all("kubernetes") == []


def test_an_object_before_its_namespace_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(CloudError, match='namespaces "apps" not found'):
        sandbox.make(CONFIG_MAP, named("c", "apps"))
    sandbox.make(NAMESPACE, named("apps"))
    assert sandbox.make(CONFIG_MAP, named("c", "apps"))[0] == "apps/c"


def test_the_namespaces_that_every_cluster_has_are_there(sandbox: Sandbox) -> None:
    assert sandbox.make(CONFIG_MAP, named("c"))[0] == "default/c"
    assert sandbox.make(CONFIG_MAP, named("c", "kube-system"))[0] == "kube-system/c"
    with pytest.raises(CloudError, match='namespaces "kube-system" already exists'):
        sandbox.make(NAMESPACE, named("kube-system"))


def test_a_name_is_taken_once(sandbox: Sandbox) -> None:
    sandbox.make(CONFIG_MAP, named("c"))
    with pytest.raises(CloudError, match='configmaps "c" already exists'):
        sandbox.make(CONFIG_MAP, named("c"))


def test_a_custom_resource_before_the_release_with_its_crd_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(CloudError, match=r'no matches for kind "NodePool" in version "karpenter.sh/v1"'):
        sandbox.make(NODE_POOL, node_pool())


def test_nothing_is_checked_against_the_cluster_in_a_preview(sandbox: Sandbox) -> None:
    checked = sandbox.cloud.check(NODE_POOL, "chat", {}, node_pool())
    identity, outputs = sandbox.cloud.create(NODE_POOL, "chat", checked.inputs, preview=True)
    assert (identity, outputs["metadata"]) == ("", {"name": "chat", "uid": UNKNOWN})
    assert sandbox.world.all("kubernetes") == []


def test_a_misspelt_field_is_refused_with_its_path(sandbox: Sandbox) -> None:
    inputs = node_pool()
    inputs["spec"]["template"]["spec"]["requirments"] = []
    (fault,) = sandbox.cloud.check(NODE_POOL, "chat", {}, inputs).faults
    assert fault.path == "spec.template.spec.requirments"
    assert 'did you mean "requirements"?' in fault.reason


def test_a_type_that_is_no_object_is_refused_as_not_simulated(sandbox: Sandbox) -> None:
    with pytest.raises(CloudError, match="kubernetes:yaml/v2:ConfigFile is not simulated"):
        sandbox.cloud.check("kubernetes:yaml/v2:ConfigFile", "x", {}, {})
    with pytest.raises(CloudError, match="is not simulated"):
        sandbox.cloud.invoke("kubernetes:helm:template", {})


def test_a_missing_name_is_generated_kept_and_new_for_another_object(sandbox: Sandbox) -> None:
    def check(olds: dict[str, Any]) -> Checked:
        return sandbox.cloud.check(CONFIG_MAP, "settings", olds, {"data": {"a": "b"}})

    first = check({}).inputs
    name = first["metadata"]["name"]
    assert name.startswith("settings-")
    assert len(name) == len("settings-") + 8
    assert check({}).inputs == check(first).inputs == first
    sandbox.cloud.create(CONFIG_MAP, "settings", first, preview=False)
    assert check(first).inputs["metadata"]["name"] == name
    assert check({}).inputs["metadata"]["name"] != name


def test_a_namespace_takes_what_is_in_it_along(sandbox: Sandbox) -> None:
    sandbox.make(NAMESPACE, named("apps"))
    sandbox.make(CONFIG_MAP, named("c", "apps"))
    sandbox.make(CONFIG_MAP, named("c"))
    sandbox.cloud.delete(NAMESPACE, "apps", {})
    assert [item.id for item in sandbox.world.all("kubernetes")] == ["default/c"]
    sandbox.cloud.delete(CONFIG_MAP, "apps/c", {})


def test_a_system_namespace_may_not_be_deleted(sandbox: Sandbox) -> None:
    sandbox.world.put(Item(package="kubernetes", type=NAMESPACE, id="kube-system"))
    with pytest.raises(CloudError, match="this namespace may not be deleted"):
        sandbox.cloud.delete(NAMESPACE, "kube-system", {})


def test_pods_are_judged_by_the_level_of_their_namespace(sandbox: Sandbox) -> None:
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    sandbox.make(NAMESPACE, named("strict", None, **enforce))
    with pytest.raises(CloudError, match='violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false'):
        sandbox.make(DEPLOYMENT, deployment("strict"))
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    sandbox.make(DEPLOYMENT, deployment("strict", securityContext=context))
    sandbox.make(DEPLOYMENT, deployment("default"))


def test_a_workload_is_not_ready_in_a_cluster_without_nodes_unless_nobody_waits(sandbox: Sandbox) -> None:
    sandbox.forget("aws:eks/nodeGroup:NodeGroup")
    inputs = deployment()
    with pytest.raises(CloudError, match="the cluster has no node group"):
        sandbox.make(DEPLOYMENT, inputs)
    inputs["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    sandbox.make(DEPLOYMENT, inputs)


@pytest.mark.parametrize("lost", ["release", "nodes"])
def test_a_pool_cannot_go_once_karpenter_cannot_take_its_nodes_down(sandbox: Sandbox, lost: str) -> None:
    sandbox.karpenter()
    sandbox.make(NODE_POOL, node_pool())
    if lost == "release":
        sandbox.cloud.delete(RELEASE, "kube-system/karpenter", {})
    else:
        sandbox.forget("aws:eks/nodeGroup:NodeGroup")
    with pytest.raises(CloudError, match=r"finalizer karpenter.sh/termination would never be removed"):
        sandbox.cloud.delete(NODE_POOL, "chat", {})


def test_crds_cannot_go_before_their_objects(sandbox: Sandbox) -> None:
    sandbox.karpenter()
    sandbox.make(NODE_POOL, node_pool())
    with pytest.raises(CloudError, match=r'"nodepools.karpenter.sh" still has instances: chat'):
        sandbox.cloud.delete(RELEASE, "kube-system/karpenter-crd", {})


def test_an_edit_in_the_world_is_read_as_drift_and_a_deleted_file_as_gone(sandbox: Sandbox) -> None:
    identity, outputs = sandbox.make(CONFIG_MAP, {**named("c"), "data": {"a": "1"}})
    (file,) = (sandbox.world.folder / "kubernetes").rglob("*.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    document["inputs"]["data"]["a"] = "edited"
    file.write_text(json.dumps(document), encoding="utf-8")
    found = sandbox.cloud.read(CONFIG_MAP, identity, {}, outputs)
    assert found is not None
    assert found[1]["data"] == found[2]["data"] == {"a": "edited"}
    file.unlink()
    assert sandbox.cloud.read(CONFIG_MAP, identity, {}, outputs) is None


def test_a_secret_is_in_the_outputs_but_not_in_the_world(sandbox: Sandbox) -> None:
    inputs = {**named("s"), "stringData": {"key": Secret("hunter2")}}
    identity, outputs = sandbox.make("kubernetes:core/v1:Secret", inputs)
    assert outputs["stringData"]["key"].reveal() == "hunter2"
    (file,) = (sandbox.world.folder / "kubernetes").rglob("*.json")
    assert "hunter2" not in file.read_text(encoding="utf-8")
    found = sandbox.cloud.read("kubernetes:core/v1:Secret", identity, inputs, outputs)
    assert found is not None
    assert found[2]["stringData"]["key"].reveal() == "hunter2"


def test_an_update_in_place_changes_the_object_and_nothing_else(sandbox: Sandbox) -> None:
    identity, before = sandbox.make(DEPLOYMENT, deployment())
    news = sandbox.cloud.check(DEPLOYMENT, "web", {}, deployment(image="a:2")).inputs
    preview = sandbox.cloud.update(DEPLOYMENT, identity, before, news, preview=True)
    after = sandbox.cloud.update(DEPLOYMENT, identity, before, news, preview=False)
    assert preview["metadata"]["uid"] == after["metadata"]["uid"] == before["metadata"]["uid"]
    assert (preview["metadata"]["generation"], after["metadata"]["generation"]) == (UNKNOWN, 2)
    assert after["spec"]["template"]["spec"]["containers"][0]["image"] == "a:2"


def test_an_update_of_what_is_gone_or_immutable_is_refused(sandbox: Sandbox) -> None:
    sandbox.karpenter()
    with pytest.raises(CloudError, match=r'nodepools.karpenter.sh "chat" not found'):
        sandbox.cloud.update(NODE_POOL, "chat", {}, node_pool(), preview=False)
    _, before = sandbox.make(NODE_POOL, node_pool())
    news = node_pool()
    news["spec"]["template"]["spec"]["nodeClassRef"]["kind"] = "Other"
    with pytest.raises(CloudError, match=r"nodeClassRef.kind is immutable"):
        sandbox.cloud.update(NODE_POOL, "chat", before, {**before, **news}, preview=False)


def test_a_cluster_that_is_not_there_does_not_answer(sandbox: Sandbox) -> None:
    sandbox.forget("aws:eks/cluster:Cluster")
    with pytest.raises(CloudError, match=r"configured Kubernetes cluster is unreachable.*no such host"):
        sandbox.make(CONFIG_MAP, named("c"))
    sandbox.cloud.configure({"kubeconfig": kubeconfig("https://127.0.0.1:6443")})
    sandbox.make(CONFIG_MAP, named("c"))
    for nothing in ({}, {"context": ""}):
        sandbox.cloud.configure(nothing)
        with pytest.raises(CloudError, match="no configuration has been provided"):
            sandbox.cloud.read(CONFIG_MAP, "default/c", {}, {})


def test_a_context_that_is_named_stands_for_a_cluster_outside_aws_which_has_nodes(sandbox: Sandbox) -> None:
    sandbox.forget("aws:eks/cluster:Cluster")
    sandbox.cloud.configure({"context": "kind-modelyard"})
    sandbox.make(DEPLOYMENT, deployment())
    sandbox.cloud.configure({"context": "kind-modelyard", "kubeconfig": kubeconfig()})
    with pytest.raises(CloudError, match="no such host"):
        sandbox.make(CONFIG_MAP, named("c"))


def test_a_tunnel_leads_to_the_cluster_whose_name_the_certificate_has(sandbox: Sandbox) -> None:
    host = ENDPOINT.removeprefix("https://")
    tunnel = {"server": "https://127.0.0.1:8443", "tls-server-name": host}
    config = {**json.loads(kubeconfig()), "clusters": [{"name": "c", "cluster": tunnel}]}
    sandbox.cloud.configure({"kubeconfig": json.dumps(config)})
    sandbox.make(CONFIG_MAP, named("c"))
    tunnel["tls-server-name"] = f"another-{host}"
    sandbox.cloud.configure({"kubeconfig": json.dumps(config)})
    with pytest.raises(CloudError, match="no such host"):
        sandbox.make(CONFIG_MAP, named("d"))


def test_what_was_in_a_lost_cluster_can_be_let_go_of_when_asked(sandbox: Sandbox) -> None:
    sandbox.make(CONFIG_MAP, named("c"))
    sandbox.forget("aws:eks/cluster:Cluster")
    with pytest.raises(CloudError, match="unreachable"):
        sandbox.cloud.delete(CONFIG_MAP, "default/c", {})
    sandbox.cloud.configure({"kubeconfig": kubeconfig(), "deleteUnreachable": "true"})
    sandbox.cloud.delete(CONFIG_MAP, "default/c", {})
    assert sandbox.world.all("kubernetes") == []


def test_only_who_has_an_access_entry_and_a_policy_gets_in(sandbox: Sandbox) -> None:
    role = "arn:aws:iam::000000000000:role/deployer"
    sandbox.cloud.configure({"kubeconfig": kubeconfig(ENDPOINT, "--role-arn", role)})
    with pytest.raises(CloudError, match="the server has asked for the client to provide credentials"):
        sandbox.make(CONFIG_MAP, named("c"))
    entry = {"clusterName": "dev", "principalArn": role}
    sandbox.aws("aws:eks/accessEntry:AccessEntry", "e", entry)
    with pytest.raises(CloudError, match="no access policy"):
        sandbox.make(CONFIG_MAP, named("c"))
    sandbox.aws("aws:eks/accessPolicyAssociation:AccessPolicyAssociation", "p", entry)
    sandbox.make(CONFIG_MAP, named("c"))


def test_a_cluster_without_creator_admin_lets_nobody_in_by_itself(sandbox: Sandbox) -> None:
    access = {"bootstrapClusterCreatorAdminPermissions": False}
    sandbox.aws("aws:eks/cluster:Cluster", "dev", {"name": "dev", "accessConfig": access}, {"endpoint": ENDPOINT})
    with pytest.raises(CloudError, match="no EKS access entry for the caller"):
        sandbox.make(CONFIG_MAP, named("c"))


def test_another_cluster_replaces_everything_and_a_moved_endpoint_only_without_an_identifier(sandbox: Sandbox) -> None:
    old = {"kubeconfig": kubeconfig("https://a"), "clusterIdentifier": "dev"}
    moved = {"kubeconfig": kubeconfig("https://b"), "clusterIdentifier": "dev"}
    assert sandbox.cloud.diff_config(old, moved).replaces == ()
    assert sandbox.cloud.diff_config(old, {**old, "clusterIdentifier": "prod"}).replaces == ("clusterIdentifier",)
    for settings in (old, moved):
        del settings["clusterIdentifier"]
    assert sandbox.cloud.diff_config(old, moved).replaces == ("kubeconfig",)
    assert sandbox.cloud.diff_config(old, old).changed == ()


def test_the_provider_can_put_objects_into_a_namespace_of_its_own(sandbox: Sandbox) -> None:
    sandbox.cloud.configure({"kubeconfig": kubeconfig(), "namespace": "apps"})
    assert sandbox.cloud.check(CONFIG_MAP, "c", {}, named("c")).inputs["metadata"]["namespace"] == "apps"
    assert "namespace" not in sandbox.cloud.check(NAMESPACE, "n", {}, named("n")).inputs["metadata"]


def test_the_texts_of_a_secret_come_back_in_base64_as_a_secret(sandbox: Sandbox) -> None:
    token = "kubernetes:core/v1:Secret"
    inputs = {**named("keys", "default"), "stringData": {"password": Secret("hush")}, "data": {"user": "cmVhZGVy"}}
    identity, made = sandbox.make(token, inputs)
    assert made["data"] == {"user": "cmVhZGVy", "password": "aHVzaA=="}
    assert "aHVzaA==" not in repr(made)
    changed = {"kind": "Secret", **inputs, "stringData": {"password": Secret("other")}}
    after = sandbox.cloud.update(token, identity, made, changed, preview=False)
    assert after["data"]["password"] == "b3RoZXI="


def test_a_service_has_the_same_address_in_whatever_order_services_are_made(tmp_path: Path) -> None:
    def addresses(folder: Path, *names: str) -> dict[str, str]:
        box = Sandbox(folder)
        made = {
            name: box.make(
                SERVICE, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}}, name
            )
            for name in names
        }
        return {name: outputs["spec"]["clusterIP"] for name, (_, outputs) in made.items()}

    found = addresses(tmp_path / "a", "stable", "canary", "registry")
    assert found == addresses(tmp_path / "b", "registry", "canary", "stable") and len(set(found.values())) == 3
