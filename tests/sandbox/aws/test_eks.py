"""What EKS refuses: versions, trust, and an order in which nothing could become ready."""

from __future__ import annotations

from typing import Any

import pytest

CLUSTER = "aws:eks/cluster:Cluster"
ADDON = "aws:eks/addon:Addon"
NODES = "aws:eks/nodeGroup:NodeGroup"
ENTRY = "aws:eks/accessEntry:AccessEntry"
GRANT = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"


@pytest.fixture
def net(account: Any) -> dict[str, str]:
    return dict(account.network())


def test_a_cluster_its_nodes_and_all_addons_come_up_in_order_and_go_in_order(account: Any, net: dict[str, str]) -> None:
    account.cluster(net)
    account.addons("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
    group, _ = account.make(NODES, "n", **account.node_inputs(net))
    account.addons("coredns", "metrics-server")
    with account.refuses("ResourceInUseException"):
        account.cloud.delete(CLUSTER, "c", {})
    account.cloud.delete(NODES, group, {})
    account.cloud.delete(CLUSTER, "c", {})
    assert account.world.all("aws", ADDON) == []


@pytest.mark.parametrize("missing", ["vpc-cni", "kube-proxy"])
def test_nodes_do_not_join_without_the_addons_that_make_them_ready(
    account: Any, net: dict[str, str], missing: str
) -> None:
    account.cluster(net)
    account.addons(*{"vpc-cni", "kube-proxy"} - {missing})
    with account.refuses("NodeCreationFailure"):
        account.make(NODES, "n", **account.node_inputs(net))


def test_self_managed_addons_make_nodes_ready_and_clash_with_managed_ones(account: Any, net: dict[str, str]) -> None:
    account.cluster(net, bootstrapSelfManagedAddons=True)
    account.make(NODES, "n", **account.node_inputs(net))
    with account.refuses("ConfigurationConflict"):
        account.make(ADDON, "cni", clusterName="c", addonName="vpc-cni")
    account.make(ADDON, "cni", clusterName="c", addonName="vpc-cni", resolveConflictsOnCreate="OVERWRITE")


@pytest.mark.parametrize("name", ["coredns", "metrics-server", "aws-ebs-csi-driver"])
def test_an_addon_of_pods_never_becomes_healthy_without_nodes(account: Any, net: dict[str, str], name: str) -> None:
    account.cluster(net)
    with account.refuses("InsufficientNumberOfReplicas"):
        account.addons(name)


def test_nodes_need_a_way_out(account: Any, net: dict[str, str]) -> None:
    account.cluster(net)
    account.addons("vpc-cni", "kube-proxy")
    inputs = account.node_inputs(net)
    with account.refuses("NodeCreationFailure"):
        account.make(NODES, "n", **{**inputs, "subnetIds": [net["public"]]})
    for service in ("ec2", "ecr.api", "ecr.dkr", "sts", "s3", "eks"):
        name = f"com.amazonaws.us-east-1.{service}"
        account.make("aws:ec2/vpcEndpoint:VpcEndpoint", service, vpcId=net["vpc"], serviceName=name)
    account.make(NODES, "n", **{**inputs, "subnetIds": [net["public"]]})


@pytest.mark.parametrize(
    "lost", ["AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly", "AmazonEKS_CNI_Policy"]
)
def test_nodes_need_each_permission(account: Any, net: dict[str, str], lost: str) -> None:
    account.cluster(net)
    account.addons("vpc-cni", "kube-proxy")
    inputs = account.node_inputs(net)
    account.cloud.delete(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", f"nodes/arn:aws:iam::aws:policy/{lost}", {}
    )
    with account.refuses("NodeCreationFailure"):
        account.make(NODES, "n", **inputs)


def test_nodes_are_in_the_vpc_of_their_cluster(account: Any, net: dict[str, str]) -> None:
    account.cluster(net)
    account.addons("vpc-cni", "kube-proxy")
    other, _ = account.make("aws:ec2/vpc:Vpc", "other", cidrBlock="10.9.0.0/16")
    place = {"vpcId": other, "cidrBlock": "10.9.0.0/24", "availabilityZone": "us-east-1a"}
    subnet, _ = account.make("aws:ec2/subnet:Subnet", "elsewhere", **place)
    with account.refuses("InvalidParameterException"):
        account.make(NODES, "n", **{**account.node_inputs(net), "subnetIds": [subnet]})


def test_vpc_cni_with_a_pod_identity_needs_the_agent_before_the_nodes(account: Any, net: dict[str, str]) -> None:
    account.cluster(net)
    account.addons("kube-proxy")
    role = account.role("cni", "pods.eks.amazonaws.com")
    association = {"roleArn": role, "serviceAccount": "aws-node"}
    account.make(ADDON, "cni", clusterName="c", addonName="vpc-cni", podIdentityAssociations=[association])
    inputs = account.node_inputs(net)
    policy = "nodes/arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
    account.cloud.delete("aws:iam/rolePolicyAttachment:RolePolicyAttachment", policy, {})
    with account.refuses("NodeCreationFailure"):
        account.make(NODES, "n", **inputs)
    account.addons("eks-pod-identity-agent")
    account.make(NODES, "n", **inputs)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"scalingConfig": {"minSize": 3, "desiredSize": 2, "maxSize": 3}}, "InvalidParameterException"),
        ({"amiType": "AL2023_ARM_64_STANDARD", "instanceTypes": ["m7i.large"]}, "InvalidParameterException"),
        ({"amiType": "AL2023_x86_64_STANDARD", "instanceTypes": ["m7g.large"]}, "InvalidParameterException"),
        ({"amiType": "AL2023_x86_64_NVIDIA", "instanceTypes": ["g6e.xlarge"]}, None),
        ({"amiType": "AL2023_ARM_64_NVIDIA", "instanceTypes": ["g5g.xlarge"]}, None),
        ({"version": "1.36"}, "InvalidParameterException"),
        ({"version": "1.34"}, None),
    ],
)
def test_a_node_group_is_launchable(
    account: Any, net: dict[str, str], changes: dict[str, Any], code: str | None
) -> None:
    account.cluster(net)
    account.addons("vpc-cni", "kube-proxy")
    inputs = {**account.node_inputs(net), **changes}
    if code is None:
        account.make(NODES, "n", **inputs)
    else:
        with account.refuses(code):
            account.make(NODES, "n", **inputs)


