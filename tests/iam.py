"""IAM's decision on a request, simulated from the documents that a stack declares: what the tests of least privilege ask.

Simulated are Allow and Deny, `*` and `?` in actions and resources, and StringEquals and StringLike; anything else is refused
rather than guessed. Service control policies, permission boundaries and the keys' own policies are not: they only take away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any


def allowed(documents: Iterable[str], action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether identity policies let their holder do `action` on the ARN `resource`: an Allow and no Deny."""
    found = {
        each["Effect"]
        for text in documents
        for each in json.loads(text)["Statement"]
        if _meant(each, "Action", action, ignore_case=True)
        and _meant(each, "Resource", resource)
        and _holds(each.get("Condition", {}), context or {})
    }
    return found == {"Allow"}


def trusts(document: str, principal: str, action: str) -> bool:
    """Whether a role's trust document lets the ARN or service `principal` do `action`."""
    return any(
        each["Effect"] == "Allow"
        and principal in _several(next(iter(each["Principal"].values())))
        and _meant(each, "Action", action, ignore_case=True)
        and not each.get("Condition")
        for each in json.loads(document)["Statement"]
    )


def _meant(statement: Mapping[str, Any], key: str, value: str, *, ignore_case: bool = False) -> bool:
    if f"Not{key}" in statement:
        raise NotImplementedError(f"Not{key}")
    return any(_like(pattern, value, ignore_case=ignore_case) for pattern in _several(statement[key]))


def _like(pattern: str, value: str, *, ignore_case: bool = False) -> bool:
    text = "".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern)
    return re.fullmatch(text, value, re.IGNORECASE | re.DOTALL if ignore_case else re.DOTALL) is not None


def _holds(conditions: Mapping[str, Mapping[str, Any]], context: Mapping[str, str]) -> bool:
    tests = {"StringEquals": lambda pattern, value: pattern == value, "StringLike": _like}
    for operator, keys in conditions.items():
        if operator not in tests:
            raise NotImplementedError(operator)
        for key, patterns in keys.items():
            if key not in context or not any(tests[operator](each, context[key]) for each in _several(patterns)):
                return False
    return True


def _several(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
