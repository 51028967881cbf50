"""What the simulated AWS keeps of what was deleted, and the names that stay taken by it."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.provider import CloudError

SECRET = "aws:secretsmanager/secret:Secret"
BUCKET = "aws:s3/bucket:Bucket"
DATABASE = "aws:rds/instance:Instance"
A_DATABASE = {
    "identifier": "db",
    "engine": "postgres",
    "instanceClass": "db.t4g.medium",
    "allocatedStorage": 20,
    "username": "somebody",
    "manageMasterUserPassword": True,
}


def test_a_secret_s_name_is_taken_while_it_can_be_brought_back(account: Any) -> None:
    id, _ = account.make(SECRET, "s", name="dev/registry", recoveryWindowInDays=7)
    account.cloud.delete(SECRET, id, {})
    assert account.cloud.read(SECRET, id, {}, {}) is None
    with pytest.raises(CloudError, match="a secret with this name is already scheduled for deletion") as refused:
        account.make(SECRET, "s", name="dev/registry")
    assert refused.value.code == "InvalidRequestException"
    account.make(SECRET, "s", name="dev/another")


def test_a_secret_without_a_recovery_window_is_gone_and_its_name_is_free(account: Any) -> None:
    first, _ = account.make(SECRET, "s", name="dev/registry", recoveryWindowInDays=0)
    account.cloud.delete(SECRET, first, {})
    assert account.world.everything() == []
    again, _ = account.make(SECRET, "s", name="dev/registry")
    assert again != first


def test_a_database_leaves_its_final_snapshot_once_under_a_name(account: Any) -> None:
    more = {"finalSnapshotIdentifier": "db-final", "copyTagsToSnapshot": True, "tags": {"Platform": "p"}}
    for _ in range(2):
        id, made = account.make(DATABASE, "d", **{**A_DATABASE, **more})
        if not account.world.by_id("db-final"):
            account.cloud.delete(DATABASE, id, {})
    (snapshot,) = account.world.by_id("db-final")
    assert snapshot.state["arn"] == made["arn"].replace(":db:db", ":snapshot:db-final")
    assert snapshot.state["tags"] == {"Platform": "p"}
    with account.refuses("DBSnapshotAlreadyExists"):
        account.cloud.delete(DATABASE, id, {})
    assert account.cloud.read(DATABASE, id, {}, {}) is not None


def test_a_database_goes_without_a_trace_only_when_that_is_said(account: Any) -> None:
    id, _ = account.make(DATABASE, "d", **A_DATABASE)
    with account.refuses("InvalidParameterCombination"):
        account.cloud.delete(DATABASE, id, {})
    account.change(DATABASE, id, **A_DATABASE, skipFinalSnapshot=True)
    account.cloud.delete(DATABASE, id, {})
    assert account.world.everything() == []


def test_a_bucket_goes_with_what_it_holds_only_when_that_is_said(account: Any) -> None:
    account.make(BUCKET, "b", bucket="artifacts")
    account.make("aws:s3/bucketObjectv2:BucketObjectv2", "o", bucket="artifacts", key="model", content="weights")
    with account.refuses("BucketNotEmpty"):
        account.cloud.delete(BUCKET, "artifacts", {})
    account.change(BUCKET, "artifacts", bucket="artifacts", forceDestroy=True)
    account.cloud.delete(BUCKET, "artifacts", {})
    assert account.world.everything() == []
