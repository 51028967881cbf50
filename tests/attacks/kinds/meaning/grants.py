"""Policies that grant more than they seem to."""

from __future__ import annotations

import json
from typing import Any

from tests.attacks.attack import Attack, Harmless
from tests.attacks.kinds.meaning.judged import OWN, allow, attack, aws, harmless, policy

RULE = "no-wildcard-admin"
OBJECTS = "arn:aws:s3:::models/*"
ROLE_ARN = f"arn:aws:iam::{OWN}:role/app"


def _inline(text: str) -> Any:
    trust = {
        "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}
    }
    return aws("iam/role:Role", assumeRolePolicy=json.dumps(trust), inlinePolicies=[{"name": "a", "policy": text}])


_GRANTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("everything as `?*`", allow("?*", "*")),
    ("everything as `*:*`", allow("*:*", "*")),
    ("a service behind a wildcard in its name", allow("ia?:CreateUser", "*")),
    ("all of EC2 on every resource", allow("ec2:*", "*")),
    ("all of EC2 on the ARN of one instance", allow("ec2:*", f"arn:aws:ec2:us-east-1:{OWN}:instance/i-1")),
    ("all of IAM on the ARN of one role", allow("iam:*", ROLE_ARN)),
    ("`iam:Put*`, which writes inline policies", allow("iam:Put*", ROLE_ARN)),
    ("`iam:*e`, which takes in what no list of verbs does", allow("iam:*e", ROLE_ARN)),
    ("an action in capitals", allow("IAM:CREATEACCESSKEY", "*")),
    (
        "passing any role",
        allow("iam:PassRole", "*", Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
    ),
    ("passing all roles by an ARN", allow("iam:PassRole", f"arn:aws:iam::{OWN}:role/*")),
    ("passing one role to any service", allow("iam:PassRole", ROLE_ARN)),
    (
        "passing a role to whatever service is named",
        allow("iam:PassRole", ROLE_ARN, Condition={"StringLike": {"iam:PassedToService": "*"}}),
    ),
    (
        "passing a role when the service is named at all",
        allow(
            "iam:PassRole", ROLE_ARN, Condition={"StringEqualsIfExists": {"iam:PassedToService": "ec2.amazonaws.com"}}
        ),
    ),
    ("attaching any policy to one role", allow("iam:AttachRolePolicy", ROLE_ARN)),
    (
        "a new version of a policy that others hold",
        allow("iam:CreatePolicyVersion", f"arn:aws:iam::{OWN}:policy/shared"),
    ),
    ("opening the trust of one role", allow("iam:UpdateAssumeRolePolicy", ROLE_ARN)),
    ("assuming every role", allow("sts:AssumeRole", "*")),
    ("assuming a role in any account", allow("sts:AssumeRole", "arn:aws:iam::*:role/deployer")),
    ("a policy of a bucket", allow("s3:PutBucketPolicy", "arn:aws:s3:::models")),
    ("a grant on a key", allow("kms:CreateGrant", f"arn:aws:kms:us-east-1:{OWN}:key/1")),
    ("a command on a machine", allow("ssm:SendCommand", f"arn:aws:ec2:us-east-1:{OWN}:instance/i-1")),
    (
        "an entry that makes an administrator of a cluster",
        allow("eks:AssociateAccessPolicy", f"arn:aws:eks:us-east-1:{OWN}:cluster/a"),
    ),
    ("every secret", allow("secretsmanager:GetSecretValue", "*")),
    (
        "every secret by an ARN",
        allow("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:us-east-1:{OWN}:secret:*"),
    ),
    (
        "every secret by a tag of the caller",
        allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:${aws:username}*"),
    ),
    ("every key by an incomplete ARN", allow("kms:Decrypt", "arn:aws:kms:*")),
    ("every object by wildcards that are no star", allow("s3:GetObject", "arn:aws:s3:::?*")),
    ("machines anywhere", allow("ec2:RunInstances", "*")),
    (
        "a service that nobody has judged",
        allow("cloudformation:CreateStack", f"arn:aws:cloudformation:us-east-1:{OWN}:stack/a/1"),
    ),
    ("every action but one", {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
    ("every resource but one", {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::a/*"}),
    ("elements in lower case", {"effect": "Allow", "action": "*", "resource": "*"}),
    ("elements in mixed case", {"EFFECT": "Allow", "ACTION": "*", "RESOURCE": "*"}),
    ("an effect in lower case", {"Effect": "allow", "Action": "*", "Resource": "*"}),
)

_TWICE = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Statement": []}'
_PRETTY = json.dumps({"Statement": allow("iam:*", "*")}, indent=4)

ATTACKS: tuple[Attack, ...] = (
    *(attack(f"a policy grants {name}", RULE, policy(statement)) for name, statement in _GRANTS),
    attack(
        "a policy says Statement twice, and readers take one or the other",
        RULE,
        aws("iam/policy:Policy", policy=_TWICE),
    ),
    attack("a pretty-printed policy stands inside a role", RULE, _inline(_PRETTY)),
    attack(
        "a policy of a user grants everything",
        "no-iam-users",
        aws("iam/userPolicy:UserPolicy", user="a", policy=json.dumps({"Statement": allow("*", "*")})),
    ),
    attack("a user is made", "no-iam-users", aws("iam/user:User")),
    attack("a key is made for a user", "no-iam-users", aws("iam/accessKey:AccessKey", user="a")),
    *(
        attack(
            f"a role holds {name} of partition {partition}",
            "no-admin-attached",
            aws(
                "iam/rolePolicyAttachment:RolePolicyAttachment",
                role="a",
                policyArn=f"arn:{partition}:iam::aws:policy/{name}",
            ),
        )
        for partition, name in (
            ("aws", "AdministratorAccess"),
            ("aws", "AWSLambda_FullAccess"),
            ("aws", "job-function/SystemAdministrator"),
            ("aws-cn", "AdministratorAccess"),
        )
    ),
    attack(
        "a role holds a policy of the account that nobody has read",
        "no-admin-attached",
        aws(
            "iam/rolePolicyAttachment:RolePolicyAttachment", role="a", policyArn=f"arn:aws:iam::{OWN}:policy/old-admin"
        ),
    ),
)
HARMLESS: tuple[Harmless, ...] = (
    harmless("a policy reads the objects of one bucket", policy(allow(["s3:GetObject", "s3:ListBucket"], OBJECTS))),
    harmless("a policy describes machines", policy(allow("ec2:Describe*", "*"))),
    harmless(
        "a policy passes one role to one service",
        policy(
            allow("iam:PassRole", ROLE_ARN, Condition={"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}})
        ),
    ),
    harmless("a policy denies everything", policy({"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"})),
    harmless(
        "a role holds a policy of its own stack",
        aws("iam/policy:Policy", name="app", policy=json.dumps({"Statement": allow("s3:GetObject", OBJECTS)})),
        aws("iam/rolePolicyAttachment:RolePolicyAttachment", role="a", policyArn=f"arn:aws:iam::{OWN}:policy/app"),
    ),
)
