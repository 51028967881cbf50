"""Rules on IAM: no wildcard administrators, no managed administrator policies, no trust in everybody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from policies.graph import UNKNOWN, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined

IDENTITY_POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
ROLE = "aws:iam/role:Role"
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive",
)
RESOURCE_POLICIES = {
    ROLE: "assumeRolePolicy",
    "aws:sqs/queuePolicy:QueuePolicy": "policy",
    "aws:sqs/queue:Queue": "policy",
    "aws:sns/topicPolicy:TopicPolicy": "policy",
    "aws:sns/topic:Topic": "policy",
    "aws:s3/bucketPolicy:BucketPolicy": "policy",
    "aws:s3/bucket:Bucket": "policy",
    "aws:kms/key:Key": "policy",
    "aws:kms/keyPolicy:KeyPolicy": "policy",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "policy",
    "aws:secretsmanager/secret:Secret": "policy",
    "aws:secretsmanager/secretPolicy:SecretPolicy": "policy",
}
ADMINISTRATORS = ("AdministratorAccess", "IAMFullAccess", "PowerUserAccess")
_EVERY_ACTION = re.compile(r"^[*?]*\*[*?]*$")
_EVERY_ACTION_OF = re.compile(r"^[^:]+:[*?]*\*[*?]*$")
_EVERY_RESOURCE = re.compile(r"^[*:]+$|^arn:(aws[a-z-]*|\*)(:\*)+$")


def _documents(node: Node) -> Iterator[tuple[str, Any]]:
    if node.type == ROLE:
        for index, each in enumerate(items(node.read("inlinePolicies"))):
            yield f"inlinePolicies[{index}].policy", UNKNOWN if each is UNKNOWN else mapping(each).get("policy")
    else:
        yield "policy", node.read("policy")


def _statements(path: str, document: object) -> Iterator[tuple[str, Mapping[str, Any]] | Finding]:
    """Each statement of a policy document with its path, or a finding when there is no reading it."""
    if document is UNKNOWN:
        yield undetermined(path)
        return
    if document is None:
        return
    try:
        parsed = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        yield refuse(path, "the policy is not JSON", allowed="a policy document")
        return
    statements = mapping(parsed).get("Statement")
    if not isinstance(statements, dict | list | tuple):
        yield refuse(path, "the policy has no statements", allowed="a policy document with a Statement")
        return
    for index, statement in enumerate(items(statements)):
        yield f"{path}.Statement[{index}]", mapping(statement)


def _several(value: object) -> list[str]:
    return [value] if isinstance(value, str) else [str(item) for item in items(value)]


def no_wildcard_admin(node: Node, _: Context) -> Iterator[Finding]:
    """`*`, `service:*` on every resource, and Allow with NotAction grant what nobody has listed."""
    for path, document in _documents(node):
        for found in _statements(path, document):
            if isinstance(found, Finding):
                yield found
                continue
            where, statement = found
            if statement.get("Effect") != "Allow":
                continue
            if "NotAction" in statement:
                yield refuse(
                    f"{where}.NotAction",
                    "the statement allows every action but those named",
                    found=", ".join(_several(statement["NotAction"])),
                    allowed="Action with the actions that are needed",
                )
            everywhere = "NotResource" in statement or any(
                _EVERY_RESOURCE.match(each) for each in _several(statement.get("Resource"))
            )
            for action in _several(statement.get("Action")):
                everything = _EVERY_ACTION.match(action) is not None
                if everything or (everywhere and _EVERY_ACTION_OF.match(action)):
                    yield refuse(
                        f"{where}.Action",
                        "the statement grants everything" if everything else "the statement grants a whole service",
                        found=f"{action} on {', '.join(_several(statement.get('Resource'))) or 'NotResource'}",
                        allowed="the actions that are needed, on the resources that they are needed on",
                    )


def no_admin_attached(node: Node, _: Context) -> Iterator[Finding]:
    """The managed policies that make an administrator of whoever holds them."""
    several = {ROLE: "managedPolicyArns", ATTACHMENTS[-1]: "policyArns"}
    name = several.get(node.type, "policyArn")
    value = node.read(name)
    arns = items(value) if node.type in several else (value,)
    if value is UNKNOWN or UNKNOWN in arns:
        yield undetermined(name)
    for arn in arns:
        if isinstance(arn, str) and arn.rpartition("/")[2] in ADMINISTRATORS and ":iam::aws:" in arn:
            yield refuse(name, "an administrator's policy is attached", found=arn, allowed="a policy of listed actions")


def no_open_trust(node: Node, _: Context) -> Iterator[Finding]:
    """A statement that trusts every principal needs a condition that says which."""
    path = RESOURCE_POLICIES[node.type]
    for found in _statements(path, node.read(path)):
        if isinstance(found, Finding):
            yield found
            continue
        where, statement = found
        if statement.get("Effect") != "Allow":
            continue
        if "NotPrincipal" in statement:
            yield refuse(f"{where}.NotPrincipal", "the statement trusts everybody but those named")
        principal = statement.get("Principal")
        named = (
            [each for value in principal.values() for each in _several(value)]
            if isinstance(principal, Mapping)
            else [principal]
        )
        if "*" in named and not mapping(statement.get("Condition")):
            yield refuse(
                f"{where}.Principal",
                "the statement trusts everybody",
                found="*",
                allowed="named principals, or a Condition that says which",
            )


RULES = (
    Rule(
        name="no-wildcard-admin",
        pack="security",
        severity=Severity.CRITICAL,
        description="No IAM policy grants everything, or everything of a service on every resource.",
        fix="List the actions that are needed, and the resources that they are needed on.",
        applies_to=(*IDENTITY_POLICIES, ROLE),
        check=no_wildcard_admin,
        references=(
            Reference(framework="AWS FSBP", control="IAM.1"),
            Reference(framework="AWS FSBP", control="IAM.21"),
        ),
    ),
    Rule(
        name="no-admin-attached",
        pack="security",
        severity=Severity.CRITICAL,
        description="No role, user or group holds one of AWS's administrator policies.",
        fix="Attach a policy that lists the actions that are needed.",
        applies_to=(*ATTACHMENTS, ROLE),
        check=no_admin_attached,
        references=(Reference(framework="AWS FSBP", control="IAM.1"),),
    ),
    Rule(
        name="no-open-trust",
        pack="security",
        severity=Severity.CRITICAL,
        description="No role, queue, bucket, key or secret trusts every principal without a condition.",
        fix="Name the principals, or add a condition.",
        applies_to=tuple(RESOURCE_POLICIES),
        check=no_open_trust,
    ),
)
