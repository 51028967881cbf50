"""IAM policy documents as IAM judges them: the grammar, and which kind of document may stand where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from engine.marks import UNKNOWN
from engine.paths import at
from sandbox.aws.rules import names
from sandbox.provider import Fault

TRUST, IDENTITY, RESOURCE = "trust", "identity", "resource"

PLACES: dict[str, tuple[tuple[str, str, int], ...]] = {
    "aws:iam/role:Role": (("assumeRolePolicy", TRUST, 2048),),
    "aws:iam/rolePolicy:RolePolicy": (("policy", IDENTITY, 10240),),
    "aws:iam/policy:Policy": (("policy", IDENTITY, 6144),),
    "aws:sqs/queue:Queue": (("policy", RESOURCE, 65536),),
    "aws:sqs/queuePolicy:QueuePolicy": (("policy", RESOURCE, 65536),),
    "aws:sns/topicPolicy:TopicPolicy": (("policy", RESOURCE, 30720),),
    "aws:s3/bucketPolicy:BucketPolicy": (("policy", RESOURCE, 20480),),
    "aws:kms/key:Key": (("policy", RESOURCE, 32768),),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (("policy", RESOURCE, 20480),),
    "aws:secretsmanager/secret:Secret": (("policy", RESOURCE, 20480),),
    "aws:ecr/repositoryPolicy:RepositoryPolicy": (("policy", RESOURCE, 10240),),
}
"""Where documents stand: the property, the kind, and the most characters without white space that AWS takes."""

_TOP = {"Version", "Id", "Statement"}
_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"}
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"\*|arn:[a-z*-]+:[^:]+:[^:]*:[^:]*:.+")
_OPERATOR = re.compile(
    r"(ForAllValues:|ForAnyValue:)?(Null|(String(Equals|NotEquals|EqualsIgnoreCase|NotEqualsIgnoreCase|Like|NotLike)|"
    r"Numeric(Equals|NotEquals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|"
    r"Date(Equals|NotEquals|LessThan|LessThanEquals|GreaterThan|GreaterThanEquals)|Bool|BinaryEquals|"
    r"(Not)?IpAddress|Arn(Equals|NotEquals|Like|NotLike))(IfExists)?)"
)


def faults(token: str, inputs: Mapping[str, Any]) -> Iterator[Fault]:
    """Every fault of every policy document among the inputs."""
    for path, kind, limit in PLACES.get(token, ()):
        value = at(inputs, path)
        if isinstance(value, str) and value != UNKNOWN:
            for reason in problems(value, kind, limit):
                yield Fault(path, f"MalformedPolicyDocument: {reason}")


def problems(document: str, kind: str, limit: int) -> Iterator[str]:
    """What IAM would say about a document of this kind; nothing when it would take it."""
    try:
        body = json.loads(document)
    except ValueError as error:
        yield f"This policy contains invalid Json: {error}"
        return
    if not isinstance(body, dict):
        yield "Syntax errors in policy: the document is not an object"
        return
    size = len(re.sub(r"\s", "", document))
    if size > limit:
        yield f"Cannot exceed quota for this policy: {size} characters, {limit} are allowed"
    if unknown := sorted(set(body) - _TOP):
        yield f"Syntax errors in policy: unknown element {', '.join(unknown)}"
    if body.get("Version") not in ("2012-10-17", "2008-10-17"):
        yield "Syntax errors in policy: Version must be 2012-10-17"
    statements = body.get("Statement")
    listed = statements if isinstance(statements, list) else [statements] if statements else []
    if not listed:
        yield "Syntax errors in policy: Statement is missing or empty"
    sids = [part.get("Sid") for part in listed if isinstance(part, dict) and part.get("Sid")]
    if len(sids) != len(set(sids)):
        yield "Statement IDs (SID) in a single policy must be unique"
    for index, statement in enumerate(listed):
        if isinstance(statement, dict):
            for reason in _statement(statement, kind):
                yield f"Statement[{index}]: {reason}"
        else:
            yield f"Statement[{index}] is not an object"


def trusts(document: Any, service: str) -> bool:
    """Whether a trust document lets `service` assume the role."""
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, TypeError, KeyError):
        return False
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal")
        services = _listed(principal.get("Service")) if isinstance(principal, dict) else []
        if (
            statement.get("Effect") == "Allow"
            and service in services
            and "sts:AssumeRole" in _listed(statement.get("Action"))
        ):
            return True
    return False


def _statement(statement: Mapping[str, Any], kind: str) -> Iterator[str]:
    if unknown := sorted(set(statement) - _KEYS):
        yield f"Syntax errors in policy: unknown element {', '.join(unknown)}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "Effect must be Allow or Deny"
    if not re.fullmatch(r"[A-Za-z0-9]*" if kind != RESOURCE else r"[A-Za-z0-9 _-]*", str(statement.get("Sid") or "")):
        yield f"Statement IDs (SID) must be alpha-numeric: {statement['Sid']}"
    yield from _pair(statement, "Action", _ACTION, "Actions/Conditions must be prefaced by a vendor")
    if kind == TRUST:
        if {"Resource", "NotResource"} & set(statement):
            yield "Has prohibited field Resource"
    else:
        yield from _pair(statement, "Resource", _ARN, "Resource must be in ARN format or *")
    has_principal = bool({"Principal", "NotPrincipal"} & set(statement))
    if kind == IDENTITY and has_principal:
        yield "Policy document should not specify a principal"
    elif kind != IDENTITY and not has_principal:
        yield "Missing required field Principal"
    yield from _services(statement)
    conditions = statement.get("Condition", {})
    for operator, block in conditions.items() if isinstance(conditions, dict) else [("", None)]:
        if not isinstance(block, dict) or not block:
            yield "Syntax errors in policy: Condition must map operators to keys with values"
        elif not _OPERATOR.fullmatch(operator):
            yield f"Invalid Condition type: {operator}"


def _services(statement: Mapping[str, Any]) -> Iterator[str]:
    """Each AWS service that a statement trusts and that does not exist."""
    known = names.kinds()["servicePrincipals"]
    for key in ("Principal", "NotPrincipal"):
        principal = statement.get(key)
        for service in _listed(principal.get("Service")) if isinstance(principal, dict) else ():
            if isinstance(service, str) and service != UNKNOWN and not known.knows(service):
                yield known.said.replace("{name}", service)


def _pair(statement: Mapping[str, Any], key: str, form: re.Pattern[str], complaint: str) -> Iterator[str]:
    present = [name for name in (key, f"Not{key}") if name in statement]
    if len(present) != 1:
        yield f"Policy statement must contain exactly one of {key} and Not{key}"
    for name in present:
        values = _listed(statement[name])
        if not values:
            yield f"{name} is empty"
        for value in values:
            if not isinstance(value, str) or not form.fullmatch(value):
                yield f"{complaint}: {value}"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
