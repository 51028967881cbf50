"""Names of AWS's own: the last that it has and the first that it has not, in its own words; never in a preview."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.aws.rules import names
from sandbox.provider import CloudError

ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
MANAGED = "arn:aws:iam::aws:policy"
REAL: dict[str, dict[str, Any]] = {
    "aws:ec2/launchTemplate:LaunchTemplate": {"instanceType": "m7g.large", "blockDeviceMappings": [{"deviceName": "/dev/xvda"}]},
    "aws:ec2/subnet:Subnet": {"availabilityZone": "us-east-1f"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": {"serviceName": "com.amazonaws.us-east-1.eks-auth"},
    "aws:eks/accessPolicyAssociation:AccessPolicyAssociation": {
        "policyArn": "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    },
    "aws:eks/addon:Addon": {
        "addonName": "vpc-cni",
        "addonVersion": "v1.22.4-eksbuild.3",
        "podIdentityAssociations": [{"serviceAccount": "aws-node"}],
    },
    "aws:eks/cluster:Cluster": {"version": "1.36"},
    "aws:eks/nodeGroup:NodeGroup": {"version": "1.36", "instanceTypes": ["m7g.large", "m7g.xlarge"]},
    ROLE: {"managedPolicyArns": [f"{MANAGED}/AmazonEKS_CNI_Policy"], "permissionsBoundary": f"{MANAGED}/AmazonEKSClusterPolicy"},
    ATTACHMENT: {"policyArn": f"{MANAGED}/AmazonEBSCSIDriverPolicyV2"},
    "aws:iam/serviceLinkedRole:ServiceLinkedRole": {"awsServiceName": "spot.amazonaws.com"},
    "aws:rds/eventSubscription:EventSubscription": {"sourceType": "db-instance", "eventCategories": ["failover", "low storage"]},
    "aws:rds/instance:Instance": {
        "engine": "postgres",
        "engineVersion": "17",
        "instanceClass": "db.t4g.medium",
        "enabledCloudwatchLogsExports": ["postgresql"],
    },
    "aws:rds/parameterGroup:ParameterGroup": {"family": "postgres17", "parameters": [{"name": "rds.force_ssl"}]},
}  # fmt: skip
"""For each type with places, inputs in which each place holds a name that AWS has."""


def refusal(token: str, inputs: dict[str, Any]) -> str:
    try:
        names.check(token, inputs, "us-east-1")
    except CloudError as error:
        return str(error)
    return ""


def misspelt(token: str) -> list[tuple[str, dict[str, Any]]]:
    """The real inputs with one letter more at one place, for each place that AWS checks."""
    broken = []
    for found in names.held(token, REAL[token]):
        if names.kinds()[found.kind].said:
            text = json.dumps(REAL[token]).replace(json.dumps(found.value), json.dumps(f"{found.value}x"), 1)
            broken.append((found.path, json.loads(text)))
    return broken


def test_each_type_with_names_of_aws_has_its_example_with_each_place_filled() -> None:
    checked = {
        token for token, at in names.places().items() if any(names.kinds()[place.kind].said for place in at.values())
    }
    assert set(REAL) == checked
    for token, inputs in REAL.items():
        held = [found.path for found in names.held(token, inputs)]
        assert len({path.replace("[0]", "[*]").replace("[1]", "[*]") for path in held}) == len(names.places()[token])


@pytest.mark.parametrize("token", sorted(REAL))
def test_names_that_aws_has_are_taken_and_one_letter_more_is_refused(token: str) -> None:
    assert refusal(token, REAL[token]) == ""
    said = {path: refusal(token, inputs) for path, inputs in misspelt(token)}
    assert said
    assert [path for path, text in said.items() if "x" not in text] == []


def test_a_role_does_not_get_a_policy_from_another_folder_than_its_own(account: Any) -> None:
    account.role("r", "pods.eks.amazonaws.com")
    wrong = {"role": "r", "policyArn": f"{MANAGED}/service-role/AmazonEBSCSIDriverPolicyV2"}
    account.cloud.create(ATTACHMENT, "a", wrong, preview=True)
    with pytest.raises(CloudError) as refused:
        account.make(ATTACHMENT, "a", **wrong)
    assert str(refused.value) == f"NoSuchEntity: Policy {wrong['policyArn']} does not exist or is not attachable."
    account.make(ATTACHMENT, "a", role="r", policyArn=f"{MANAGED}/AmazonEBSCSIDriverPolicyV2")


def test_an_endpoint_of_another_region_is_no_service_here(account: Any) -> None:
    vpc, _ = account.make("aws:ec2/vpc:Vpc", "v", cidrBlock="10.0.0.0/16")
    with account.refuses("InvalidServiceName"):
        account.make("aws:ec2/vpcEndpoint:VpcEndpoint", "e", vpcId=vpc, serviceName="com.amazonaws.us-west-2.s3")
    account.make("aws:ec2/vpcEndpoint:VpcEndpoint", "e", vpcId=vpc, serviceName="com.amazonaws.us-east-1.s3")


@pytest.mark.parametrize(
    ("service", "said"), [("ec2.amazonaws.com", ""), ("ec2s.amazonaws.com", 'Invalid principal in policy: "SERVICE"')]
)
def test_a_service_that_a_role_trusts_exists(account: Any, service: str, said: str) -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    }
    assert said in account.reasons(ROLE, name="r", assumeRolePolicy=json.dumps(trust)).get("assumeRolePolicy", "")


def test_an_update_may_not_bring_a_name_that_aws_has_not(account: Any) -> None:
    net = account.network()
    account.cluster(net)
    account.addons("vpc-cni")
    with account.refuses("InvalidParameterException"):
        account.change(
            "aws:eks/addon:Addon", "c:vpc-cni", clusterName="c", addonName="vpc-cni", addonVersion="v9.9.9-eksbuild.1"
        )
