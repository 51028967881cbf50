"""Every text of every Spec has a kind, and every kind its last value that passes and its first that does not."""

from __future__ import annotations

import re
from typing import Annotated, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from components import kinds
from components.invalid import Invalid
from components.kinds import addresses, aws, kubernetes, mlflow, secrets, words
from components.kinds.kind import Kind
from components.spec import Spec
from core.problem import Problem
from tests.specs import kinds as kinds_of
from tests.specs import specs

VENDORS = re.compile(
    r"cidr|zone|region|arn$|arns$|(^|_)ids?$|role|topic|url|host$|email|address|instance_types|instance_class|reservation$"
)
"""Fields that only a vendor can say the rule of."""
VENDORS_ARE = (addresses, aws, mlflow)
NO_VENDORS = {("OidcSpec", "client_id"), ("OidcSpec", "roles")}
"""A client's id is what its provider likes, and `roles` is an expression over claims."""
PUBLIC_BLOCK, INSIDE_BLOCK = Annotated[str, addresses.PUBLIC], Annotated[str, addresses.INSIDE]
"""`allowedCidrs` is one or the other, as `reach` says."""


def held(kind: Any, text: str) -> Problem | None:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError as error:
        raised = error.errors()[0]["ctx"]["error"]
        assert isinstance(raised, Invalid)
        return raised.problems[0]
    return None


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.__name__)
def test_no_text_of_a_spec_is_without_a_rule(spec: type[Spec]) -> None:
    bare = [name for name in spec.model_fields for found in kinds_of(spec, name) if len(found) != 1]
    assert bare == []


@pytest.mark.parametrize("spec", specs(), ids=lambda spec: spec.__name__)
def test_what_is_named_like_an_address_a_place_or_an_id_has_its_vendors_rule(spec: type[Spec]) -> None:
    rules = [
        each
        for module in VENDORS_ARE
        for value in vars(module).values()
        for each in getattr(value, "__metadata__", ())
        if isinstance(each, Kind)
    ]
    for name in spec.model_fields:
        for (found,) in kinds_of(spec, name):
            if VENDORS.search(name) and not found.secret and (spec.__name__, name) not in NO_VENDORS:
                assert any(found is rule for rule in rules), f"{spec.__name__}.{name} is {found.what}"


