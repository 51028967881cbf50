"""What a rule takes from its run: the provider's accounts, secrets, policies and roles made before, and whose a companion is."""

from __future__ import annotations

import datetime
from collections.abc import Collection

import pytest

from policies.evaluate import Evaluator
from policies.packs import rules
from policies.rule import Level
from policies.security.blocks import TooOpenError, admitted
from pricing.items.graph import UNKNOWN, Node
from tests.attacks.kinds.meaning.judged import OWN, allow, aws, kube, policy, role
from tests.attacks.rules import GUARD, node

THEIRS = "666666666666"
TODAY = datetime.date(2026, 11, 24)
BUCKET = "aws:s3/bucket:Bucket"
BLOCK = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"


def _refused(
    *nodes: Node, provider: Node | None = None, secrets: Collection[str] = (), whole: bool = False
) -> set[str]:
    judge = Evaluator(rules("security"), lambda: GUARD, TODAY)
    told = []
    for each in nodes:
        told = judge.resource(each, provider, secrets)
    if whole:
        told = judge.stack(nodes)
    return {verdict.rule.name for verdict in told if verdict.level is Level.MANDATORY}


@pytest.mark.parametrize(("account", "refused"), [(OWN, set()), (THEIRS, {"no-open-trust"})])
def test_the_provider_says_which_accounts_are_ones_own(account: str, refused: set[str]) -> None:
    provider = node("pulumi:providers:aws", {"allowedAccountIds": f'["{OWN}"]'})
    assert _refused(role({"AWS": account}), provider=provider) == refused


def test_a_text_that_the_engine_holds_secret_may_stand_in_a_secret() -> None:
    made = kube("core/v1:Secret", metadata={"name": "a", "namespace": "a"}, stringData={"password": "hunter2"})
    assert _refused(made, secrets={"hunter2"}) == set()
    assert _refused(made, secrets={"hunter3"}) == {"secrets-marked"}


def _attached(name: str) -> Node:
    arn = f"arn:aws:iam::{OWN}:policy/{name}"
    return aws("iam/rolePolicyAttachment:RolePolicyAttachment", role="a", policyArn=arn)


@pytest.mark.parametrize(
    ("name", "refused"), [("it-0123abc", False), ("it-admin", True), ("it", True), ("other", True)]
)
def test_a_policy_of_the_stack_is_known_by_the_name_that_the_engine_gives(name: str, refused: bool) -> None:
    made = policy(allow("s3:GetObject", "arn:aws:s3:::models/*"))
    assert bool(_refused(made, _attached(name))) is refused


def test_a_policy_of_the_stack_that_has_a_name_is_known_by_that_alone() -> None:
    named = aws("iam/policy:Policy", name="app", policy='{"Statement": []}')
    assert (_refused(named, _attached("app")), _refused(named, _attached("it-0123abc"))) == (
        set(),
        {"no-admin-attached"},
    )


def test_a_binding_hands_out_only_a_role_of_that_name() -> None:
    group = "rbac.authorization.k8s.io"
    made = kube(f"{group}/v1:ClusterRole", metadata={"name": "other"}, rules=[])
    bound = {"apiGroup": group, "kind": "ClusterRole", "name": "a"}
    assert "no-cluster-admin-binding" in _refused(made, kube(f"{group}/v1:ClusterRoleBinding", roleRef=bound))


def test_a_companion_that_comes_from_two_buckets_is_neithers() -> None:
    one, two = node(BUCKET, {}, name="one"), node(BUCKET, {}, name="two")
    block = node(BLOCK, {"bucket": UNKNOWN}, name="block", references={"bucket": [one.urn, two.urn]})
    judge = Evaluator([rule for rule in rules() if rule.name == "buckets-complete"], lambda: GUARD, TODAY)
    told = judge.stack([one, two, block])
    assert {verdict.urn for verdict in told if "public access block" in verdict.problem.summary} == {one.urn, two.urn}


def test_a_resource_that_is_judged_twice_counts_once() -> None:
    rule = aws("vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="12.0.0.0/8", securityGroupId="sg-1")
    moved = aws("vpc/securityGroupIngressRule:SecurityGroupIngressRule", cidrIpv4="14.0.0.0/8", securityGroupId="sg-1")
    assert _refused(rule, moved) == set()


def test_private_blocks_take_nothing_from_the_bound() -> None:
    assert len(admitted(["12.0.0.0/8", "10.0.0.0/8", "192.168.0.0/16"])) == 3
    with pytest.raises(TooOpenError):
        admitted(["12.0.0.0/8", "193.168.0.0/16"])


@pytest.mark.parametrize("value", ["", []])
def test_a_condition_without_a_value_narrows_nothing(value: object) -> None:
    assert _refused(role("*", {"StringEquals": {"aws:PrincipalOrgID": value}})) == {"no-open-trust"}
