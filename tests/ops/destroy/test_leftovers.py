"""What a `destroy` leaves: told from a state by hand, an account's answers, and a simulated world."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]

from ops.destroy.leftovers import Kept, Remains, by_design
from ops.doctor.account import Account, Unanswered
from ops.worlds.sandbox import tagged
from sandbox.items import Item, ItemStore

AT = "us-east-1:000000000000"
KEY, OTHER_KEY = f"arn:aws:kms:{AT}:key/1234", f"arn:aws:kms:{AT}:key/5678"


def resource(kind: str, name: str, /, **outputs: Any) -> dict[str, Any]:
    """One resource of a state; `id` and `retainOnDelete` are its own, the rest its outputs."""
    own: dict[str, Any] = {key: outputs.pop(key) for key in ("id", "retainOnDelete", "inputs") if key in outputs}
    return {"urn": f"urn:pulumi:dev::modelyard::{kind}::{name}", "type": kind, "outputs": outputs, **own}


PROVIDER = resource(
    "pulumi:providers:aws",
    "aws",
    inputs={"region": "us-east-1", "defaultTags": json.dumps({"tags": {"Platform": "modelyard-dev"}})},
)
A_KEY = resource("aws:kms/key:Key", "k", id="1234", arn=KEY, description="Artifacts", deletionWindowInDays=30)
SECRET = resource(
    "aws:secretsmanager/secret:Secret", "s", id="s", arn="arn:s", name="dev/registry", recoveryWindowInDays=30.0
)
DATABASE = resource(
    "aws:rds/instance:Instance",
    "d",
    id="db-1",
    arn=f"arn:aws:rds:{AT}:db:dev-registry",
    skipFinalSnapshot=False,
    finalSnapshotIdentifier="dev-registry-final-1234",
    kmsKeyId=KEY,
)
VOLUMES = resource("kubernetes:storage.k8s.io/v1:StorageClass", "c", id="ebs", provisioner="ebs.csi.aws.com")
TAG = resource("aws:costexplorer/costAllocationTag:CostAllocationTag", "t", id="Platform", retainOnDelete=True)


def told(given: dict[str, Any], **changes: Any) -> list[str]:
    changed = {**given, "outputs": {**given["outputs"], **changes}}
    return [kept.line for kept in by_design(changed)]


def test_a_key_waits_and_says_how_long_and_how_it_is_kept() -> None:
    (line,) = told(A_KEY, deletionWindowInDays=7)
    assert line.startswith("KMS key 1234 (Artifacts): pending deletion, gone in 7 days; `aws kms cancel-key-deletion")


def test_a_secret_is_named_only_when_it_can_be_brought_back() -> None:
    (line,) = told(SECRET)
    assert line.startswith("secret dev/registry: in recovery with its name taken, gone in 30 days")
    assert told(SECRET, recoveryWindowInDays=0) == []


def test_a_final_snapshot_is_named_with_the_key_that_it_is_read_with() -> None:
    (kept,) = by_design(DATABASE)
    assert kept.arn == f"arn:aws:rds:{AT}:snapshot:dev-registry-final-1234"
    assert KEY in kept.line
    assert told(DATABASE, skipFinalSnapshot=True) == []


def test_volumes_stay_where_their_class_retains_them() -> None:
    (line,) = told(VOLUMES, reclaimPolicy="Retain")
    assert line.startswith("EBS volumes of the storage class ebs: stay")
    assert told(VOLUMES, reclaimPolicy="Delete") == []
    assert told(VOLUMES, reclaimPolicy="Retain", provisioner="another") == []


def test_what_pulumi_was_told_to_retain_is_left_as_it_is() -> None:
    assert [kept.until for kept in by_design(TAG)] == ["left as it is (retainOnDelete)"]
    assert list(by_design({**TAG, "retainOnDelete": False})) == []
    assert list(by_design({**TAG, "type": "modelyard:registry:Prompt"})) == []


def test_what_carries_the_tag_is_left_over_unless_it_is_kept_by_design() -> None:
    asked: list[tuple[str, str]] = []

    def tagged(region: str, name: str) -> list[str]:
        asked.append((region, name))
        return [KEY, "arn:aws:ec2:volume/vol-1"]

    left = Remains.of([PROVIDER, A_KEY], [], tagged, simulated=False)
    assert asked == [("us-east-1", "modelyard-dev")]
    assert left.tagged == ("arn:aws:ec2:volume/vol-1",)
    said = list(left.lines())
    assert said[2].startswith("left over, with the tag Platform=modelyard-dev in us-east-1")
    assert said[3] == "  arn:aws:ec2:volume/vol-1"
    assert json.loads(json.dumps(left.as_value()))["kept"][0]["arn"] == KEY


def test_what_a_failed_destroy_has_not_deleted_is_neither_kept_nor_left_over() -> None:
    left = Remains.of([PROVIDER, A_KEY, SECRET], [A_KEY], lambda *_: [KEY], simulated=False)
    assert [kept.what for kept in left.kept] == ["secret"]
    assert left.tagged == ()


def test_an_account_that_does_not_answer_is_one_line_and_no_list_of_nothing() -> None:
    def tagged(region: str, name: str) -> list[str]:
        raise Unanswered("AccessDenied: no", "allow tag:GetResources to the caller")

    left = Remains.of([PROVIDER], [], tagged, simulated=False)
    assert list(left.lines()) == [
        "left over: could not be looked up by tag: us-east-1: AccessDenied: no; allow tag:GetResources to the caller"
    ]


def test_a_stack_outside_aws_has_nothing_to_say() -> None:
    left = Remains.of([resource("kubernetes:core/v1:Namespace", "n", id="n")], [], lambda *_: ["arn:x"], simulated=True)
    assert list(left.lines()) == []


def test_a_simulated_world_is_asked_by_tag_and_said_to_be_one(tmp_path: Path) -> None:
    store = ItemStore(tmp_path)
    for name, platform, region in (
        ("ours", "modelyard-dev", "us-east-1"),
        ("theirs", "other", "us-east-1"),
        ("elsewhere", "modelyard-dev", "eu-west-1"),
    ):
        inputs = {"tags": {"Platform": platform}, "region": region}
        computed = {"arn": f"arn:aws:sqs:{AT}:{name}"}
        store.put(Item(package="aws", type="aws:sqs/queue:Queue", id=name, inputs=inputs, computed=computed))
    left = Remains.of([PROVIDER], [], functools.partial(tagged, store), simulated=True)
    assert left.tagged == (f"arn:aws:sqs:{AT}:ours",)
    assert next(left.lines()).startswith("SIMULATED: left over")


def test_the_tagging_api_is_read_to_its_last_page_and_a_denied_question_is_no_answer() -> None:
    client = boto3.client(
        "resourcegroupstaggingapi", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    account, filters = Account(lambda _: client), [{"Key": "Platform", "Values": ["modelyard-dev"]}]
    with Stubber(client) as stub:
        page = {"PaginationToken": "2", "ResourceTagMappingList": [{"ResourceARN": KEY}]}
        stub.add_response("get_resources", page, {"TagFilters": filters})
        page = {"PaginationToken": "", "ResourceTagMappingList": [{"ResourceARN": OTHER_KEY}]}
        stub.add_response("get_resources", page, {"TagFilters": filters, "PaginationToken": "2"})
        assert account.tagged("Platform", "modelyard-dev") == [KEY, OTHER_KEY]
        stub.add_client_error("get_resources", "AccessDeniedException", "no")
        with pytest.raises(Unanswered, match="no") as unanswered:
            account.tagged("Platform", "modelyard-dev")
    assert unanswered.value.fix == "allow tag:GetResources to the caller"


def test_a_line_without_a_command_ends_with_its_time() -> None:
    assert Kept(what="thing", name="x", until="stays").line == "thing x: stays"
