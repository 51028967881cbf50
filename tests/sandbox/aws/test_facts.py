"""The simulator's immutable properties and enumerations against AWS's own resource schemas, as cfn-lint ships them.

The provider's names and CloudFormation's differ here and there; what differs in substance is listed with its reason.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.aws.rules import limits
from sandbox.aws.table import table

KINDS = {
    "aws:ec2/vpc:Vpc": "AWS::EC2::VPC",
    "aws:ec2/subnet:Subnet": "AWS::EC2::Subnet",
    "aws:ec2/eip:Eip": "AWS::EC2::EIP",
    "aws:ec2/natGateway:NatGateway": "AWS::EC2::NatGateway",
    "aws:ec2/routeTable:RouteTable": "AWS::EC2::RouteTable",
    "aws:ec2/route:Route": "AWS::EC2::Route",
    "aws:ec2/routeTableAssociation:RouteTableAssociation": "AWS::EC2::SubnetRouteTableAssociation",
    "aws:ec2/securityGroup:SecurityGroup": "AWS::EC2::SecurityGroup",
    "aws:ec2/vpcEndpoint:VpcEndpoint": "AWS::EC2::VPCEndpoint",
    "aws:ec2/flowLog:FlowLog": "AWS::EC2::FlowLog",
    "aws:ec2/launchTemplate:LaunchTemplate": "AWS::EC2::LaunchTemplate",
    "aws:ec2/placementGroup:PlacementGroup": "AWS::EC2::PlacementGroup",
    "aws:eks/cluster:Cluster": "AWS::EKS::Cluster",
    "aws:eks/nodeGroup:NodeGroup": "AWS::EKS::Nodegroup",
    "aws:eks/addon:Addon": "AWS::EKS::Addon",
    "aws:eks/accessEntry:AccessEntry": "AWS::EKS::AccessEntry",
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": "AWS::EKS::PodIdentityAssociation",
    "aws:iam/role:Role": "AWS::IAM::Role",
    "aws:iam/rolePolicy:RolePolicy": "AWS::IAM::RolePolicy",
    "aws:iam/policy:Policy": "AWS::IAM::ManagedPolicy",
    "aws:iam/instanceProfile:InstanceProfile": "AWS::IAM::InstanceProfile",
    "aws:kms/key:Key": "AWS::KMS::Key",
    "aws:kms/alias:Alias": "AWS::KMS::Alias",
    "aws:sqs/queue:Queue": "AWS::SQS::Queue",
    "aws:cloudwatch/logGroup:LogGroup": "AWS::Logs::LogGroup",
    "aws:cloudwatch/eventRule:EventRule": "AWS::Events::Rule",
    "aws:s3/bucket:Bucket": "AWS::S3::Bucket",
    "aws:secretsmanager/secret:Secret": "AWS::SecretsManager::Secret",
    "aws:ssm/parameter:Parameter": "AWS::SSM::Parameter",
    "aws:ecr/repository:Repository": "AWS::ECR::Repository",
}

NAMES = {
    "groupdescription": "description",
    "bucketname": "bucket",
    "bucketnameprefix": "bucketprefix",
    "noderole": "noderolearn",
    "subnets": "subnetids",
    "privateipaddress": "privateip",
    "deliverlogspermissionarn": "iamrolearn",
    "encryptionconfiguration": "encryptionconfigurations",
}
"""CloudFormation's name, lower-case, where the provider has another one."""

IMMUTABLE_ELSEWHERE = {
    "vpcencryptioncontrol": "a resource of its own in the provider",
    "transferaddress": "the provider has no such property",
    "routetableid of aws:ec2/routeTableAssociation:RouteTableAssociation": "the provider replaces the association in place",
    "dnsoptions": "the provider updates it in place",
    "resourceid": "the provider has vpcId, subnetId, eniId and others in its place",
    "resourcetype": "follows from the property that is given",
    "loggroupname": "the provider has logDestination only",
    "tagfieldspecifications": "the provider has no such property",
    "parentgroupid": "the provider has no such property",
    "tags of aws:ec2/placementGroup:PlacementGroup": "the provider tags in place",
}

VALUES_ELSEWHERE: dict[str, set[Any]] = {
    "aws:ec2/vpc:Vpc instanceTenancy": {"host"},
    "aws:ec2/vpcEndpoint:VpcEndpoint vpcEndpointType": {"Tunnel"},
    "aws:ec2/placementGroup:PlacementGroup strategy": {"precision-time"},
    "aws:eks/nodeGroup:NodeGroup capacityType": {"OnDemand"},
    "aws:eks/addon:Addon resolveConflictsOnCreate": {"PRESERVE"},
    "aws:cloudwatch/logGroup:LogGroup retentionInDays": {0},
    "aws:ssm/parameter:Parameter type": {"SecureString"},
}
"""Values that one side has and the other has not: the provider refuses the first five, and adds the last two itself."""


