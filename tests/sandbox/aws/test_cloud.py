"""Ids, outputs, names, differences and drift of the simulated AWS."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from engine.marks import UNKNOWN
from sandbox.values import Secret

VPC = "aws:ec2/vpc:Vpc"
SUBNET = "aws:ec2/subnet:Subnet"
ROLE = "aws:iam/role:Role"
QUEUE = "aws:sqs/queue:Queue"
KEY = "aws:kms/key:Key"
PARAMETER = "aws:ssm/parameter:Parameter"
TEMPLATE = "aws:ec2/launchTemplate:LaunchTemplate"


def test_ids_are_realistic_stable_in_a_fresh_world_and_never_used_twice(account: Any, tmp_path: Path) -> None:
    first, outputs = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert re.fullmatch("vpc-0[0-9a-f]{16}", first)
    assert outputs["arn"] == f"arn:aws:ec2:us-east-1:000000000000:vpc/{first}"
    other, _ = type(account)(tmp_path / "other").make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert other == first
    account.cloud.delete(VPC, first, {})
    again, _ = account.make(VPC, "v", cidrBlock="10.0.0.0/16")
    assert again != first


def test_a_preview_knows_what_was_asked_and_the_defaults_and_nothing_that_the_cloud_decides(account: Any) -> None:
    id, outputs = account.cloud.create(VPC, "v", {"cidrBlock": "10.0.0.0/16", "tags": {"a": "b"}}, preview=True)
    assert id == ""
    assert outputs["cidrBlock"] == "10.0.0.0/16"
    assert outputs["tagsAll"] == {"a": "b"}
    assert outputs["enableDnsSupport"] is True
    assert outputs["arn"] == outputs["defaultSecurityGroupId"] == UNKNOWN
    assert account.world.everything() == []


def test_every_output_that_the_sdk_promises_has_a_value(account: Any) -> None:
    _, outputs = account.make("aws:sns/topic:Topic", "t", name="t")
    shape = account.cloud.schemas.shape("aws:sns/topic:Topic")
    promised = {key for key, member in shape.outputs.items() if member.required and key not in shape.inputs}
    assert promised <= set(outputs)


def test_a_cluster_has_endpoint_authority_issuer_and_its_own_security_group(account: Any) -> None:
    cluster = account.cluster(account.network())
    assert re.fullmatch(r"https://[0-9A-F]{32}\.gr7\.us-east-1\.eks\.amazonaws\.com", cluster["endpoint"])
    assert cluster["certificateAuthority"]["data"]
    assert cluster["identities"][0]["oidcs"][0]["issuer"].startswith("https://oidc.eks.us-east-1.amazonaws.com/id/")
    assert cluster["vpcConfig"]["clusterSecurityGroupId"].startswith("sg-")
    assert cluster["vpcConfig"]["vpcId"].startswith("vpc-")
    assert cluster["vpcConfig"]["endpointPublicAccess"] is True


def test_a_missing_name_is_generated_kept_on_the_next_check_and_dropped_with_the_prefix(account: Any) -> None:
    checked = account.cloud.check(QUEUE, "jobs", {}, {})
    name = checked.inputs["name"]
    assert re.fullmatch("jobs-[0-9a-f]{7}", name)
    assert account.cloud.check(QUEUE, "jobs", checked.inputs, {}).inputs["name"] == name
    prefixed = account.cloud.check(QUEUE, "jobs", checked.inputs, {"namePrefix": "work-"}).inputs["name"]
    assert re.fullmatch("work-[0-9a-f]{7}", prefixed)
    assert account.cloud.check(QUEUE, "jobs", checked.inputs, {"name": "mine"}).inputs == {"name": "mine"}


def test_a_name_that_was_given_once_and_is_not_any_more_is_a_difference(account: Any) -> None:
    checked = account.cloud.check(QUEUE, "jobs", {"name": "mine"}, {})
    change = account.cloud.diff(QUEUE, {"name": "mine"}, checked.inputs)
    assert change.replaces == ("name",)


def test_default_tags_of_the_provider_are_merged_under_the_resources_own(account: Any) -> None:
    account.cloud.configure({"region": "us-east-1", "defaultTags": '{"tags": {"team": "ml", "env": "dev"}}'})
    inputs = account.cloud.check(VPC, "v", {}, {"cidrBlock": "10.0.0.0/16", "tags": {"env": "prod"}}).inputs
    assert inputs["tags"] == {"team": "ml", "env": "prod"}


def test_what_cannot_change_in_place_replaces_and_the_rest_updates(account: Any) -> None:
    olds = {"cidrBlock": "10.0.0.0/16", "enableDnsSupport": True}
    change = account.cloud.diff(VPC, olds, {"cidrBlock": "10.1.0.0/16", "enableDnsSupport": False})
    assert set(change.changed) == {"cidrBlock", "enableDnsSupport"}
    assert change.replaces == ("cidrBlock",)
    assert account.cloud.diff(VPC, olds, dict(olds)).changed == ()


@pytest.mark.parametrize(
    ("olds", "first"), [({"name": "r", "path": "/"}, True), ({"name": "r", "__defaults": ["name"]}, False)]
)
def test_a_replacement_under_a_fixed_name_deletes_first(account: Any, olds: dict[str, Any], first: bool) -> None:
    change = account.cloud.diff(ROLE, olds, {**olds, "path": "/x/"})
    assert change.replaces == ("path",)
    assert change.delete_before_replace is first


def test_encryption_may_be_added_to_a_cluster_but_not_taken_away(account: Any) -> None:
    some = {"provider": {"keyArn": "k"}, "resources": ["secrets"]}
    added = account.cloud.diff("aws:eks/cluster:Cluster", {}, {"encryptionConfig": some})
    removed = account.cloud.diff("aws:eks/cluster:Cluster", {"encryptionConfig": some}, {})
    assert (added.changed, added.replaces) == (("encryptionConfig",), ())
    assert removed.replaces == ("encryptionConfig",)


def test_policy_documents_are_compared_by_meaning(account: Any) -> None:
    old = {"assumeRolePolicy": '{"a": 1, "b": 2}'}
    assert account.cloud.diff(ROLE, old, {"assumeRolePolicy": '{"b":2,"a":1}'}).changed == ()
    assert account.cloud.diff(ROLE, old, {"assumeRolePolicy": '{"b":2,"a":2}'}).changed == ("assumeRolePolicy",)


def test_reading_sees_an_edited_file_and_a_deleted_one(account: Any) -> None:
    id, _ = account.make(VPC, "v", cidrBlock="10.0.0.0/16", enableDnsHostnames=True)
    inputs = {"cidrBlock": "10.0.0.0/16", "enableDnsHostnames": True}
    assert account.cloud.read(VPC, id, inputs, {})[2] == inputs
    file = next(account.world.folder.rglob(f"{id}.json"))
    document = json.loads(file.read_text())
    document["inputs"]["enableDnsHostnames"] = False
    file.write_text(json.dumps(document))
    _, outputs, now = account.cloud.read(VPC, id, inputs, {})
    assert outputs["enableDnsHostnames"] is now["enableDnsHostnames"] is False
    file.unlink()
    assert account.cloud.read(VPC, id, inputs, {}) is None


def test_reading_a_secret_gives_the_value_to_who_knows_it_and_the_world_keeps_none(account: Any) -> None:
    id, _ = account.make(PARAMETER, "p", name="/p", type="SecureString", value=Secret("hunter2"))
    inputs = {"name": "/p", "type": "SecureString", "value": Secret("hunter2")}
    assert account.cloud.read(PARAMETER, id, inputs, {})[2]["value"].reveal() == "hunter2"
    assert not any("hunter2" in file.read_text() for file in account.world.folder.rglob("*") if file.is_file())


def test_a_launch_template_counts_versions_and_a_preview_does_not_know_the_next(account: Any) -> None:
    id, outputs = account.make(TEMPLATE, "t", name="ttt", updateDefaultVersion=True)
    assert (outputs["latestVersion"], outputs["defaultVersion"]) == (1, 1)
    news = {"name": "ttt", "updateDefaultVersion": True, "description": "d"}
    assert account.cloud.update(TEMPLATE, id, outputs, news, preview=True)["latestVersion"] == UNKNOWN
    changed = account.change(TEMPLATE, id, **news)
    assert (changed["latestVersion"], changed["defaultVersion"], changed["arn"]) == (2, 2, outputs["arn"])


def test_a_deleted_key_is_pending_gone_for_readers_and_refused_as_a_reference(account: Any) -> None:
    id, key = account.make(KEY, "k")
    account.cloud.delete(KEY, id, {})
    assert account.cloud.read(KEY, id, {}, {}) is None
    assert [item.pending for item in account.world.everything()] == ["PendingDeletion"]
    with account.refuses("KMSInvalidStateException"):
        account.make("aws:cloudwatch/logGroup:LogGroup", "l", name="l", kmsKeyId=key["arn"])


def test_an_unknown_type_and_a_missing_region_are_refused(account: Any) -> None:
    with account.refuses("UnknownResourceType"):
        account.cloud.check("aws:eks/nope:Nope", "x", {}, {})
    account.cloud.region = ""
    with account.refuses("MissingRegion"):
        account.cloud.configure({})


def test_a_first_configuration_gives_the_account_what_others_made_and_a_second_nothing(account: Any) -> None:
    account.cloud.configure({"region": "eu-west-1"})
    given = account.world.everything()
    assert {item.urn for item in given} == {""}
    assert account.world.by_id("subnet-0000000000000e0a1")[0].state["availabilityZone"] == "eu-west-1a"
    next(account.world.folder.rglob("subnet-0000000000000e0a1.json")).unlink()
    account.cloud.configure({"region": "eu-west-1"})
    assert len(account.world.everything()) == len(given) - 1
