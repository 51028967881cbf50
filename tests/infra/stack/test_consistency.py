"""What a stack stands on: AWS with all its parts, or a cluster of one's own with none of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from components.spec import Environment
from core.problem import Problem, Refused
from infra.build import build
from infra.declared import Declared, declare
from infra.guard import guard
from infra.plan import plan
from infra.stack.consistency import AWS_PARTS
from infra.stack.file import StackFile
from infra.stack.stack import Stack
from tests.roots import ROOT

LOCAL = ROOT / "Pulumi.local.yaml"
HAPPY: dict[str, Any] = {
    "environment": "local",
    "owner": "ml-platform",
    "kubernetes": {"context": "kind-modelyard"},
    "storage": {"existing": "standard"},
}
ON_AWS: dict[str, Any] = {
    "environment": "dev",
    "owner": "ml-platform",
    "budget": {"monthlyUsd": 1000},
    "cluster": {"access": {"reach": "ssmTunnel"}},
}
POOL = {"purpose": "serving", "capacity": "spot", "instanceTypes": ["g6.xlarge"], "limits": {"gpus": 1}}


def refusals(platform: dict[str, Any], region: str = "") -> list[Problem]:
    with pytest.raises(Refused) as caught:
        Stack.of(platform, region)
    return list(caught.value.problems)


def declared(platform: dict[str, Any]) -> dict[str, Declared]:
    return declare(lambda: build(plan(Stack.of(platform, ""), guard())), project="modelyard", stack="local")


def test_four_lines_make_a_stack_without_aws_whose_bill_is_nothing() -> None:
    stack = Stack.of(HAPPY, "")
    assert (stack.aws, stack.region, stack.pools) == (None, "", {})
    assert stack.settings.budget.monthly_usd == 0
    assert [getattr(stack.settings, field) for field in AWS_PARTS.values()] == [None] * 4


def test_the_repositorys_local_stack_is_such_a_one() -> None:
    stack = Stack.read(StackFile.read(LOCAL))
    assert stack.settings.environment is Environment.LOCAL
    assert stack.aws is None


def test_any_environment_may_stand_on_a_cluster_of_ones_own_when_it_says_so_part_by_part() -> None:
    without = {"externalSecrets": {"source": "none"}, "monitoring": {"karpenter": False}}
    unwatched = {"publication": {"parameter": False}, "budget": {"monthlyUsd": 1000, "watch": {"enabled": False}}}
    dev = {**HAPPY, **ON_AWS, **without, **unwatched, **dict.fromkeys(AWS_PARTS)}
    assert Stack.of(dev, "").aws is None


def test_nothing_of_aws_is_declared_and_the_cluster_is_the_named_context() -> None:
    values = declared(HAPPY).values()
    kinds = {each.token.partition(":")[0] for each in values if each.custom}
    assert kinds == {"kubernetes", "pulumi"}
    (cluster,) = [each for each in values if each.token == "pulumi:providers:kubernetes"]
    assert cluster.inputs["context"] == "kind-modelyard"
    assert "kubeconfig" not in cluster.inputs
    (platform,) = [each for each in values if each.token == "modelyard:index:Platform"]
    assert "region" not in platform.inputs
    assert platform.inputs["bill"]["maximumUsd"] == "0.000000"


def test_namespaces_are_as_closed_as_on_aws() -> None:
    golden = LOCAL.parent / "tests" / "golden"
    here, on_aws = (
        {urn: each for urn, each in yaml.safe_load(text).items() if "Namespaces$" in urn}
        for text in (
            (golden / "local.yaml").read_text(),
            (golden / "dev.yaml").read_text().replace("modelyard-dev", "modelyard-local"),
        )
    )
    assert here == on_aws
    assert len(here) == 9


def test_an_existing_storage_class_is_named_in_the_outputs_and_not_made() -> None:
    resources = declared(HAPPY)
    assert not [each for each in resources.values() if each.token.endswith(":StorageClass")]
    assert Stack.of(HAPPY, "").settings.storage.class_name == "standard"


def test_the_context_must_be_said() -> None:
    (problem,) = refusals({key: value for key, value in HAPPY.items() if key != "kubernetes"})
    assert problem.where == "kubernetes"
    assert "kubectl config get-contexts" in problem.fix
    for empty in ("", " ", None):
        assert refusals({**HAPPY, "kubernetes": {"context": empty}})[0].where == "kubernetes.context"


def test_each_part_of_aws_is_refused_beside_a_cluster_of_ones_own() -> None:
    for part in AWS_PARTS:
        (problem,) = refusals({**HAPPY, part: {}})
        assert (problem.where, problem.allowed) == (part, "null")
    both = {**HAPPY, **ON_AWS, "publication": {"parameter": False}}
    wheres = [problem.where for problem in refusals(both)]
    assert wheres == [*AWS_PARTS, "budget.watch.enabled", "externalSecrets.source", "monitoring.karpenter"]


@pytest.mark.parametrize("part", AWS_PARTS)
def test_aws_takes_all_of_its_parts(part: str) -> None:
    (problem,) = refusals({**ON_AWS, part: None}, "us-east-1")
    assert problem.where == "kubernetes"
    assert part in problem.found


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"gpuPools": {"chat": POOL}}, "gpuPools.chat", "gpuPools need Karpenter on AWS"),
        ({"storage": {}}, "storage.existing", "local-path on k3d"),
        ({"publication": {"parameter": True}}, "publication.parameter", "in AWS"),
        ({"budget": {"monthlyUsd": 1000, "watch": {"enabled": True}}}, "budget.watch.enabled", "spent in AWS"),
    ],
)
def test_what_a_spec_needs_aws_for_is_refused_by_its_own_words(change: dict[str, Any], where: str, says: str) -> None:
    (problem,) = refusals({**HAPPY, **change})
    assert problem.where == where
    assert says in problem.text()
    assert Stack.of({**ON_AWS, **change}, "us-east-1").aws is not None


def test_a_region_is_for_aws_and_aws_takes_a_region() -> None:
    assert refusals(HAPPY, "us-east-1")[0].where == "aws:region"
    (problem,) = refusals(ON_AWS)
    assert (problem.where, problem.found) == ("aws:region", "nothing")


def test_who_works_on_an_account_is_told_that_there_is_none() -> None:
    with pytest.raises(Refused, match="this stack has no AWS"):
        _ = Stack.of(HAPPY, "").on_aws
    assert Stack.of(ON_AWS, "us-east-1").on_aws.region == "us-east-1"


def test_a_class_that_is_there_keeps_its_own_rule_for_volumes() -> None:
    (problem,) = refusals({**HAPPY, "storage": {"existing": "standard", "retain": True}})
    assert problem.where == "storage.retain"


VPC = {"vpcId": "vpc-0123456789abcdef0", "privateSubnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]}
CIDRS, GROUPS = "cluster.access.allowedCidrs", "cluster.access.allowedSecurityGroupIds"
GROUP = {"allowedSecurityGroupIds": ["sg-0123456789abcdef0"]}


@pytest.mark.parametrize(
    ("change", "where", "says"),
    [
        ({"cluster": {}}, CIDRS, "the block of the subnet of 10.0.0.0/16 that the runner is in"),
        ({"cluster": {}, "network": {"existing": VPC}}, CIDRS, "the block of the subnet of the VPC"),
        (
            {"cluster": {"access": {"allowedCidrs": ["10.1.0.0/16"]}}},
            f"{CIDRS}[0]",
            "10.0.0.0/18 (zone a), 10.0.64.0/18 (zone b)",
        ),
        (
            {"cluster": {"access": {"allowedCidrs": ["10.0.64.0/18", "10.0.128.0/18"]}}},
            f"{CIDRS}[1]",
            "a runner cannot be there",
        ),
        (
            {
                "cluster": {"existing": {"name": "theirs"}, "access": {"allowedCidrs": ["10.0.0.0/18"]}},
                "network": {"existing": VPC},
            },
            CIDRS,
            "of an existing cluster",
        ),
        (
            {"cluster": {"existing": {"name": "theirs"}, "access": GROUP}, "network": {"existing": VPC}},
            GROUPS,
            "of an existing cluster",
        ),
    ],
)
def test_a_private_endpoint_to_which_nobody_can_come_is_refused(change: dict[str, Any], where: str, says: str) -> None:
    (problem,) = refusals({**ON_AWS, **change}, "us-east-1")
    assert problem.where == where
    assert says in problem.text()


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": {"access": {"allowedCidrs": ["10.0.64.0/18"]}}},
        {"cluster": {"access": {"allowedCidrs": ["10.0.0.0/16"]}}},
        {"cluster": {"access": {"allowedCidrs": ["10.0.127.255/32"]}}},
        {"cluster": {"access": GROUP}},
        {"cluster": {"access": {"allowedCidrs": ["192.168.0.0/16"]}}, "network": {"existing": VPC}},
        {"cluster": {"existing": {"name": "theirs"}}, "network": {"existing": VPC}},
    ],
)
def test_a_private_endpoint_is_open_to_whom_the_stack_names(change: dict[str, Any]) -> None:
    assert Stack.of({**ON_AWS, **change}, "us-east-1").aws is not None
