"""What the pods that call AWS may do, compared with what their own makers publish: each difference has its reason."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from moto.iam import aws_managed_policies

from components.karpenter.component import INTERRUPTIONS, KarpenterSpec
from components.karpenter.policy import controller_statements
from core.versions import CHARTS, CRD_MODULES
from infra.declared import Declared
from tests.infra.everything import resources

FACTS = Path(__file__).with_name("permissions")
PLATFORMS = ("dev", "prod", "alerts to a topic")
POD, ADDON = "aws:eks/podIdentityAssociation:PodIdentityAssociation", "aws:eks/addon:Addon"
ROLE, INLINE, MANAGED = (
    "aws:iam/role:Role",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
)
NAMES = {"region": "us-east-1", "account": "123456789012", "cluster": "c", "nodeRole": "", "queue": ""}
OURS = controller_statements(cluster="c", region="us-east-1", account_id="123456789012", node_role="n", queue="q")

NOT_ASKED = {
    "arc-zonal-shift:GetManagedResource": "settings.enableZonalShift is off, as the chart has it by default",
}
"""Actions of Karpenter's published policy that its role here has not."""

NARROWER = {"iam:PassedToService": ("ec2.amazonaws.com.cn", "the name of the service in the regions of China")}
"""Values of published conditions that are left out here."""

NOT_CALLED = {
    "arc-zonal-shift:GetManagedResource": "settings.enableZonalShift is off",
    "iam:GetRole": "declared for tests; the published policy has none either",
    "sqs:SendMessage": "tests put messages into the queue",
    "timestream:WriteRecords": "tests keep their measurements there",
}
"""Operations that Karpenter's code knows and its controller does not call here."""


def facts(program: str) -> dict[str, Any]:
    return dict(yaml.safe_load((FACTS / f"{program}.yaml").read_text(encoding="utf-8")))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def plain(statement: Mapping[str, Any]) -> str:
    """A statement of ours in the form of the facts, as text that can be compared."""
    conditions = {
        operator: {key: sorted(listed(value)) for key, value in block.items()}
        for operator, block in statement.get("Condition", {}).items()
    }
    return canonical([sorted(statement["Action"]), sorted(statement["Resource"]), conditions])


def published(statement: Mapping[str, Any]) -> str:
    """A published statement with this test's names, less what is left out for a reason."""
    filled = {**NAMES, "nodeRole": "arn:aws:iam::123456789012:role/n", "queue": "arn:aws:sqs:us-east-1:123456789012:q"}
    text = re.sub(r"\{(\w+)\}", lambda hole: filled[hole[1]], json.dumps(statement))
    read = json.loads(text)
    for block in read["conditions"].values():
        for key, (value, _) in NARROWER.items():
            if key in block:
                block[key].remove(value)
    conditions = {
        operator: {key: sorted(v) for key, v in block.items()} for operator, block in read["conditions"].items()
    }
    return canonical([sorted(read["actions"]), sorted(read["resources"]), conditions])


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def test_karpenters_role_has_each_statement_that_karpenter_publishes_and_no_other() -> None:
    theirs = {published(statement): statement["actions"] for statement in facts("karpenter")["statements"]}
    mine = {plain(our): our["Action"] for our in OURS}
    assert [mine[text] for text in mine.keys() - theirs.keys()] == []
    assert [theirs[text] for text in theirs.keys() - mine.keys()] == [[action] for action in NOT_ASKED]


def test_the_setting_that_needs_the_action_left_out_is_off() -> None:
    releases = [
        resource
        for resource in resources("prod")
        if resource.token.endswith(":Release") and resource.name == "karpenter"
    ]
    assert [release.inputs["values"]["settings"].get("enableZonalShift", False) for release in releases] == [False]
    assert "zonalShift" not in KarpenterSpec().to_inputs()


def test_karpenter_hears_of_the_events_that_it_publishes_rules_for() -> None:
    assert sorted(detail for _, detail in INTERRUPTIONS.values()) == sorted(facts("karpenter")["events"])


