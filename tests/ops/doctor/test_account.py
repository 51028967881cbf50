"""What an account's own answers and refusals become before the doctor judges them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from ops.doctor.account import Account, Unanswered, Zone

ARN = "arn:aws:sts::000000000000:assumed-role/modelyard-deployer/ci"
G_SPOT = "L-3819A6DF"


@pytest.fixture
def stubbed() -> Iterator[Callable[[str], Stubber]]:
    clients: dict[str, Stubber] = {}

    def stub(service: str) -> Stubber:
        if service not in clients:
            keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
            clients[service] = Stubber(boto3.client(service, region_name="us-east-1", **keys))
            clients[service].activate()
        return clients[service]

    yield stub
    for client in clients.values():
        client.assert_no_pending_responses()


def test_a_quota_that_was_never_raised_is_aws_s_default(stubbed: Callable[[str], Stubber]) -> None:
    asked = {"ServiceCode": "ec2", "QuotaCode": G_SPOT}
    stubbed("service-quotas").add_client_error("get_service_quota", "NoSuchResourceException", expected_params=asked)
    stubbed("service-quotas").add_response("get_aws_default_service_quota", {"Quota": {"Value": 0.0}}, asked)
    assert Account(lambda service: stubbed(service).client).quota(G_SPOT) == 0


def test_a_role_that_is_not_there_is_an_answer_and_a_denied_question_is_none(
    stubbed: Callable[[str], Stubber],
) -> None:
    account = Account(lambda service: stubbed(service).client)
    stubbed("iam").add_client_error("get_role", "NoSuchEntity")
    assert account.role("nobody") is False
    asked = {"RoleName": "deployer"}
    for name, there in (("team/ml/deployer", True), ("deployer", False), ("team/deployer", False)):
        role = {"Path": "/team/ml/", "RoleName": "deployer", "RoleId": "AROAEXAMPLE0123456", "CreateDate": "2026-11-30"}
        role["Arn"] = "arn:aws:iam::111122223333:role/team/ml/deployer"
        stubbed("iam").add_response("get_role", {"Role": role}, asked)
        assert account.role(name) is there
    stubbed("iam").add_client_error("get_role", "AccessDenied", "not allowed")
    with pytest.raises(Unanswered, match="AccessDenied: not allowed") as unanswered:
        account.role("nobody")
    assert unanswered.value.fix == "allow iam:GetRole to the caller"


@pytest.mark.parametrize("pays", ["111111111111", ""])
def test_the_account_that_pays_is_the_organizations_or_none(stubbed: Callable[[str], Stubber], pays: str) -> None:
    if pays:
        answer = {"Organization": {"Id": "o-abcdefghij", "MasterAccountId": pays}}
        stubbed("organizations").add_response("describe_organization", answer)
    else:
        stubbed("organizations").add_client_error("describe_organization", "AWSOrganizationsNotInUseException")
    assert Account(lambda service: stubbed(service).client).payer() == pays


def test_an_organization_that_may_not_be_described_is_no_answer(stubbed: Callable[[str], Stubber]) -> None:
    stubbed("organizations").add_client_error("describe_organization", "AccessDeniedException", "no")
    with pytest.raises(Unanswered) as unanswered:
        Account(lambda service: stubbed(service).client).payer()
    assert unanswered.value.fix == "allow organizations:DescribeOrganization to the caller"


def test_the_versions_of_an_addon_are_those_that_the_region_offers(stubbed: Callable[[str], Stubber]) -> None:
    offered = {
        "addonName": "coredns",
        "addonVersions": [{"addonVersion": "v1-eksbuild.1"}, {"addonVersion": "v2-eksbuild.1"}],
    }
    asked = {"addonName": "coredns", "kubernetesVersion": "1.36"}
    stubbed("eks").add_response("describe_addon_versions", {"addons": [offered]}, asked)
    found = Account(lambda service: stubbed(service).client).addon_versions("coredns", "1.36")
    assert found == {"v1-eksbuild.1", "v2-eksbuild.1"}


def test_zones_offerings_addresses_and_the_caller_are_read_as_aws_answers(stubbed: Callable[[str], Stubber]) -> None:
    account = Account(lambda service: stubbed(service).client)
    zone = {"ZoneName": "us-east-1a", "ZoneId": "use1-az6", "State": "available"}
    stubbed("ec2").add_response("describe_availability_zones", {"AvailabilityZones": [zone]})
    assert account.zones() == [Zone(name="us-east-1a", id="use1-az6", open=True)]
    offer = {"InstanceType": "g6.xlarge", "LocationType": "availability-zone", "Location": "us-east-1a"}
    stubbed("ec2").add_response("describe_instance_type_offerings", {"InstanceTypeOfferings": [offer]})
    assert account.offered(["g6.xlarge"]) == {("g6.xlarge", "us-east-1a")}
    address = {"PublicIp": "198.51.100.7", "Tags": [{"Key": "Name", "Value": "nat"}]}
    stubbed("ec2").add_response("describe_addresses", {"Addresses": [address, {"PublicIp": "198.51.100.8"}]})
    assert account.addresses() == [{"Name": "nat"}, {}]
    stubbed("sts").add_response("get_caller_identity", {"Account": "000000000000", "Arn": ARN, "UserId": "x"})
    assert account.caller() == ("000000000000", ARN)
