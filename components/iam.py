"""IAM documents as values: trust for a service, and policies of a few statements, rendered in one canonical way."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

POD_IDENTITY = "pods.eks.amazonaws.com"


def trust(
    service: str,
    actions: Sequence[str] = ("sts:AssumeRole",),
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """A trust policy that lets one AWS service, and nobody else, assume the role."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    return document([{**statement, "Condition": conditions} if conditions else statement])


def trust_pods() -> str:
    """A trust policy for EKS Pod Identity, which tags the session with cluster, namespace and service account."""
    return trust(POD_IDENTITY, ("sts:AssumeRole", "sts:TagSession"))


def trust_role(arn: str) -> str:
    """A trust policy that lets one role, and nobody else, take this one, with the tags of its own session."""
    statement = {"Effect": "Allow", "Principal": {"AWS": arn}, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    return document([statement])


def allow(
    sid: str,
    actions: Sequence[str],
    resources: Sequence[str],
    conditions: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """One Allow statement; `conditions` is operator -> key -> value, as IAM writes it."""
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": sorted(resources),
    }
    return {**statement, "Condition": conditions} if conditions else statement


def document(statements: Sequence[Mapping[str, Any]]) -> str:
    """The statements as an IAM policy document (JSON, version 2012-10-17)."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, sort_keys=True)
