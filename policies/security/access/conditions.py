"""Conditions that really narrow a statement, and those that only look as if they did.

A condition counts when it is false for a request that lacks its key, and when its values name somebody. `...IfExists` and
`ForAllValues` are true without the key, `Null` and the negated operators are true for almost everybody. Source: IAM User Guide,
"IAM JSON policy elements: Condition operators" and "Multivalued context key examples", read on 2026-12-01.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from policies.security.access.documents import Statement
from policies.security.access.reach import ACCOUNT, account_of, everywhere, is_open, names_something
from policies.security.blocks import TooOpenError, admitted

_EXACT = frozenset(("StringEquals", "StringEqualsIgnoreCase"))
_LIKE = frozenset(("StringLike", "ArnEquals", "ArnLike"))
"""Operators in whose values `*` and `?` are wildcards; ArnEquals is one of them."""
_ADDRESS = "IpAddress"
CALLERS = frozenset(
    (
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
    )
)
"""Keys that say who calls, and that the caller cannot choose."""


def holds(statement: Statement, keys: Collection[str], narrow: Callable[[str], bool] | None = None) -> bool:
    """Whether a condition on one of `keys` narrows the statement; `narrow` judges values in which wildcards count."""
    return any(
        key in keys and _narrows(operator, values, narrow or names) for operator, key, values in statement.conditions
    )


def on_tags(statement: Statement) -> bool:
    """Whether the statement holds only for things that carry a tag with a fixed value."""
    return any(
        key.startswith(("aws:requesttag/", "aws:resourcetag/", "ec2:resourcetag/", "iam:resourcetag/"))
        and _narrows(operator, values, lambda value: not is_open(value))
        for operator, key, values in statement.conditions
    )


def names(value: str) -> bool:
    """Whether a value names somebody: it is literal, or an ARN with its account and the start of a name."""
    if not is_open(value):
        return bool(value)
    if not value.startswith("arn:") or everywhere(value):
        return False
    account = account_of(value)
    return names_something(value) if account == "" else ACCOUNT.fullmatch(account) is not None


def _narrows(operator: str, values: tuple[str, ...], narrow: Callable[[str], bool]) -> bool:
    base = operator.removeprefix("ForAnyValue:")
    if not values or not all(values):
        return False
    if base == _ADDRESS:
        try:
            admitted(values)
        except TooOpenError:
            return False
        return True
    if base in _EXACT:
        return not any("${" in value for value in values)
    return base in _LIKE and all(map(narrow, values))
