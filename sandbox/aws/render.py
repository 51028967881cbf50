"""`getPolicyDocument`: statements as the provider's data source takes them, rendered as the real one renders them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sandbox.provider import CloudError

_STATEMENT = {
    "sid",
    "effect",
    "actions",
    "notActions",
    "resources",
    "notResources",
    "principals",
    "notPrincipals",
    "conditions",
}


def policy_document(args: Mapping[str, Any]) -> dict[str, Any]:
    """The document as indented and as compact JSON; overriding documents replace statements of the same Sid."""
    version = args.get("version") or "2012-10-17"
    statements = [part for source in args.get("sourcePolicyDocuments") or () for part in _parsed(source)]
    statements += [_statement(statement) for statement in args.get("statements") or ()]
    for override in args.get("overridePolicyDocuments") or ():
        for part in _parsed(override):
            statements = [old for old in statements if not part.get("Sid") or old.get("Sid") != part["Sid"]] + [part]
    head = {"Version": version, **({"Id": args["policyId"]} if args.get("policyId") else {})}
    body = {**head, "Statement": statements}
    compact = json.dumps(body, separators=(",", ":"))
    return {
        "id": str(sum(compact.encode())),
        "json": json.dumps(body, indent=2),
        "minifiedJson": compact,
        "version": version,
    }


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    if wrong := sorted(set(given) - _STATEMENT):
        raise CloudError(
            "InvalidArgument", f"unsupported argument statements.{wrong[0]}; accepted are {', '.join(_STATEMENT)}"
        )
    made: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    made["Effect"] = given.get("effect") or "Allow"
    for name, key in (
        ("actions", "Action"),
        ("notActions", "NotAction"),
        ("resources", "Resource"),
        ("notResources", "NotResource"),
    ):
        if given.get(name):
            made[key] = _folded(sorted(given[name]))
    for name, key in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        if given.get(name):
            made[key] = _principals(given[name])
    conditions: dict[str, dict[str, Any]] = {}
    for condition in given.get("conditions") or ():
        conditions.setdefault(condition["test"], {})[condition["variable"]] = _folded(condition["values"])
    return {**made, "Condition": conditions} if conditions else made


def _principals(given: list[Mapping[str, Any]]) -> Any:
    if len(given) == 1 and given[0]["type"] == "*":
        return "*"
    merged: dict[str, list[str]] = {}
    for principal in given:
        merged.setdefault(principal["type"], []).extend(principal["identifiers"])
    return {kind: _folded(sorted(names)) for kind, names in merged.items()}


def _folded(values: list[str]) -> Any:
    return values[0] if len(values) == 1 else values


def _parsed(document: str) -> list[dict[str, Any]]:
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise CloudError("InvalidArgument", f"a source or override policy document is not valid: {error}") from error
    return statements if isinstance(statements, list) else [statements]
