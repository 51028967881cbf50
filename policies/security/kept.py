"""Rules on data that must not be lost or read in transit: databases and buckets of prod are protected, and all connections are
encrypted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from policies.graph import UNKNOWN, Graph, Node, items, mapping
from policies.rule import Context, Finding, Reference, Rule, Severity, refuse, undetermined
from policies.security.encryption import BUCKET, belongs

INSTANCE = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"
BUCKET_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
LEAST_BACKUP_DAYS = 7
FORCE_TLS = "rds.force_ssl"


def database_kept(node: Node, context: Context) -> Iterator[Finding]:
    """Deletion protection is not asked for: taking it off is how a database goes, and what it held is in the snapshot."""
    if context.environment != "prod":
        return
    days = node.read("backupRetentionPeriod")
    standby = node.read("multiAz")
    if standby is UNKNOWN:
        yield undetermined("multiAz")
    elif standby is not True:
        yield refuse("multiAz", "a database of prod has no standby", found=standby, allowed="true")
    if node.read("skipFinalSnapshot") is True:
        yield refuse("skipFinalSnapshot", "deleting the database leaves nothing behind", found=True, allowed="false")
    if days is UNKNOWN:
        yield undetermined("backupRetentionPeriod")
    elif not isinstance(days, int | float) or days < LEAST_BACKUP_DAYS:
        yield refuse(
            "backupRetentionPeriod", "too few backups", found=days, allowed=f"{LEAST_BACKUP_DAYS} days or more"
        )


def database_password_managed(node: Node, _: Context) -> Iterator[Finding]:
    """A password that the program knows is in the state, and nobody rotates it."""
    if node.read("password") is not None or node.read("manageMasterUserPassword") is not True:
        yield refuse(
            "manageMasterUserPassword",
            "the password is not RDS's own to keep and rotate",
            allowed="true, and no password",
        )


def database_tls(node: Node, _: Context) -> Iterator[Finding]:
    """PostgreSQL 15 and later refuse clients in clear by default; the group says so for good."""
    family, parameters = node.read("family"), node.read("parameters")
    if parameters is UNKNOWN:
        yield undetermined("parameters")
        return
    if not str(family).startswith("postgres"):
        return
    said = [mapping(item).get("value") for item in items(parameters) if mapping(item).get("name") == FORCE_TLS]
    if UNKNOWN in said:
        yield undetermined("parameters")
    elif [str(each) for each in said] != ["1"]:
        yield refuse("parameters", "the database may talk in clear", found=said, allowed=f"{FORCE_TLS}: 1")


def buckets_kept(graph: Graph, _: Context) -> Iterator[Finding]:
    """Versions bring back what was overwritten; the policy turns away who asks in clear."""
    for kind, what, complete in (
        (VERSIONING, "versions", _keeps_versions),
        (BUCKET_POLICY, "policy that refuses requests in clear", _refuses_clear),
    ):
        parts = [part for part in graph.of_type(kind) if complete(part)]
        for bucket in graph.of_type(BUCKET):
            if not any(belongs(part, bucket, graph) for part in parts):
                yield Finding(problem=refuse("", f"the bucket has no {what}").problem, urn=bucket.urn)


def _keeps_versions(part: Node) -> bool:
    return part.read("versioningConfiguration", "status") in ("Enabled", UNKNOWN)


def _refuses_clear(part: Node) -> bool:
    return _tls_only(part.read("policy"))


def _tls_only(policy: Any) -> bool:
    if policy is UNKNOWN:
        return True
    try:
        statements = (json.loads(policy) if isinstance(policy, str) else policy)["Statement"]
    except (ValueError, TypeError, KeyError):
        return False
    return any(
        mapping(item).get("Effect") == "Deny"
        and mapping(item).get("Principal") in ("*", {"AWS": "*"})
        and mapping(item).get("Action") in ("s3:*", ["s3:*"])
        and mapping(mapping(mapping(item).get("Condition")).get("Bool")).get("aws:SecureTransport") in ("false", False)
        for item in items(statements)
    )


RULES = (
    Rule(
        name="database-kept",
        pack="security",
        severity=Severity.HIGH,
        description="A database of prod has a standby, a week of backups and a final snapshot.",
        fix="Set multiAz, a backupRetentionPeriod of seven days or more, and skipFinalSnapshot to false.",
        applies_to=(INSTANCE,),
        check=database_kept,
        references=tuple(Reference(framework="AWS FSBP", control=each) for each in ("RDS.5", "RDS.11")),
    ),
    Rule(
        name="database-password-managed",
        pack="security",
        severity=Severity.HIGH,
        description="A database's password is kept and rotated by RDS, and is nowhere in the program.",
        fix="Set manageMasterUserPassword and leave password out.",
        applies_to=(INSTANCE,),
        check=database_password_managed,
    ),
    Rule(
        name="database-tls",
        pack="security",
        severity=Severity.HIGH,
        description="A PostgreSQL database refuses clients that do not speak TLS.",
        fix=f"Set the parameter {FORCE_TLS} to 1.",
        applies_to=(PARAMETERS,),
        check=database_tls,
    ),
    Rule(
        name="buckets-kept",
        pack="security",
        severity=Severity.HIGH,
        description="Every bucket has versions, and a policy that refuses requests in clear.",
        fix="Add a BucketVersioning that is Enabled, and a BucketPolicy that denies s3:* when aws:SecureTransport is false.",
        check_stack=buckets_kept,
        references=tuple(Reference(framework="AWS FSBP", control=each) for each in ("S3.14", "S3.5")),
    ),
)