@pytest.mark.parametrize(
    ("version", "fits"), [("1.34", False), ("1.35", True), ("1.36", True), ("1.37", False), ("2.0", False)]
)
def test_a_cluster_moves_one_minor_at_a_time_and_never_down(
    account: Any, net: dict[str, str], version: str, fits: bool
) -> None:
    account.cluster(net)
    inputs = account.world.get("aws", CLUSTER, "c").inputs
    if fits:
        assert account.change(CLUSTER, "c", **{**inputs, "version": version})["version"] == version
    else:
        with account.refuses("InvalidParameterException"):
            account.change(CLUSTER, "c", **{**inputs, "version": version})


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vpcConfig": {"subnetIds": ["a", "public"]}}, "InvalidParameterException"),
        ({"vpcConfig": {"subnetIds": ["a", "b"], "endpointPublicAccess": False}}, "InvalidParameterException"),
        ({"version": "1.x"}, "InvalidParameterException"),
        ({"name": "has spaces"}, "InvalidParameterException"),
    ],
)
def test_a_cluster_in_one_zone_or_without_any_endpoint_is_refused(
    account: Any, net: dict[str, str], change: dict[str, Any], code: str
) -> None:
    if "vpcConfig" in change:
        named = [net[key] for key in change["vpcConfig"]["subnetIds"]]
        change = {"vpcConfig": {**change["vpcConfig"], "subnetIds": named}}
    with account.refuses(code):
        account.cluster(net, **change)


