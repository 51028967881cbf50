"""Admission policies that refuse a secret store or generator without its own identity, so that a team cannot use the operator's.

External Secrets' chart lets whoever may edit a namespace make a SecretStore in it, and one for AWS without `auth` is read with
the operator's identity, with whichever role it names. `conditions` bind ClusterSecretStores alone, so these are refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

_OWN = (".?jwt.?serviceAccountRef", ".?secretRef.?accessKeyIDSecretRef")
"""Below `auth`, the two ways to bring an identity of one's own; an empty one is none."""


def _brings_own(auth: str) -> str:
    return " || ".join(f"{auth}{each}.hasValue()" for each in _OWN)


GUARDS: Mapping[str, tuple[str, list[str], str]] = {
    "modelyard-secret-stores": (
        "external-secrets.io",
        ["secretstores"],
        f"!has(object.spec.provider.aws) || {_brings_own('object.spec.provider.aws.?auth')}",
    ),
    "modelyard-secret-generators": (
        "generators.external-secrets.io",
        ["ecrauthorizationtokens", "stssessiontokens"],
        _brings_own("object.spec.?auth"),
    ),
}
"""Policy -> the API group and resources that it judges, and the CEL expression that has to hold."""

MESSAGE = (
    "spec.auth is missing: the operator's identity is the platform's; use the ClusterSecretStore secrets-<namespace>"
)


def guard(labels: Mapping[str, str], opts: pulumi.ResourceOptions) -> list[pulumi.Resource]:
    """The admission policies and their bindings, for every namespace."""
    made: list[pulumi.Resource] = []
    for name, (group, resources, expression) in GUARDS.items():
        rule = {
            "api_groups": [group],
            "api_versions": ["*"],
            "operations": ["CREATE", "UPDATE"],
            "resources": resources,
        }
        # Any: a type checker that compares such a tree with the SDK's overloads takes gigabytes for it.
        metadata: Any = {"name": name, "labels": dict(labels)}
        spec: Any = {
            "failure_policy": "Fail",
            "match_constraints": {"resource_rules": [rule]},
            "validations": [{"expression": expression, "message": MESSAGE, "reason": "Forbidden"}],
        }
        bound: Any = {"policy_name": name, "validation_actions": ["Deny"]}
        made += [
            k8s.admissionregistration.v1.ValidatingAdmissionPolicy(name, metadata=metadata, spec=spec, opts=opts),
            k8s.admissionregistration.v1.ValidatingAdmissionPolicyBinding(
                name, metadata=metadata, spec=bound, opts=opts
            ),
        ]
    return made