@functools.cache
def _schemas() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("cfnlint")
    assert spec is not None
    folder = Path(str(spec.origin)).parent / "data" / "schemas" / "resources"
    wanted = set(KINDS.values())
    found: dict[str, dict[str, Any]] = {}
    for file in folder.glob("*.json"):
        text = file.read_text(encoding="utf-8")
        if wanted & set(re.findall(r'"typeName":\s*"([^"]+)"', text)):
            schema = json.loads(text)
            if schema["typeName"] in wanted:
                found.setdefault(schema["typeName"], schema)
    return found


@pytest.mark.parametrize("token", sorted(KINDS))
def test_what_aws_cannot_change_in_place_replaces_here_too(token: str) -> None:
    row = table()[token]
    ours = {path.split(".")[0].lower() for path in (*row.replaces, *row.once)}
    for pointer in _schemas()[KINDS[token]].get("createOnlyProperties", []):
        theirs = pointer.removeprefix("/properties/").split("/")[0].lower()
        plain = theirs.removeprefix(KINDS[token].rpartition("::")[2].lower())
        names = {theirs, plain, NAMES.get(theirs, theirs), *({"name"} if theirs.endswith("name") else ())}
        names |= {"role"} if theirs == "rolename" else set()
        excused = theirs in IMMUTABLE_ELSEWHERE or f"{theirs} of {token}" in IMMUTABLE_ELSEWHERE
        assert names & ours or excused, f"{pointer} of {token} is immutable in AWS"


def _enums(node: Any, leaf: str, key: str = "") -> Iterator[set[Any]]:
    if isinstance(node, dict):
        if key.lower() == leaf.lower() and "enum" in node:
            yield set(node["enum"])
        for name, part in node.items():
            yield from _enums(part, leaf, name)


def test_the_enumerations_are_those_of_aws() -> None:
    compared = 0
    for token in set(limits.table()) & set(KINDS):
        schema = _schemas()[KINDS[token]]
        for path, allowed in limits.table()[token].items():
            name = path.rpartition(".")[2].removesuffix("[*]")
            leaf = "resolveConflicts" if name.startswith("resolveConflicts") else name
            where = schema["properties"] if path == name else schema
            for theirs in _enums(where, leaf) if isinstance(allowed, list) else ():
                compared += 1
                if name == "resourceType":
                    assert set(allowed) <= theirs
                else:
                    assert set(allowed) ^ theirs <= VALUES_ELSEWHERE.get(f"{token} {name}", set()), (token, path)
    assert compared > 20


@pytest.mark.parametrize(
    ("token", "inputs", "path"),
    [
        ("aws:iam/role:Role", {"name": "r" * 64}, None),
        ("aws:iam/role:Role", {"name": "r" * 65}, "name"),
        ("aws:kms/key:Key", {"deletionWindowInDays": 7}, None),
        ("aws:kms/key:Key", {"deletionWindowInDays": 6}, "deletionWindowInDays"),
        ("aws:kms/alias:Alias", {"name": "alias/mine"}, None),
        ("aws:kms/alias:Alias", {"name": "alias/aws/mine"}, "name"),
        (
            "aws:eks/nodeGroup:NodeGroup",
            {"taints": [{"effect": "NO_SCHEDULE"}, {"effect": "NoSchedule"}]},
            "taints[1].effect",
        ),
        (
            "aws:ec2/launchTemplate:LaunchTemplate",
            {"metadataOptions": {"httpTokens": "requird"}},
            "metadataOptions.httpTokens",
        ),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 30}, None),
        ("aws:cloudwatch/logGroup:LogGroup", {"retentionInDays": 31}, "retentionInDays"),
        ("aws:ec2/vpc:Vpc", {"tags": {"k" * 128: "v" * 256}}, None),
        ("aws:ec2/vpc:Vpc", {"tags": {"k": "v" * 257}}, "tags.k"),
        ("aws:ec2/vpc:Vpc", {"tags": {"aws:k": "v"}}, "tags.aws:k"),
        ("aws:ec2/vpc:Vpc", {"tags": {str(number): "v" for number in range(51)}}, "tags"),
    ],
)
def test_the_last_value_that_aws_takes_and_the_first_that_it_refuses(
    token: str, inputs: dict[str, Any], path: str | None
) -> None:
    assert [fault.path for fault in limits.faults(token, inputs)] == ([path] if path else [])