@pytest.mark.parametrize(
    ("kind", "passes", "fails"),
    [
        (addresses.VpcBlock, "10.0.0.0/16", "10.0.0.0/15"),
        (addresses.VpcBlock, "10.255.240.0/20", "10.255.240.0/21"),
        (addresses.VpcBlock, "172.31.0.0/16", "172.32.0.0/16"),
        (addresses.VpcBlock, "172.16.0.0/16", "172.17.0.0/16"),
        (addresses.VpcBlock, "192.168.0.0/16", "192.169.0.0/16"),
        (addresses.VpcBlock, "100.64.0.0/16", "100.63.0.0/16"),
        (addresses.VpcBlock, "100.127.0.0/16", "100.128.0.0/16"),
        (addresses.VpcBlock, "198.19.0.0/16", "198.18.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "127.0.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "169.254.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "0.0.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "240.0.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "10.1.0.1/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "10.1.0.0/255.255.0.0"),
        (addresses.VpcBlock, "10.1.0.0/16", "10.1.0.0"),
        (addresses.VpcBlock, "10.1.0.0/16", "010.1.0.0/16"),
        (addresses.VpcBlock, "10.1.0.0/16", "fd00::/16"),
        (PUBLIC_BLOCK, "203.0.113.7/32", "203.0.113.7"),
        (PUBLIC_BLOCK, "12.0.0.0/8", "12.0.0.0/7"),
        (PUBLIC_BLOCK, "9.0.0.0/8", "10.0.0.0/8"),
        (PUBLIC_BLOCK, "100.63.0.0/16", "100.64.0.0/16"),
        (PUBLIC_BLOCK, "203.0.113.0/24", "203.0.113.7/24"),
        (PUBLIC_BLOCK, "223.255.255.255/32", "224.0.0.1/32"),
        (PUBLIC_BLOCK, "1.1.1.1/32", "0.0.0.0/0"),
        (INSIDE_BLOCK, "10.0.0.0/8", "11.0.0.0/8"),
        (INSIDE_BLOCK, "172.31.0.0/16", "172.32.0.0/16"),
        (addresses.PrivateBlock, "192.168.7.0/24", "192.169.7.0/24"),
        (addresses.Host, "registry.example.com", "registry"),
        (addresses.Host, "a.b", "a..b"),
        (addresses.HttpsUrl, "https://a.example/x", "http://a.example/x"),
        (addresses.WebUrl, "http://a.example", "http://a example"),
        (addresses.WebUrl, "http://a.example", "http://\u0430.example"),
        (addresses.Email, "a@b.example", "a@b"),
        (aws.ZoneLetter, "z", "zz"),
        (aws.ZoneLetter, "a", "A"),
        (aws.ZoneLetter, "a", "us-east-1a"),
        (aws.VpcId, "vpc-0123456789abcdef0", "vpc-0123456789abcdef"),
        (aws.VpcId, "vpc-01234567", "vpc-0123456g"),
        (aws.SubnetId, "subnet-0123456789abcdef0", "vpc-0123456789abcdef0"),
        (aws.ReservationId, "cr-0abc1234def567890", "cr-0abc"),
        (aws.RoleName, "r" * 64, "r" * 65),
        (aws.RoleName, "a+=,.@_-b", "team/a"),
        (aws.AdminRole, "team/ml/" + "r" * 64, "team/ml/" + "r" * 65),
        (aws.AdminRole, "modelyard-deployer", "arn:aws:iam::111122223333:role/modelyard-deployer"),
        (aws.AdminRole, "aws-reserved/sso.amazonaws.com/AWSReservedSSO_A_1", "AWSReservedSSO_A_1"),
        (aws.ClusterName, "c" * 100, "c" * 101),
        (
            aws.CertificateArn,
            "arn:aws:acm:us-east-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
            "arn:aws:acm:us-est-1:111122223333:certificate/12345678-1234-1234-1234-123456789012",
        ),
        (aws.TopicArn, "arn:aws:sns:us-east-1:111122223333:ml", "arn:aws:sns:us-east-1:11112222333:ml"),
        (aws.TopicArn, "arn:aws:sns:us-east-1:111122223333:ml", "arn:aws:sns:us-east-1:111122223333:ml\n"),
        (aws.TopicArn, "arn:aws:sns:us-east-1:111122223333:ml", "arn:aws:sns:us-east-1:\uff1111122223333:ml"),
        (aws.TopicName, "t" * 256, "t" * 257),
        (aws.InstanceType, "u-6tb1.112xlarge", "m7g"),
        (aws.InstanceType, "m7g.metal", "m7g.Large"),
        (aws.InstanceType, "c7i.metal-24xl", "c7i .large"),
        (aws.DatabaseClass, "db.m7g.large", "m7g.large"),
        (aws.DailyWindow, "03:00-03:30", "3:00-3:30"),
        (aws.WeeklyWindow, "sun:04:00-sun:05:00", "04:00-05:00"),
        (kubernetes.Namespace, "n" * 63, "n" * 64),
        (kubernetes.StorageClass, "standard", "Standard"),
        (kubernetes.Context, "kind-modelyard", "kind modelyard"),
        (kubernetes.Version, "1.36", "1.3"),
        (kubernetes.Cpu, "500m", "0.5"),
        (kubernetes.Memory, "2Gi", "2G"),
        (kubernetes.MigProfile, "1g.10gb", "1g10gb"),
        (secrets.SecretName, "prod/slack", "prod/slack#key"),
        (secrets.SecretProperty, "prod/slack#key", "prod slack"),
        (secrets.SecretRef, "config:webhookSecret", "webhookSecret"),
        (words.Team, "ml", "m"),
        (words.Team, "ml-platform", "m\u217c-platform"),
        (words.PlatformName, "abc", "ab"),
        (words.PoolName, "c" * 40, "c" * 41),
        (words.Channel, "#ml-alerts", "ml-alerts"),
        (words.Receiver, "on.call", "on/call"),
        (words.Runner, "ubuntu-latest", ""),
        (words.Label, "x" * 250, "x" * 251),
        (words.Label, "an alias", "an alias "),
        (words.Label, "naïve", "na\u200bive"),
        (words.Line, "one line", "two\nlines"),
        (words.Words, "two\n\tlines ✓", "a bell \a"),
        (words.FilePath, "prompts/a b.md", "../a.md"),
        (words.FilePath, "a.md", ".a.md"),
    ],
)
def test_the_last_value_passes_and_the_first_wrong_one_does_not(kind: Any, passes: str, fails: str) -> None:
    assert held(kind, passes) is None
    refused = held(kind, fails)
    assert refused is not None
    assert refused.summary
    assert refused.allowed


