"""What EKS refuses: versions, authentication, and an order in which nodes or add-ons could never become ready."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.paths import at
from sandbox.aws.rules.documents import trusts
from sandbox.aws.rules.networking import groups_in, reaches_out, same_vpc
from sandbox.aws.view import ADDON, CLUSTER, ROLE, View, text
from sandbox.items import Item
from sandbox.provider import CloudError

NODE_GROUP = "aws:eks/nodeGroup:NodeGroup"
ENTRY = "aws:eks/accessEntry:AccessEntry"
GRANT = "aws:eks/accessPolicyAssociation:AccessPolicyAssociation"
POD_IDENTITY = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
PODS = "pods.eks.amazonaws.com"
SELF_MANAGED = ("vpc-cni", "kube-proxy", "coredns")
ON_NODES = ("coredns", "metrics-server", "aws-ebs-csi-driver")
MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")
NODE_POLICY = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
PULL_POLICIES = tuple(f"arn:aws:iam::aws:policy/AmazonEC2ContainerRegistry{kind}" for kind in ("PullOnly", "ReadOnly"))
CNI_POLICY = "arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy"
_ARM = re.compile(r"[a-z-]+\d+[a-z]*g[a-z]*\.")

Create = Callable[[View, Mapping[str, Any]], None]
Update = Callable[[View, Item, Mapping[str, Any]], None]


def cluster(view: View, inputs: Mapping[str, Any]) -> None:
    """Subnets in two zones of one VPC, a role that EKS may assume, a version that reads like one."""
    _named(text(inputs, "name", "x"))
    _minor(text(inputs, "version", "1.0"))
    places = view.subnets(at(inputs, "vpcConfig.subnetIds"))
    same_vpc(places, "")
    asked = at(inputs, "vpcConfig.subnetIds")
    zones = {place.state["availabilityZone"] for place in places}
    if isinstance(asked, list) and len(places) == len(asked) and len(zones) < 2:
        raise _invalid("Subnets specified must be in at least two different AZs")
    groups_in(view, at(inputs, "vpcConfig.securityGroupIds"), str(places[0].state["vpcId"]) if places else "")
    endpoint = at(inputs, "vpcConfig") or {}
    if endpoint.get("endpointPublicAccess") is False and not endpoint.get("endpointPrivateAccess"):
        raise _invalid("Private and public endpoint access cannot both be disabled")
    _trusted(view, inputs.get("roleArn"), "eks.amazonaws.com")


def change_cluster(view: View, item: Item, news: Mapping[str, Any]) -> None:
    """One minor at a time, never down; the authentication mode only moves towards API."""
    cluster(view, news)
    old, new = text(item.state, "version"), text(news, "version")
    if old and new and not 0 <= _minor(new) - _minor(old) <= 1:
        raise _invalid(f"Unsupported Kubernetes minor version update from {old} to {new}")
    before, after = (text(props, "accessConfig.authenticationMode", MODES[0]) for props in (item.state, news))
    if after not in MODES or MODES.index(after) < MODES.index(before):
        raise _invalid(f"Unsupported authentication mode update from {before} to {after}")
    for group in view.all(NODE_GROUP, clusterName=item.name):
        if new and _minor(new) - _minor(text(group.state, "version", new)) > 3:
            raise _invalid(f"Nodegroup {group.name} is too far behind for version {new}")


def addon(view: View, inputs: Mapping[str, Any]) -> None:
    """Values and roles that EKS takes; one whose pods need nodes only becomes healthy with a node group."""
    name = text(inputs, "addonName")
    values = text(inputs, "configurationValues")
    if values and not _is_object(values):
        raise _invalid("ConfigurationValue provided in request is not supported: it is no JSON object")
    for association in inputs.get("podIdentityAssociations") or ():
        if isinstance(association, Mapping):
            _trusted(view, association.get("roleArn"), PODS)
    home = view.one(CLUSTER, inputs.get("clusterName"))
    if home is None:
        return
    clash = name in SELF_MANAGED and home.state.get("bootstrapSelfManagedAddons") is not False
    if clash and inputs.get("resolveConflictsOnCreate") != "OVERWRITE":
        raise CloudError(
            "ConfigurationConflict", f"Conflicts found when trying to apply {name}: a self-managed one is there"
        )
    if name in ON_NODES and not view.all(NODE_GROUP, clusterName=home.name):
        raise CloudError(
            "InsufficientNumberOfReplicas",
            f"waiting for EKS Add-On ({home.name}:{name}) to be created: unexpected state 'DEGRADED', wanted target "
            "'ACTIVE': it doesn't have the desired number of replicas, because the cluster has no nodes",
        )


def node_group(view: View, inputs: Mapping[str, Any]) -> None:
    """Nodes that can be launched, reach AWS, have permission to join, and find network and proxy on arrival."""
    _launchable(inputs)
    home = view.one(CLUSTER, inputs.get("clusterName"))
    role = view.one(ROLE, inputs.get("nodeRoleArn"))
    _trusted(view, inputs.get("nodeRoleArn"), "ec2.amazonaws.com")
    own = {place.state["vpcId"] for place in view.subnets(at(home.state, "vpcConfig.subnetIds"))} if home else set()
    for place in view.subnets(inputs.get("subnetIds")):
        if own and place.state["vpcId"] not in own:
            raise _invalid(f"Subnet {place.id} is not in the VPC of the cluster")
        if not reaches_out(view, place):
            raise _not_joined(f"subnet {place.id} has neither a default route nor the endpoints that nodes need")
    if home is None or role is None:
        return
    if _minor(text(inputs, "version", text(home.state, "version"))) > _minor(text(home.state, "version")):
        raise _invalid("Nodegroup Kubernetes version cannot be newer than the cluster's")
    granted = {item.state["policyArn"] for item in view.all(ATTACHMENT, role=role.name)}
    if NODE_POLICY not in granted or not granted & set(PULL_POLICIES):
        raise _not_joined(f"role {role.name} lacks AmazonEKSWorkerNodePolicy or a registry pull policy")
    addons = {item.state["addonName"]: item for item in view.all(ADDON, clusterName=home.name)}
    bundled = SELF_MANAGED if home.state.get("bootstrapSelfManagedAddons") is not False else ()
    for needed in ("vpc-cni", "kube-proxy"):
        if needed not in addons and needed not in bundled:
            raise _not_joined(f"add-on {needed} is not there, so no node becomes ready")
    cni = addons["vpc-cni"].state if "vpc-cni" in addons else {}
    by_pod = bool(cni.get("podIdentityAssociations"))
    if CNI_POLICY not in granted and not by_pod and not cni.get("serviceAccountRoleArn"):
        raise _not_joined("neither the node role nor vpc-cni has AmazonEKS_CNI_Policy, so no node becomes ready")
    if by_pod and CNI_POLICY not in granted and "eks-pod-identity-agent" not in addons:
        raise _not_joined("vpc-cni uses Pod Identity and add-on eks-pod-identity-agent is not there")


def change_node_group(view: View, item: Item, news: Mapping[str, Any]) -> None:
    """Sizes and versions that EKS takes; never newer than the cluster."""
    _launchable(news)
    home = view.one(CLUSTER, item.state["clusterName"])
    version = text(news, "version")
    if home and version and _minor(version) > _minor(text(home.state, "version")):
        raise _invalid("Nodegroup Kubernetes version cannot be newer than the cluster's")


def entry(view: View, inputs: Mapping[str, Any]) -> None:
    """Access entries need a cluster that reads them."""
    home = view.one(CLUSTER, inputs.get("clusterName"))
    if home and text(home.state, "accessConfig.authenticationMode") == MODES[0]:
        raise CloudError(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        )


def grant(view: View, inputs: Mapping[str, Any]) -> None:
    """A principal has an access entry before it is granted an access policy."""
    principal = text(inputs, "principalArn")
    home = view.one(CLUSTER, inputs.get("clusterName"))
    if home and principal and not view.all(ENTRY, clusterName=home.name, principalArn=principal):
        raise CloudError(
            "ResourceNotFoundException",
            f"The specified principalArn could not be found: no access entry for {principal}",
        )


def pod_identity(view: View, inputs: Mapping[str, Any]) -> None:
    """The role must trust EKS Pod Identity."""
    _trusted(view, inputs.get("roleArn"), PODS)


def _launchable(inputs: Mapping[str, Any]) -> None:
    sizes = [at(inputs, f"scalingConfig.{name}") for name in ("minSize", "desiredSize", "maxSize")]
    if all(isinstance(size, int) for size in sizes) and sizes != sorted(sizes):
        raise _invalid(f"Sizes must be minimum <= desired <= maximum, found {sizes}")
    if inputs.get("launchTemplate") and (inputs.get("diskSize") or inputs.get("remoteAccess")):
        raise _invalid("Disk size and remote access must be specified within the launch template.")
    arm = "ARM_64" in text(inputs, "amiType", "x86_64")
    for kind in inputs.get("instanceTypes") or ():
        if text(inputs, "amiType") not in ("", "CUSTOM") and bool(_ARM.match(kind)) is not arm:
            raise _invalid(f"[{kind}] is not a valid instance type for requested amiType {inputs['amiType']}")


def _trusted(view: View, arn: Any, service: str) -> None:
    role = view.one(ROLE, arn)
    if role and not trusts(role.state.get("assumeRolePolicy"), service):
        raise _invalid(f"Trust policy of role {role.name} must include {service} with sts:AssumeRole")


def _minor(version: str) -> int:
    found = re.fullmatch(r"1\.(\d+)", version)
    if found is None:
        raise _invalid(f"unsupported Kubernetes version {version}")
    return int(found[1])


def _named(name: str) -> None:
    if not re.fullmatch(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", name):
        raise _invalid(f"The cluster name {name} must be up to 100 letters, digits, - and _")


def _is_object(values: str) -> bool:
    try:
        return isinstance(json.loads(values), dict)
    except ValueError:
        return False


def _invalid(said: str) -> CloudError:
    return CloudError("InvalidParameterException", said)


def _not_joined(why: str) -> CloudError:
    return CloudError("NodeCreationFailure", f"Instances failed to join the kubernetes cluster: {why}")


CREATE: dict[str, Create] = {
    CLUSTER: cluster,
    ADDON: addon,
    NODE_GROUP: node_group,
    ENTRY: entry,
    GRANT: grant,
    POD_IDENTITY: pod_identity,
}
UPDATE: dict[str, Update] = {CLUSTER: change_cluster, NODE_GROUP: change_node_group}
