"""Every name of AWS's own that a stack declares is in the table of names, and every text says whose name it is."""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import botocore.session  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam import aws_managed_policies

from core.versions import ADDONS, AMI_ALIASES
from infra.declared import Declared
from sandbox.aws.rules import accounts, limits, names
from tests.infra.everything import PLATFORMS, of_aws, resources

REGION = "us-east-1"

OURS = {
    "a name that the platform gives": """
        name identifier nodeGroupName clusterName namespace serviceAccount role rule bucket dbName username
        finalSnapshotIdentifier dbSubnetGroupName parameterGroupName budgetName id tagKey roles""",
    "a reference to something that the platform declares, or the account has": """
        arn roleArn principalArn keyArn kmsKeyId masterUserSecretKmsKeyId kmsMasterKeyId targetKeyId vpcId subnetId subnetIds
        allocationId gatewayId natGatewayId routeTableId routeTableIds securityGroupId securityGroupIds vpcSecurityGroupIds
        referencedSecurityGroupId iamRoleArn logDestination nodeRoleArn monitorArnLists queueUrl secretId version policyArn
        executionRoleArn subscriberSnsTopicArns snsTopic sourceIds""",
    "text for people, an amount, an address or a time": """
        description limitAmount limitUnit subscriberEmailAddresses values key value effect cidrBlock cidrIpv4 destinationCidrBlock
        publicAccessCidrs backupWindow maintenanceWindow prefix address insecureValue secretString configurationValues
        monitorSpecification""",
    "a document, in which names are found by their places and forms": "policy assumeRolePolicy eventPattern",
}
"""Properties of AWS types whose texts are no names of AWS's own, by the reason."""

MAPS = {"tags", "labels"}
"""Maps whose keys and values are the platform's own."""

OWN = frozenset(key for keys in OURS.values() for key in keys.split())
PLACEHOLDER = re.compile(r"\$\{[^}]*\}")
OUTSIDE = "a registry that is reached from outside"


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text, and every key, at any depth, documents in JSON opened; `[*]` stands for an entry of a list."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield path, key
            yield from texts(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, f"{path}[*]")
    elif isinstance(value, str):
        document = opened(value)
        if document is None:
            yield path, value
        else:
            yield from texts(document, path)


def opened(text: str) -> Any:
    try:
        return json.loads(text) if text[:1] in ("{", "[") else None
    except ValueError:
        return None


@functools.cache
def spotted(text: str) -> frozenset[tuple[str, str]]:
    """The names in a text, once for each text: most platforms have the same dashboards and values."""
    return frozenset(names.written(PLACEHOLDER.sub("", text)))


def strange(each: Declared) -> Iterator[str]:
    """The names of AWS's own that this resource uses and the table has not."""
    used = {(found.kind, found.name) for found in names.held(each.token, each.inputs)}
    used |= {found for _, text in texts(each.inputs) for found in spotted(text)}
    return (f"{each.urn} {kind}: {name}" for kind, name in used if not names.kinds()[kind].knows(name, REGION))


def nobodys(each: Declared) -> Iterator[str]:
    """The texts of this resource that are no known name, none of ours and no value that the table of limits has."""
    known = {*names.places().get(each.token, ()), *limits.table().get(each.token, ())}
    for path, value in leaves(each.inputs):
        *above, last = path.replace("[*]", "").split(".")
        if path not in known and last not in OWN and not MAPS & {*above, last} and "${" not in value:
            yield f"{each.token} {path}: {value}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part, f"{path}[*]")
    elif isinstance(value, str):
        yield path, value


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_name_of_aws_is_known_every_text_is_somebodys_and_every_type_has_a_maker(platform: str) -> None:
    asked = [declared for declared in of_aws(platform) if not declared.token.startswith("pulumi:")]
    assert {found for resource in resources(platform) for found in strange(resource)} == set()
    assert {found for declared in asked for found in nobodys(declared)} == set()
    assert {declared.token for declared in asked} - set(accounts.makers()) == set()


def test_the_walk_finds_every_kind_that_a_stack_uses() -> None:
    declared_resources = [
        each
        for name in ("prod", "alerts to a topic", "one NAT gateway, endpoints", OUTSIDE)
        for each in resources(name)
    ]
    seen = {named.kind for declared in declared_resources for named in names.held(declared.token, declared.inputs)}
    seen |= {kind for declared in declared_resources for _, text in texts(declared.inputs) for kind, _ in spotted(text)}
    assert set(names.kinds()) - seen == {"serviceLinkedRoles", "keyAliases"}


@pytest.mark.parametrize("kind", sorted(names.kinds()))
def test_each_kind_says_where_it_was_read_and_when(kind: str) -> None:
    facts = names.kinds()[kind]
    assert len(facts.source) > 10
    assert datetime.date(2026, 1, 1) < facts.read <= datetime.date.today()
    assert facts.names


FORMED = sorted((kind, name) for kind, facts in names.kinds().items() if facts.form for name in facts.names)


def test_each_name_is_found_by_its_form_wherever_it_stands_and_is_known() -> None:
    for kind, name in FORMED:
        here = name.replace(names.REGION, REGION).replace("*", "mine")
        assert (kind, here) in list(names.written(f'says "{here}" there'))
        assert names.kinds()[kind].knows(here, REGION)


@given(
    st.sampled_from([(kind, name) for kind, name in FORMED if "*" not in name]),
    st.text("abcxyz019.-/", min_size=1, max_size=3),
)
def test_a_name_with_anything_more_is_another_name(pair: tuple[str, str], more: str) -> None:
    kind, name = pair
    here = name.replace(names.REGION, REGION) + more
    assert names.kinds()[kind].knows(here, REGION) is (here.replace(REGION, names.REGION) in names.kinds()[kind].names)


def test_a_policy_in_the_wrong_folder_is_not_the_policy() -> None:
    known = names.kinds()["managedPolicies"]
    assert known.knows("arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicyV2")
    assert not known.knows("arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicyV2")


def test_the_managed_policies_stand_where_a_copy_of_awss_own_list_has_them() -> None:
    copied = json.loads(aws_managed_policies.aws_managed_policies_data)
    listed = {f"arn:aws:iam::aws:policy{facts['Path']}{name}" for name, facts in copied.items()}
    assert names.kinds()["managedPolicies"].names - listed == set()


def test_the_instance_types_are_those_of_the_ec2_api() -> None:
    published = botocore.session.get_session().get_service_model("ec2").shape_for("InstanceType").enum
    assert names.kinds()["instanceTypes"].names == set(published)


def test_the_pinned_versions_are_in_the_table() -> None:
    pinned = {f"{addon.name} {addon.version}" for addons in ADDONS.values() for addon in addons}
    assert pinned <= names.kinds()["addonVersions"].names
    assert set(AMI_ALIASES.values()) <= names.kinds()["amiAliases"].names
