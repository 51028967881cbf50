"""What stops a `destroy` before it deletes anything: a bucket that S3 would not delete."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3  # type: ignore[import-untyped]
import jmespath  # type: ignore[import-untyped]
import pytest
from botocore.stub import Stubber  # type: ignore[import-untyped]
from moto import mock_aws

from core.problem import Problem, Refused
from ops import commands
from ops.commands import Job
from ops.destroy import blockers
from ops.doctor.account import Account, Unanswered
from ops.worlds.sandbox import holds
from sandbox.items import Item, ItemStore

BUCKET = "modelyard-prod-registry-1"


def state(**changes: Any) -> dict[str, Any]:
    """A state with a bucket that a destroy would not empty; `protect` is the resource's own, the rest its outputs."""
    protect = changes.pop("protect", False)
    outputs = {"bucket": BUCKET, "region": "us-east-1", "forceDestroy": False, **changes}
    urn = f"urn:pulumi:prod::modelyard::{blockers.BUCKET}::registry-artifacts"
    return {"resources": [{"urn": urn, "type": blockers.BUCKET, "id": BUCKET, "protect": protect, "outputs": outputs}]}


def test_a_bucket_that_holds_something_stops_a_destroy_and_an_empty_one_does_not() -> None:
    asked: list[tuple[str, str]] = []

    def holds(region: str, bucket: str) -> bool:
        asked.append((region, bucket))
        return True

    (problem,) = blockers.full(state(), holds)
    assert asked == [("us-east-1", BUCKET)]
    assert (problem.where, problem.found) == ("aws:s3/bucket:Bucket registry-artifacts", BUCKET)
    assert f"aws s3api delete-objects --bucket {BUCKET}" in problem.fix
    assert blockers.full(state(), lambda *_: False) == []


@pytest.mark.parametrize("change", [{"forceDestroy": True}, {"protect": True}])
def test_a_bucket_that_goes_with_what_it_holds_or_does_not_go_is_not_looked_at(change: dict[str, Any]) -> None:
    assert blockers.full(state(**change), lambda *_: pytest.fail("it was asked")) == []


def test_a_bucket_that_cannot_be_looked_at_stops_a_destroy() -> None:
    def holds(*_: str) -> bool:
        raise Unanswered("AccessDenied: no", "allow s3:ListBucketVersions to the caller")

    (problem,) = blockers.full(state(), holds)
    assert "AccessDenied" in problem.found and problem.fix == "allow s3:ListBucketVersions to the caller"


@mock_aws
def test_a_deleted_object_still_fills_a_versioned_bucket_and_the_command_that_is_told_empties_it() -> None:
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    s3 = boto3.client("s3", region_name="us-east-1", **keys)
    account = Account(lambda _: s3)
    assert account.holds(BUCKET) is False
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    assert account.holds(BUCKET) is False
    version = s3.put_object(Bucket=BUCKET, Key="model", Body=b"weights")["VersionId"]
    assert account.holds(BUCKET) is True
    s3.delete_object(Bucket=BUCKET, Key="model")
    s3.delete_object(Bucket=BUCKET, Key="model", VersionId=version)
    assert account.holds(BUCKET) is True, "the mark of a deletion fills it too"
    s3.put_object(Bucket=BUCKET, Key="another", Body=b"weights")
    (problem,) = blockers.full(state(), lambda _, bucket: account.holds(bucket))
    query = problem.fix.split("--query '")[1].split("'")[0]
    s3.delete_objects(Bucket=BUCKET, Delete=jmespath.search(query, s3.list_object_versions(Bucket=BUCKET)))
    assert account.holds(BUCKET) is False


def test_a_denied_look_is_no_answer() -> None:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("list_object_versions", "AccessDenied", "no")
        with pytest.raises(Unanswered):
            Account(lambda _: client).holds(BUCKET)


def test_a_simulated_bucket_is_looked_at_in_its_world(tmp_path: Path) -> None:
    store = ItemStore(tmp_path)
    assert holds(store, BUCKET) is False
    for bucket in ("another", BUCKET):
        inputs = {"bucket": bucket, "key": "model"}
        store.put(Item(package="aws", type="aws:s3/bucketObjectv2:BucketObjectv2", id=bucket, inputs=inputs))
        assert holds(store, BUCKET) is (bucket == BUCKET)


@pytest.mark.engine
def test_a_full_bucket_stops_a_destroy_before_anything_is_deleted(
    job: Callable[..., Job], small_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.up(job())
    monkeypatch.setattr(blockers, "full", lambda *_: [Problem(summary="the bucket is not empty")])
    with pytest.raises(Refused, match="not empty"):
        commands.destroy(job())
    world = small_root / ".sandbox" / "dev" / "world" / "tiny.json"
    assert set(json.loads(world.read_text())) == {"first", "second"}