def test_everything_that_karpenters_code_calls_is_allowed_or_not_called_here() -> None:
    allowed = {action for our in OURS for action in our["Action"]}
    assert set(facts("karpenter")["calls"]["actions"]) - allowed == set(NOT_CALLED)


def test_the_facts_are_of_the_pinned_karpenter_and_as_they_were_read() -> None:
    found = facts("karpenter")
    assert CHARTS["karpenter"].version.rpartition(".")[0] == found["version"]
    assert CRD_MODULES["karpenter-crd"].version == f"v{CHARTS['karpenter'].version}"
    assert found["digest"] == "sha256:" + hashlib.sha256(canonical(found["statements"]).encode()).hexdigest()


def roles(platform: str) -> Iterator[tuple[str, frozenset[str]]]:
    """Each program whose pods assume a role, with the actions that all policies of that role allow."""
    declared_resources = resources(platform)
    for declared in declared_resources:
        if declared.token == POD:
            yield declared.inputs["serviceAccount"], _allowed(declared.inputs["roleArn"], declared_resources)
        for pods in declared.inputs.get("podIdentityAssociations") or () if declared.token == ADDON else ():
            yield declared.inputs["addonName"], _allowed(pods["roleArn"], declared_resources)


def _allowed(arn: str, found: tuple[Declared, ...]) -> frozenset[str]:
    (role,) = (declared for declared in found if declared.token == ROLE and arn == f"${{{declared.urn}#arn}}")
    names = {role.inputs["name"], f"${{{role.urn}#id}}", f"${{{role.urn}#name}}"}
    mine = [declared.inputs for declared in found if declared.inputs.get("role") in names]
    documents = [json.loads(each["policy"]) for each in mine if "policy" in each]
    documents += [_managed(each["policyArn"]) for each in mine if "policyArn" in each]
    parts = [part for document in documents for part in listed(document["Statement"])]
    taken = [arn for part in parts if "sts:AssumeRole" in listed(part["Action"]) for arn in listed(part["Resource"])]
    own = frozenset(action for part in parts for action in listed(part["Action"]))
    # What it does with a role that it takes, it does.
    return own.union(*(_allowed_to(arn.rpartition("/")[2], found) for arn in taken))


def _allowed_to(name: str, found: tuple[Declared, ...]) -> frozenset[str]:
    (role,) = (declared for declared in found if declared.token == ROLE and declared.inputs.get("name") == name)
    return _allowed(f"${{{role.urn}#arn}}", found)


def _managed(arn: str) -> Any:
    return json.loads(aws_managed_policies.aws_managed_policies_data)[arn.rpartition("/")[2]]["Document"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_role_that_pods_assume_allows_what_its_program_publishes_or_says_why_not(platform: str) -> None:
    seen = dict(roles(platform))
    assert {"aws-ebs-csi-driver", "external-secrets", "karpenter", "vpc-cni"} <= set(seen)
    for program, allowed in seen.items():
        if program != "karpenter":
            found = facts(program)
            without, beyond = found.get("without", {}), found.get("beyond", {})
            assert allowed == (set(found["actions"]) - set(without)) | set(beyond), program


@pytest.mark.parametrize("file", sorted(path.stem for path in FACTS.glob("*.yaml")))
def test_each_table_says_where_it_was_read_and_gives_a_reason_for_each_difference(file: str) -> None:
    found = facts(file)
    assert found["program"] == file
    assert datetime.date(2026, 1, 1) < found["read"] <= datetime.date.today()
    assert len(found["source"]) > 20
    published = set(found.get("actions", ()))
    assert set(found.get("without", {})) <= published
    assert not set(found.get("beyond", {})) & published
    assert all(len(reason) > 15 for key in ("without", "beyond") for reason in found.get(key, {}).values())


def test_every_table_is_of_a_program_that_a_platform_runs() -> None:
    seen = {program for platform in PLATFORMS for program, _ in roles(platform)}
    assert {path.stem for path in FACTS.glob("*.yaml")} == seen