@pytest.mark.parametrize(
    ("kind", "text", "fix"),
    [
        (addresses.VpcBlock, "10.20.0.1/16", "write 10.20.0.0/16"),
        (addresses.VpcBlock, "10.20.0.0/15", "write 10.20.0.0/16"),
        (PUBLIC_BLOCK, "203.0.113.7", "write 203.0.113.7/32"),
        (aws.ZoneLetter, "us-east-1b", "write b"),
        (aws.AdminRole, "arn:aws:iam::111122223333:role/team/x", "write team/x"),
        (
            aws.AdminRole,
            "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_Ops_1234567890abcdef",
            "write aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_Ops_1234567890abcdef",
        ),
        (aws.AdminRole, "arn:aws:sts::111122223333:assumed-role/deployer/me", "write deployer"),
    ],
)
def test_what_a_refusal_says_to_write_is_taken(kind: Any, text: str, fix: str) -> None:
    refused = held(kind, text)
    assert refused is not None
    assert refused.fix == fix
    assert held(kind, fix.removeprefix("write ")) is None


def test_a_role_of_identity_center_is_told_where_its_path_is_found() -> None:
    refused = held(aws.AdminRole, "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Ops_12/me@example.com")
    assert refused is not None
    assert "aws-reserved/sso.amazonaws.com/REGION/AWSReservedSSO_Ops_12" in refused.fix
    assert "aws iam get-role --role-name AWSReservedSSO_Ops_12" in refused.fix


def test_a_region_that_is_misspelt_is_told_which_was_meant() -> None:
    assert aws.region_problem("us-east-1", "aws:region") is None
    for wrong, meant in (("us-est-1", "us-east-1 us-west-1"), ("US-EAST-1", "us-east-1"), ("eu-west-1b", "eu-west-1")):
        problem = aws.region_problem(wrong, "aws:region")
        assert problem is not None
        assert problem.fix.removeprefix("did you mean ").rstrip("?") in meant.split()


def test_zones_are_those_of_their_region() -> None:
    assert aws.zone_problem("us-east-1", ["a", "f"], "zones") is None
    assert aws.zone_problem("ca-central-1", ["a", "b", "d"], "zones") is None
    for region, letter in (("us-east-1", "g"), ("eu-west-1", "d"), ("ca-central-1", "c")):
        problem = aws.zone_problem(region, ["a", letter], "network.zones")
        assert problem is not None
        assert (problem.where, problem.found) == ("network.zones", letter)


@settings(max_examples=60)
@given(st.text(max_size=12))
def test_no_kind_fails_at_any_text_and_a_secret_is_not_repeated(text: str) -> None:
    for module in (addresses, aws, kubernetes, mlflow, secrets, words):
        for value in vars(module).values():
            for kind in (each for each in getattr(value, "__metadata__", ()) if isinstance(each, Kind)):
                refused = held(Annotated[str, kind], text)
                if refused is not None and kind.secret:
                    assert refused.found == ""
                    assert refused.fix == ""


def test_the_package_says_what_it_is() -> None:
    assert kinds.__doc__
