"""Rules on IAM: what policies grant, which managed policies are held, whom roles and resources trust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from policies.graph import UNKNOWN, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from policies.security.access import identity, trust

ROLE = "aws:iam/role:Role"
IDENTITY_POLICIES = (
    "aws:iam/policy:Policy",
    "aws:iam/rolePolicy:RolePolicy",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/groupPolicy:GroupPolicy",
)
EXCLUSIVE = "aws:iam/rolePolicyAttachmentsExclusive:RolePolicyAttachmentsExclusive"
ATTACHMENTS = (
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/policyAttachment:PolicyAttachment",
    EXCLUSIVE,
)
LONG_LIVED = (
    "aws:iam/accessKey:AccessKey",
    "aws:iam/group:Group",
    "aws:iam/groupMembership:GroupMembership",
    "aws:iam/groupPolicy:GroupPolicy",
    "aws:iam/groupPolicyAttachment:GroupPolicyAttachment",
    "aws:iam/serviceSpecificCredential:ServiceSpecificCredential",
    "aws:iam/sshKey:SshKey",
    "aws:iam/user:User",
    "aws:iam/userGroupMembership:UserGroupMembership",
    "aws:iam/userLoginProfile:UserLoginProfile",
    "aws:iam/userPolicy:UserPolicy",
    "aws:iam/userPolicyAttachment:UserPolicyAttachment",
)
"""What gives a person or a program credentials that do not end, or rights to those that hold them."""
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
"""Where these types keep their policy."""
DOCUMENTS = (
    "accessPolicies",
    "assumeRolePolicy",
    "inlinePolicy",
    "policy",
    "policyDocument",
    "policyText",
    "resourcePolicy",
)
"""Where other types of AWS may keep one."""
BOUNDS = ("aws:ec2/vpcEndpoint", "aws:organizations/policy:")
"""Policies that only take away from what others grant; a VPC endpoint's default lets everybody use it."""


def _inline(node: Node) -> Iterator[tuple[str, Any]]:
    given = node.read("inlinePolicies")
    if given is UNKNOWN:
        yield "inlinePolicies", UNKNOWN
    for index, each in enumerate(items(given)):
        yield f"inlinePolicies[{index}].policy", UNKNOWN if each is UNKNOWN else mapping(each).get("policy")


def no_wildcard_admin(node: Node, _: Context) -> Iterator[Finding]:
    """An action is judged by all that its pattern matches; what the tables do not know is refused."""
    for path, document in _inline(node) if node.type == ROLE else [("policy", node.read("policy"))]:
        yield from identity.judged(path, document)


def no_admin_attached(node: Node, context: Context) -> Iterator[Finding]:
    """A managed policy is one that the platform is known to need, or one that this stack makes and these rules read."""
    several = {ROLE: "managedPolicyArns", EXCLUSIVE: "policyArns"}
    name = several.get(node.type, "policyArn")
    value = node.read(name)
    arns = items(value) if node.type in several else (value,)
    if value is UNKNOWN or UNKNOWN in arns:
        yield undetermined(name)
    for arn in arns:
        if isinstance(arn, str) and (problem := trust.attached(arn, context.seen)):
            yield refuse(name, problem, found=arn, allowed="a policy of listed actions, made by this stack")


def no_open_trust(node: Node, context: Context) -> Iterator[Finding]:
    """Every input of an AWS resource that holds a policy document is read, whatever the type."""
    if node.type in IDENTITY_POLICIES or node.type.startswith(BOUNDS):
        return
    own = RESOURCE_POLICIES.get(node.type)
    if own is not None:
        yield from trust.judged(own, node.read(own), context)
        return
    for path in DOCUMENTS:
        document = node.read(path)
        # What has no statements is something else, such as a lifecycle.
        if document is UNKNOWN or "statement" in str(document).lower():
            yield from trust.judged(path, document, context)


def no_long_lived(_node: Node, _: Context) -> Iterator[Finding]:
    """Roles give credentials that end by themselves."""
    yield refuse("", "an IAM user, a group or a key outlives whoever uses it", allowed="a role")


RULES = (
    Rule(
        name="no-wildcard-admin",
        pack="security",
        severity=Severity.CRITICAL,
        description="An IAM policy allows listed actions of known services on named resources, and none that hands out access.",
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
        description="A role holds only managed policies that are listed here, or that this stack makes.",
        fix="Attach a policy that lists the actions that are needed.",
        applies_to=(*ATTACHMENTS, ROLE),
        check=no_admin_attached,
        references=(Reference(framework="AWS FSBP", control="IAM.1"),),
    ),
    Rule(
        name="no-open-trust",
        pack="security",
        severity=Severity.CRITICAL,
        description="No policy of a role, a queue, a bucket, a key or a secret trusts everybody, or another account.",
        fix="Name the principals, or add a condition that says which.",
        applies_to=("aws:",),
        check=no_open_trust,
    ),
    Rule(
        name="no-iam-users",
        pack="security",
        severity=Severity.HIGH,
        description="No IAM user, group or access key is made: their credentials do not end.",
        fix="Make a role, and let whoever needs it assume it.",
        applies_to=LONG_LIVED,
        check=no_long_lived,
        references=(Reference(framework="AWS FSBP", control="IAM.3"),),
    ),
)
