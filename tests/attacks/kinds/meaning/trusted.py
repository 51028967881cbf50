"""Roles and resources that trust more people than they seem to."""

from __future__ import annotations

import json
from typing import Any

from pricing.items.graph import Node
from tests.attacks.attack import Attack, Harmless
from tests.attacks.kinds.meaning.judged import OWN, attack, aws, harmless, role

RULE = "no-open-trust"
GITHUB = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": f"arn:aws:iam::{OWN}:oidc-provider/{GITHUB}"}
AUDIENCE = {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
OURS = {"AWS": f"arn:aws:iam::{OWN}:role/app"}
THEIRS = {"AWS": "arn:aws:iam::666666666666:root"}


def _held(token: str, key: str = "policy", *, principal: object = "*", condition: Any = None) -> Node:
    statement = {"Effect": "Allow", "Action": "*", "Principal": principal, "Resource": "*"}
    if condition is not None:
        statement["Condition"] = condition
    return aws(token, **{key: json.dumps({"Statement": [statement]})})


def _github(subject: str, operator: str = "StringLike") -> Node:
    return role(
        PROVIDER,
        {**AUDIENCE, operator: {f"{GITHUB}:sub": subject}}
        if operator != "StringEquals"
        else {"StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": subject}},
    )


_EMPTY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("matches everything", {"StringLike": {"aws:PrincipalOrgID": "*"}}),
    ("holds when its key is missing", {"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}),
    ("holds for no values", {"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
    ("asks only whether the key is there", {"Null": {"aws:PrincipalOrgID": "false"}}),
    ("says who is not meant", {"StringNotEquals": {"aws:PrincipalAccount": "666666666666"}}),
    ("says only how the request travels", {"Bool": {"aws:SecureTransport": "true"}}),
    ("compares the caller with himself", {"StringEquals": {"aws:PrincipalAccount": "${aws:PrincipalAccount}"}}),
    ("takes an ARN of any account", {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/app"}}),
    ("asks for a tag that callers give themselves", {"StringEquals": {"aws:PrincipalTag/team": "ml"}}),
    ("takes two halves of the internet", {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}),
    ("names another account", {"StringEquals": {"aws:PrincipalAccount": "666666666666"}}),
)

ATTACKS: tuple[Attack, ...] = (
    *(
        attack(
            f"a role trusts everybody under a condition that {name}", RULE, role(OURS, name="own"), role("*", condition)
        )
        for name, condition in _EMPTY
    ),
    attack("a role trusts every account by a wildcard in an ARN", RULE, role({"AWS": "arn:aws:iam::*:root"})),
    attack("a role trusts another account", RULE, role(OURS, name="own"), role(THEIRS)),
    attack("a role trusts a star among others", RULE, role({"AWS": [OURS["AWS"], "*"]})),
    attack(
        "a role trusts everybody but one",
        RULE,
        aws(
            "iam/role:Role",
            assumeRolePolicy=json.dumps(
                {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "NotPrincipal": OURS}]}
            ),
        ),
    ),
    attack("a role trusts every workflow of GitHub", RULE, role(PROVIDER, AUDIENCE)),
    attack("a role trusts every repository by a star", RULE, _github("repo:*")),
    attack("a role trusts every repository of an owner", RULE, _github("repo:owner/*")),
    attack("a role trusts every owner whose name begins so", RULE, _github("repo:own*/name:ref:refs/heads/main")),
    attack("a role trusts a subject only where there is one", RULE, _github("repo:owner/name:*", "StringLikeIfExists")),
    attack(
        "a role trusts the subject of another provider",
        RULE,
        role(PROVIDER, {"StringEquals": {"gitlab.com:sub": "project_path:owner/name"}}),
    ),
    attack("a role trusts everybody with an account at Google", RULE, role({"Federated": "accounts.google.com"})),
    attack(
        "a role trusts a SAML provider's every user", RULE, role({"Federated": f"arn:aws:iam::{OWN}:saml-provider/sso"})
    ),
    *(
        attack(f"a {token.rpartition(':')[2]} trusts everybody", RULE, _held(token, key))
        for token, key in (
            ("sqs/queue:Queue", "policy"),
            ("sns/topic:Topic", "policy"),
            ("kms/key:Key", "policy"),
            ("ecr/repositoryPolicy:RepositoryPolicy", "policy"),
            ("secretsmanager/secretPolicy:SecretPolicy", "policy"),
            ("s3/bucketPolicy:BucketPolicy", "policy"),
            ("ecr/registryPolicy:RegistryPolicy", "policy"),
            ("cloudwatch/logResourcePolicy:LogResourcePolicy", "policyDocument"),
            ("opensearch/domain:Domain", "accessPolicies"),
        )
    ),
    attack(
        "a bucket trusts a canonical id that nobody can read",
        RULE,
        _held("s3/bucketPolicy:BucketPolicy", principal={"CanonicalUser": "ab"}),
    ),
    attack("a key trusts another account", RULE, role(OURS, name="own"), _held("kms/key:Key", principal=THEIRS)),
)
HARMLESS: tuple[Harmless, ...] = (
    harmless("a role trusts a service", role({"Service": "ec2.amazonaws.com"})),
    harmless(
        "a role trusts one branch of one repository", _github("repo:owner/name:ref:refs/heads/main", "StringEquals")
    ),
    harmless("a role trusts every workflow of one repository", _github("repo:owner/name:*")),
    harmless("a role trusts everybody of one organization", role("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
    harmless("two roles trust their own account", role(OURS, name="own"), role({"AWS": OWN})),
    harmless(
        "a bucket denies everybody requests in clear",
        aws(
            "s3/bucketPolicy:BucketPolicy",
            bucket="a",
            policy=json.dumps(
                {
                    "Statement": {
                        "Effect": "Deny",
                        "Principal": "*",
                        "Action": "s3:*",
                        "Resource": "*",
                        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                    }
                }
            ),
        ),
    ),
)
