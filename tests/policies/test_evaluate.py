"""What the judge makes of findings: refusals, exemptions, notes on what is not known; and never a secret."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from policies.evaluate import Evaluator
from policies.graph import PLATFORM
from policies.guard.model import Exemption, Guard
from policies.packs import rules
from policies.rule import Context, Finding, Level, Rule, Severity, refuse, undetermined
from pricing.items.graph import UNKNOWN, Graph, Node

TODAY = datetime.date(2026, 11, 24)
QUEUE = "aws:sqs/queue:Queue"


def _guard(*exemptions: Exemption) -> Callable[[], Guard]:
    ceilings = {"prod": Decimal(1), "staging": Decimal(1)}
    stacks = {"main": "prod", "trial": "staging"}
    return lambda: Guard(
        max_monthly_usd=ceilings, required_tags=("Owner",), stacks=stacks, exemptions=tuple(exemptions)
    )


def _exemption(**changed: Any) -> Exemption:
    happy: dict[str, Any] = {
        "rule": "named",
        "resource": f"{QUEUE}::jobs",
        "environments": ("prod",),
        "owner": "ml-platform",
        "reason": "an old client",
        "expires": TODAY,
    }
    return Exemption(**{**happy, **changed})


def _node(
    token: str,
    name: str,
    /,
    *,
    depends: tuple[str, ...] = (),
    references: dict[str, tuple[str, ...]] | None = None,
    stack: str = "main",
    **inputs: Any,
) -> Node:
    urn = f"urn:pulumi:{stack}::modelyard::{token}::{name}"
    record: dict[str, Any] = {"urn": urn, "type": token, "name": name, "inputs": inputs, "depends": depends}
    record["references"] = references or {}
    return Graph.of([record]).nodes[0]


def _named(node: Node, _: Context) -> Iterator[Finding]:
    if node.read("name") is UNKNOWN:
        yield undetermined("name")
    elif node.read("name") != "good":
        yield refuse("name", "a bad name", found=node.read("name"), allowed="good")


def _rule(check: Any = _named, **changed: Any) -> Rule:
    happy: dict[str, Any] = {
        "name": "named",
        "pack": "test",
        "severity": Severity.HIGH,
        "description": "Names are good.",
        "fix": "Name it good.",
        "applies_to": ("aws:",),
        "check": check,
    }
    return Rule(**{**happy, **changed})


def test_a_finding_becomes_a_refusal_that_names_resource_property_and_fix() -> None:
    (verdict,) = Evaluator([_rule()], _guard(), TODAY).resource(_node(QUEUE, "jobs", name="bad"))
    assert verdict.level is Level.MANDATORY
    assert verdict.message == "jobs: name: a bad name\n  found: bad\n  allowed: good\n  to fix: Name it good."


def test_a_rule_is_asked_about_the_types_that_it_applies_to_only() -> None:
    assert Evaluator([_rule()], _guard(), TODAY).resource(_node("kubernetes:core/v1:Pod", "jobs", name="bad")) == []


def test_a_rule_that_fails_refuses_and_tells_no_value() -> None:
    def broken(node: Node, _: Context) -> Iterator[Finding]:
        raise ValueError(f"cannot read {node.read('name')}")
        yield

    (verdict,) = Evaluator([_rule(broken, level=Level.ADVISORY)], _guard(), TODAY).resource(
        _node(QUEUE, "jobs", name="bad")
    )
    assert verdict.level is Level.MANDATORY
    assert verdict.problem.summary == "rule named could not run: ValueError"
    assert "bad" not in verdict.message


def test_a_secret_is_blanked_out_wherever_a_rule_quotes_it() -> None:
    (verdict,) = Evaluator([_rule()], _guard(), TODAY).resource(
        _node(QUEUE, "jobs", name="s3cr3t!"), secrets={"s3cr3t!"}
    )
    assert "s3cr3t!" not in verdict.message and "[secret]" in verdict.message


def test_values_that_are_not_known_refuse_nothing_and_are_named_once_at_the_end() -> None:
    judge = Evaluator([_rule()], _guard(), TODAY)
    queues = [_node(QUEUE, name, name=UNKNOWN) for name in ("jobs", "events")]
    assert [judge.resource(queue) for queue in queues] == [[], []]
    (note,) = judge.stack(queues)
    assert (note.level, note.severity, note.urn) == (Level.ADVISORY, Severity.LOW, "")
    assert note.problem.found == "jobs: name, events: name"


@pytest.mark.parametrize(
    ("expires", "level"), [(TODAY, Level.ADVISORY), (TODAY - datetime.timedelta(1), Level.MANDATORY)]
)
def test_an_exemption_holds_until_the_end_of_its_last_day(expires: datetime.date, level: Level) -> None:
    judge = Evaluator([_rule()], _guard(_exemption(expires=expires)), TODAY)
    (verdict,) = judge.resource(_node(QUEUE, "jobs", name="bad"))
    assert verdict.level is level
    assert "ml-platform" in verdict.message and expires.isoformat() in verdict.message


@pytest.mark.parametrize("changed", [{"rule": "other"}, {"resource": f"{QUEUE}::other"}, {"environments": ["dev"]}])
def test_an_exemption_is_for_one_rule_one_resource_and_its_environments(changed: dict[str, Any]) -> None:
    (verdict,) = Evaluator([_rule()], _guard(_exemption(**changed)), TODAY).resource(_node(QUEUE, "jobs", name="bad"))
    assert verdict.level is Level.MANDATORY


@pytest.mark.parametrize(("stack", "environment"), [("trial", "staging"), ("main", "prod"), ("another", "prod")])
def test_the_guard_file_says_what_a_stack_is_and_one_that_it_does_not_list_is_prod(
    stack: str, environment: str
) -> None:
    judge = Evaluator([], _guard(), TODAY)
    assert judge.environment == "prod"
    judge.resource(_node(PLATFORM, "platform", stack=stack, environment="dev"))
    assert judge.environment == environment


def test_a_stack_that_is_not_listed_has_no_exemptions() -> None:
    judge = Evaluator([_rule()], _guard(_exemption()), TODAY)
    (verdict,) = judge.resource(_node(QUEUE, "jobs", name="bad", stack="another"))
    assert verdict.level is Level.MANDATORY


def test_a_stack_rule_reads_the_inputs_that_the_resource_rules_have_seen() -> None:
    def names(graph: Graph, _: Context) -> Iterator[Finding]:
        for node in graph.nodes:
            yield Finding(problem=refuse("name", str(node.read("name"))).problem, urn=node.urn)

    judge = Evaluator([_rule(None, check_stack=names, applies_to=())], _guard(), TODAY)
    judge.resource(_node(QUEUE, "jobs", name="asked"))
    told = judge.stack([_node(QUEUE, "jobs", name="answered"), _node(QUEUE, "events", name="answered")])
    assert [verdict.problem.summary for verdict in told] == ["asked", "answered"]


def _buckets(*changed: Node) -> list[str]:
    bucket = _node("aws:s3/bucket:Bucket", "models")
    sse = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    happy = {
        node.name: node
        for node in (
            bucket,
            _node(sse, "encryption", bucket=UNKNOWN, references={"bucket": (bucket.urn,)}),
            _node(block, "block", bucket=UNKNOWN, references={"bucket": (bucket.urn,)}),
        )
    }
    happy.update({node.name: node for node in changed})
    only = [rule for rule in rules() if rule.name == "buckets-complete"]
    return [verdict.problem.summary for verdict in Evaluator(only, _guard(), TODAY).stack(happy.values())]


def test_a_bucket_with_its_two_parts_passes() -> None:
    assert _buckets() == []


def test_a_bucket_whose_parts_are_anothers_is_refused_for_each() -> None:
    other = _node("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "block", bucket="other")
    assert _buckets(other) == ["the bucket has no public access block"]


def test_a_part_of_another_bucket_that_only_waits_for_this_one_is_not_its_own() -> None:
    bucket, other = (_node("aws:s3/bucket:Bucket", name) for name in ("models", "other"))
    block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    waits = _node(block, "block", bucket=UNKNOWN, depends=(bucket.urn,), references={"bucket": (other.urn,)})
    assert "the bucket has no public access block" in _buckets(waits)
    nothing = _node(block, "block", bucket=UNKNOWN, depends=(bucket.urn,))
    assert _buckets(nothing) == ["the bucket has no public access block"]


def test_a_bucket_named_by_its_own_name_counts_without_a_reference() -> None:
    block = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
    bucket = _node("aws:s3/bucket:Bucket", "models", bucket="acme-models")
    named = (bucket, _node(block, "block", bucket="acme-models"))
    assert _buckets(*named) == []


TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def _kept(*, status: object = "Enabled", **changed: object) -> list[str]:
    bucket = _node("aws:s3/bucket:Bucket", "models", bucket="acme-models")
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{**TLS_ONLY, **changed}]})
    parts = (
        _node(
            "aws:s3/bucketVersioning:BucketVersioning",
            "versions",
            bucket="acme-models",
            versioningConfiguration={"status": status},
        ),
        _node("aws:s3/bucketPolicy:BucketPolicy", "policy", bucket="acme-models", policy=policy),
    )
    only = [rule for rule in rules() if rule.name == "buckets-kept"]
    return [verdict.problem.summary for verdict in Evaluator(only, _guard(), TODAY).stack([bucket, *parts])]


def test_a_bucket_with_versions_and_a_policy_against_clear_text_passes() -> None:
    assert _kept() == []
    assert _kept(status=UNKNOWN) == []


@pytest.mark.parametrize("status", ["Suspended", "Disabled", None])
def test_a_bucket_without_versions_is_refused(status: object) -> None:
    assert _kept(status=status) == ["the bucket has no versions"]


@pytest.mark.parametrize(
    "changed",
    [
        {"Effect": "Allow"},
        {"Action": "s3:GetObject"},
        {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": {}},
    ],
    ids=str,
)
def test_a_policy_that_lets_some_requests_be_in_clear_is_refused(changed: dict[str, object]) -> None:
    assert _kept(**changed) == ["the bucket has no policy that refuses requests in clear"]
