"""What AWS refuses about networks, references, names in use and the order of deletion: happy first, then one thing broken."""

from __future__ import annotations

from typing import Any

import pytest

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
IGW = "aws:ec2/internetGateway:InternetGateway"
NAT = "aws:ec2/natGateway:NatGateway"
EIP = "aws:ec2/eip:Eip"
TABLE = "aws:ec2/routeTable:RouteTable"
ROUTE = "aws:ec2/route:Route"
LINK = "aws:ec2/routeTableAssociation:RouteTableAssociation"
ENDPOINT = "aws:ec2/vpcEndpoint:VpcEndpoint"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
ROLE = "aws:iam/role:Role"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
QUEUE = "aws:sqs/queue:Queue"
RULE = "aws:cloudwatch/eventRule:EventRule"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"


@pytest.mark.parametrize(
    ("cidr", "code"),
    [
        ("10.0.3.0/24", None),
        ("10.0.3.0/28", None),
        ("10.0.3.0/29", "InvalidSubnet.Range"),
        ("10.1.0.0/24", "InvalidSubnet.Range"),
        ("10.0.0.128/25", "InvalidSubnet.Conflict"),
        ("10.0.3.1/24", "InvalidParameterValue"),
    ],
)
def test_a_subnet_lies_in_its_vpc_and_overlaps_no_sibling(account: Any, cidr: str, code: str | None) -> None:
    vpc, _ = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    account.make(SUBNET, "first", vpcId=vpc, cidrBlock="10.0.0.0/24")
    if code is None:
        account.make(SUBNET, "s", vpcId=vpc, cidrBlock=cidr)
    else:
        with account.refuses(code):
            account.make(SUBNET, "s", vpcId=vpc, cidrBlock=cidr)


@pytest.mark.parametrize(("size", "fits"), [(15, False), (16, True), (28, True), (29, False)])
def test_a_vpc_is_between_16_and_28(account: Any, size: int, fits: bool) -> None:
    if fits:
        account.make(VPC, "v", cidrBlock=f"10.0.0.0/{size}")
    else:
        with account.refuses("InvalidVpc.Range"):
            account.make(VPC, "v", cidrBlock=f"10.0.0.0/{size}")


def test_a_zone_of_another_region_is_refused(account: Any) -> None:
    vpc, _ = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    with account.refuses("InvalidParameterValue"):
        account.make(SUBNET, "s", vpcId=vpc, cidrBlock="10.0.0.0/24", availabilityZone="us-west-2a")


@pytest.mark.parametrize(
    ("token", "inputs", "code"),
    [
        (SUBNET, {"vpcId": "vpc-00000000000000bad", "cidrBlock": "10.0.0.0/24"}, "InvalidVpcID.NotFound"),
        (NAT, {"subnetId": "subnet-0000000000000bad0"}, "InvalidSubnetID.NotFound"),
        (ATTACHMENT, {"role": "nobody", "policyArn": "arn:aws:iam::aws:policy/X"}, "NoSuchEntity"),
        (ATTACHMENT, {"role": "r", "policyArn": "arn:aws:iam::000000000000:policy/none"}, "ResourceNotFoundException"),
        ("aws:eks/addon:Addon", {"clusterName": "none", "addonName": "coredns"}, "ResourceNotFoundException"),
        (
            "aws:sqs/queuePolicy:QueuePolicy",
            {"queueUrl": "https://x", "policy": "{"},
            "AWS.SimpleQueueService.NonExistentQueue",
        ),
        (TARGET, {"rule": "none", "arn": "arn:aws:sqs:us-east-1:111111111111:q"}, "ResourceNotFoundException"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "none", "versioningConfiguration": {}}, "NoSuchBucket"),
        ("aws:kms/alias:Alias", {"name": "alias/a", "targetKeyId": "none"}, "NotFoundException"),
    ],
)
def test_a_reference_to_what_does_not_exist_is_refused(
    account: Any, token: str, inputs: dict[str, Any], code: str
) -> None:
    account.role("r", "ec2.amazonaws.com")
    with account.refuses(code):
        account.cloud.create(token, "x", inputs, preview=False)


def test_a_preview_refuses_unknown_ids_but_not_names_that_are_still_to_be_made(account: Any) -> None:
    later = {"clusterName": "later", "addonName": "coredns"}
    account.cloud.create("aws:eks/addon:Addon", "x", later, preview=True)
    with account.refuses("InvalidVpcID.NotFound"):
        account.cloud.create(SUBNET, "x", {"vpcId": "vpc-00000000000000bad", "cidrBlock": "10.0.0.0/24"}, preview=True)


def test_arns_of_other_accounts_and_of_the_account_itself_are_taken_as_they_are(account: Any) -> None:
    account.role("r", "ec2.amazonaws.com")
    account.make(ATTACHMENT, "a", role="r", policyArn="arn:aws:iam::111111111111:policy/theirs")
    account.make(QUEUE, "q", name="q", tags={"owner": "arn:aws:iam::000000000000:role/none"})


def test_ids_that_a_vpc_brings_along_exist(account: Any) -> None:
    _, vpc = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    rule = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    account.make(rule, "r", securityGroupId=vpc["defaultSecurityGroupId"], ipProtocol="-1", cidrIpv4="10.0.0.0/16")
    group, _ = account.make(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup", "d", vpcId=vpc["arn"].rpartition("/")[2]
    )
    assert group == vpc["defaultSecurityGroupId"]