def test_a_role_that_does_not_trust_the_service_is_refused(account: Any, net: dict[str, str]) -> None:
    wrong = account.role("wrong", "ec2.amazonaws.com")
    with account.refuses("InvalidParameterException"):
        account.cluster(net, roleArn=wrong)
    account.make(CLUSTER, "c", **_cluster(account, net))
    association = {"clusterName": "c", "namespace": "n", "serviceAccount": "s"}
    token = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
    with account.refuses("InvalidParameterException"):
        account.make(token, "p", **association, roleArn=wrong)
    account.make(token, "p", **association, roleArn=account.role("right", "pods.eks.amazonaws.com"))


def _cluster(account: Any, net: dict[str, str]) -> dict[str, Any]:
    arn = account.world.get("aws", "aws:iam/role:Role", "control").state["arn"]
    return {"name": "c", "roleArn": arn, "vpcConfig": {"subnetIds": [net["a"], net["b"]]}}


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "v1.2.3-eksbuild", "latest"])
def test_an_addon_version_that_eks_cannot_have_is_refused(account: Any, net: dict[str, str], version: str) -> None:
    account.cluster(net)
    with account.refuses("InvalidParameterException"):
        account.make(ADDON, "a", clusterName="c", addonName="vpc-cni", addonVersion=version)


def test_addon_values_are_a_json_object(account: Any, net: dict[str, str]) -> None:
    account.cluster(net)
    account.make(ADDON, "a", clusterName="c", addonName="vpc-cni", configurationValues='{"env": {}}')
    with account.refuses("InvalidParameterException"):
        account.make(ADDON, "b", clusterName="c", addonName="kube-proxy", configurationValues="env: {}")


def test_access_goes_entry_first_then_policy_and_only_where_the_cluster_reads_entries(
    account: Any, net: dict[str, str]
) -> None:
    account.cluster(net)
    role = account.role("people", "ec2.amazonaws.com")
    grant = {"clusterName": "c", "principalArn": role, "policyArn": ADMIN, "accessScope": {"type": "cluster"}}
    with account.refuses("ResourceNotFoundException"):
        account.make(GRANT, "g", **grant)
    account.make(ENTRY, "e", clusterName="c", principalArn=role)
    with account.refuses("InvalidParameterException"):
        account.make(GRANT, "g", **{**grant, "policyArn": ADMIN + "s"})
    account.make(GRANT, "g", **grant)


def test_a_cluster_of_the_config_map_mode_takes_no_entries_and_the_mode_never_goes_back(
    account: Any, net: dict[str, str]
) -> None:
    account.cluster(net, accessConfig={"authenticationMode": "CONFIG_MAP"})
    role = account.role("people", "ec2.amazonaws.com")
    with account.refuses("InvalidRequestException"):
        account.make(ENTRY, "e", clusterName="c", principalArn=role)
    inputs = account.world.get("aws", CLUSTER, "c").inputs
    account.change(CLUSTER, "c", **{**inputs, "accessConfig": {"authenticationMode": "API"}})
    account.make(ENTRY, "e", clusterName="c", principalArn=role)
    with account.refuses("InvalidParameterException"):
        account.change(CLUSTER, "c", **{**inputs, "accessConfig": {"authenticationMode": "CONFIG_MAP"}})


def test_a_protected_cluster_stays_until_its_protection_is_taken_off(account: Any, net: dict[str, str]) -> None:
    account.cluster(net, deletionProtection=True)
    with account.refuses("InvalidRequestException"):
        account.cloud.delete(CLUSTER, "c", {})
    inputs = account.world.get("aws", CLUSTER, "c").inputs
    account.change(CLUSTER, "c", **{**inputs, "deletionProtection": False})
    account.cloud.delete(CLUSTER, "c", {})