def test_a_public_nat_gateway_needs_an_internet_gateway_and_an_address(account: Any) -> None:
    vpc, _ = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    subnet, _ = account.make(SUBNET, "s", vpcId=vpc, cidrBlock="10.0.0.0/24")
    address, _ = account.make(EIP, "e")
    with account.refuses("Gateway.NotAttached"):
        account.make(NAT, "n", subnetId=subnet, allocationId=address)
    account.make(IGW, "i", vpcId=vpc)
    with account.refuses("MissingParameter"):
        account.make(NAT, "n", subnetId=subnet)
    account.make(NAT, "n", subnetId=subnet, allocationId=address)
    with account.refuses("Resource.AlreadyAssociated"):
        account.make(NAT, "n2", subnetId=subnet, allocationId=address)


def test_routes_and_associations_stay_within_one_vpc(account: Any) -> None:
    net = account.network()
    other, _ = account.make(VPC, "w", cidrBlock="10.9.0.0/16")
    table, _ = account.make(TABLE, "t", vpcId=other)
    with account.refuses("InvalidParameterValue"):
        account.make(ROUTE, "r", routeTableId=table, destinationCidrBlock="0.0.0.0/0", gatewayId=net["igw"])
    with account.refuses("InvalidParameterValue"):
        account.make(LINK, "l", routeTableId=table, subnetId=net["public"])


def test_an_endpoint_takes_one_subnet_per_zone_of_its_vpc_and_a_service_of_its_region(account: Any) -> None:
    net = account.network()
    happy = {"vpcId": net["vpc"], "serviceName": "com.amazonaws.us-east-1.sts", "vpcEndpointType": "Interface"}
    account.make(ENDPOINT, "e", **happy, subnetIds=[net["a"], net["b"]])
    with account.refuses("DuplicateSubnetsInSameZone"):
        account.make(ENDPOINT, "e", **happy, subnetIds=[net["a"], net["public"]])
    with account.refuses("InvalidServiceName"):
        account.make(ENDPOINT, "e", **{**happy, "serviceName": "com.amazonaws.us-west-2.sts"})
    with account.refuses("InvalidParameter"):
        account.make(ENDPOINT, "e", vpcId=net["vpc"], serviceName="com.amazonaws.us-east-1.s3", subnetIds=[net["a"]])
    vpc, _ = account.make(VPC, "w", cidrBlock="10.9.0.0/16")
    group, _ = account.make(GROUP, "g", vpcId=vpc, name="g")
    with account.refuses("InvalidParameter"):
        account.make(ENDPOINT, "e", **happy, subnetIds=[net["a"]], securityGroupIds=[group])


@pytest.mark.parametrize(
    ("token", "inputs", "code"),
    [
        (QUEUE, {"name": "q"}, "QueueAlreadyExists"),
        ("aws:cloudwatch/logGroup:LogGroup", {"name": "l"}, "ResourceAlreadyExistsException"),
        (RULE, {"name": "r", "eventPattern": "{}"}, "ResourceAlreadyExistsException"),
        ("aws:s3/bucket:Bucket", {"bucket": "bucket"}, "BucketAlreadyOwnedByYou"),
    ],
)
def test_a_name_in_use_is_refused_and_free_again_in_another_region(
    account: Any, token: str, inputs: dict[str, Any], code: str
) -> None:
    account.make(token, "first", **inputs)
    with account.refuses(code):
        account.make(token, "second", **inputs)
    if token != "aws:s3/bucket:Bucket":
        account.cloud.region = "us-west-2"
        account.make(token, "third", **inputs)


def test_a_subnet_has_one_route_table_and_a_table_one_route_per_destination(account: Any) -> None:
    net = account.network()
    with account.refuses("Resource.AlreadyAssociated"):
        account.make(LINK, "l", routeTableId=net["table"], subnetId=net["a"])
    with account.refuses("RouteAlreadyExists"):
        account.make(ROUTE, "r", routeTableId=net["table"], destinationCidrBlock="0.0.0.0/0", natGatewayId=net["nat"])


def test_a_network_is_deleted_from_the_leaves_and_refuses_every_other_order(account: Any) -> None:
    net = account.network()

    def delete(token: str, key: str) -> None:
        account.cloud.delete(token, net[key], {})

    for token, key in ((VPC, "vpc"), (SUBNET, "public"), (IGW, "igw"), (TABLE, "table")):
        with account.refuses("DependencyViolation"):
            delete(token, key)
    with account.refuses("InvalidIPAddress.InUse"):
        delete(EIP, "eip")
    order = [
        (ROUTE, "route"),
        (NAT, "nat"),
        (EIP, "eip"),
        (IGW, "igw"),
        (LINK, "link-a"),
        (LINK, "link-b"),
        (TABLE, "table"),
    ]
    for token, key in [*order, (SUBNET, "a"), (SUBNET, "b"), (SUBNET, "public"), (VPC, "vpc"), (VPC, "vpc")]:
        delete(token, key)
    assert account.world.everything() == []


def test_a_role_with_policies_and_a_rule_with_targets_stay(account: Any) -> None:
    account.role("r", "ec2.amazonaws.com", "ReadOnlyAccess")
    with account.refuses("DeleteConflict"):
        account.cloud.delete(ROLE, "r", {})
    _, queue = account.make(QUEUE, "q", name="q")
    account.make(RULE, "rule", name="rule", eventPattern="{}")
    target, _ = account.make(TARGET, "t", rule="rule", arn=queue["arn"])
    with account.refuses("ValidationException"):
        account.cloud.delete(RULE, "rule", {})
    account.cloud.delete(TARGET, target, {})
    account.cloud.delete(RULE, "rule", {})


def test_what_belongs_to_a_queue_goes_with_it(account: Any) -> None:
    url, made = account.make(QUEUE, "q", name="q")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": made["arn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    account.make("aws:sqs/queuePolicy:QueuePolicy", "p", queueUrl=url, policy=policy)
    account.cloud.delete(QUEUE, url, {})
    assert account.world.everything() == []
